/** A state in words with a sign and a colour; never the colour alone. */
import {
  IconAlertTriangle,
  IconCircleCheck,
  IconCircleDashed,
  IconClockPause,
  IconInfoCircle,
} from '@tabler/icons-react'
import type { ReactNode } from 'react'

export type Tone = 'good' | 'warn' | 'bad' | 'idle' | 'info'

const icons = {
  good: IconCircleCheck,
  warn: IconClockPause,
  bad: IconAlertTriangle,
  idle: IconCircleDashed,
  info: IconInfoCircle,
} as const satisfies Record<Tone, unknown>

export function Mark({ tone, children }: { tone: Tone; children: ReactNode }) {
  const Icon = icons[tone]
  return (
    <span className="mark" data-tone={tone}>
      <Icon size={14} stroke={2} aria-hidden="true" />
      <span>{children}</span>
    </span>
  )
}
