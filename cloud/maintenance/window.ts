/** What planned work may look like when it is entered or extended, and what it is afterwards. Pure. */
import { Fault } from '../../protocol/kit/fault.ts'
import { type MaintenanceState, maintenanceTransitions, nextState } from '../../protocol/states.ts'

const DAY_MS = 86_400_000
/** What lasts longer is looked at again by somebody: alarms that are out of service for months are forgotten. */
export const MAX_WINDOW_MS = 30 * DAY_MS
/** Farther from now a wrong year was typed; older samples are not kept either. */
export const MAX_DISTANCE_MS = 400 * DAY_MS

export interface Span {
  from: number
  to: number
}

/** A number that is no date is shown as it is. */
const day = (at: number) => (Math.abs(at) < 8.64e15 ? new Date(at).toISOString() : String(at))
const refuse = (problem: string) => new Fault('request.invalid', { problem })

/** Throws Fault 'request.invalid', which names the field. */
export function checkSpan({ from, to }: Span, now: number): void {
  if (Math.abs(from - now) > MAX_DISTANCE_MS)
    throw refuse(`/from (${day(from)}) is more than 400 days from now`)
  if (to <= from) throw refuse(`/to (${day(to)}) is not after /from (${day(from)})`)
  if (to - from > MAX_WINDOW_MS)
    throw refuse(
      '/to is more than 30 days after /from: enter less, and extend it while it runs, or enter the rest as another one',
    )
}

/** An extension may take it beyond the first thirty days: somebody has just looked at it. Throws Fault 'request.invalid'. */
export function checkExtension(to: number, { now, before }: { now: number; before: number }): void {
  if (to <= before) throw refuse(`/to (${day(to)}) is not after its end so far (${day(before)})`)
  if (to - now > MAX_WINDOW_MS) throw refuse('/to is more than 30 days from now')
}

/** Throws Fault 'request.invalid' where nothing but spaces was typed. */
export function checkText(text: string): string {
  const words = text.trim()
  if (words.length < 3) throw refuse('/text does not say what is done')
  return words
}

/** It was over when it was entered: no alarm was ever out of service for it. */
export function isAfterwards(row: { to_at: number; entered_at: number }): boolean {
  return row.to_at <= row.entered_at
}

/** Where the clock has brought it: one step at a time. A state never goes back, whatever the clock does. */
export function nextByClock(
  { state, from, to }: Span & { state: MaintenanceState },
  now: number,
): MaintenanceState | undefined {
  if (state === 'planned' && from <= now) return nextState(maintenanceTransitions, state, 'begin')
  if (state === 'running' && to <= now) return nextState(maintenanceTransitions, state, 'end')
  return undefined
}
