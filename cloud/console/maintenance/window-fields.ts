/** From and to of planned maintenance as two fields hold them, and what is wrong with them. Pure. */
import type { MessageKey } from '../i18n/en.ts'
import { formatWall, parseWall } from '../i18n/wall-clock.ts'

const minute = 60_000
/** As the cloud takes it. */
export const maxWindowMs = 30 * 86_400_000

export interface WindowFields {
  /** What the fields hold: the wall clock of the site, or something half filled in. */
  from: string
  to: string
}

/** Two hours from now on, on a round minute. */
export function freshFields(now: number, timeZone: string | undefined): WindowFields {
  const from = Math.floor(now / (5 * minute)) * 5 * minute
  return { from: formatWall(from, timeZone), to: formatWall(from + 120 * minute, timeZone) }
}

export interface WindowSpan {
  from: number
  to: number
}

/** The words say what is wrong; half filled in says nothing yet, and is no span. */
export function readFields(
  fields: WindowFields,
  timeZone: string | undefined,
): { span: WindowSpan | null; problem: MessageKey | null } {
  const from = parseWall(fields.from, timeZone)
  const to = parseWall(fields.to, timeZone)
  if (from === null || to === null) return { span: null, problem: null }
  if (to <= from) return { span: null, problem: 'work.bad-span' }
  if (to - from > maxWindowMs) return { span: null, problem: 'work.too-long' }
  return { span: { from, to }, problem: null }
}
