/** The states of alarms, cases, sessions and assets in words, each with its tone. */
import type { AlarmView, AssetSummary } from '../../../protocol/api.ts'
import type { AlarmState, CaseState, SessionState } from '../../../protocol/states.ts'
import { formatInstant } from '../i18n/format.ts'
import { useWords } from '../i18n/language.tsx'
import { usePlace } from '../i18n/place.ts'
import { Mark, type Tone } from './mark.tsx'
import { useUntil } from './when.tsx'

const alarmTones = {
  normal: 'good',
  'active-unacked': 'bad',
  'active-acked': 'bad',
  'cleared-unacked': 'warn',
} as const satisfies Record<AlarmState, Tone>

export function AlarmMark({ alarm }: { alarm: AlarmView }) {
  const { t } = useWords()
  const place = usePlace(alarm.site)
  const until = useUntil(alarm.site)
  const { outOfService } = alarm
  return (
    <span className="marks">
      <Mark tone={alarmTones[alarm.state]}>{t(`alarm.state.${alarm.state}`)}</Mark>
      {outOfService && (
        <Mark tone="info">{t('alarm.out-of-service', { time: until(outOfService.until) })}</Mark>
      )}
      {alarm.shelving !== 'Unshelved' && (
        <Mark tone="idle">
          {alarm.shelvedUntil === null
            ? t('alarm.shelved')
            : t('alarm.shelved-until', { time: formatInstant(alarm.shelvedUntil, 'time', place) })}
        </Mark>
      )}
    </span>
  )
}

const caseTones = {
  reported: 'bad',
  diagnosing: 'warn',
  fixing: 'warn',
  verifying: 'info',
  closed: 'good',
  dismissed: 'idle',
} as const satisfies Record<CaseState, Tone>

export function CaseMark({ state }: { state: CaseState }) {
  const { t } = useWords()
  return <Mark tone={caseTones[state]}>{t(`case.state.${state}`)}</Mark>
}

const sessionTones = {
  requested: 'warn',
  approved: 'info',
  active: 'good',
  paused: 'warn',
  ended: 'idle',
  refused: 'bad',
} as const satisfies Record<SessionState, Tone>

export function SessionMark({ state }: { state: SessionState }) {
  const { t } = useWords()
  return <Mark tone={sessionTones[state]}>{t(`session.state.${state}`)}</Mark>
}

const healthTones = {
  normal: 'good',
  alarm: 'bad',
  unknown: 'warn',
  'no-model': 'idle',
} as const satisfies Record<AssetSummary['health'], Tone>

export function HealthMark({ health }: { health: AssetSummary['health'] }) {
  const { t } = useWords()
  return <Mark tone={healthTones[health]}>{t(`health.${health}`)}</Mark>
}

/** Sparkplug quality 192, 500, 0 in words. */
export function QualityMark({ quality }: { quality: number }) {
  const { t } = useWords()
  if (quality === 192) return <Mark tone="good">{t('quality.good')}</Mark>
  if (quality === 500) return <Mark tone="warn">{t('quality.stale')}</Mark>
  return <Mark tone="bad">{t('quality.bad')}</Mark>
}
