/** Active alarms that ask for a case and have none: the cloud stopped, or failed, between the two. */
import type { AlarmView } from '../protocol/api.ts'
import type { Alarms } from './alarms/alarms.ts'
import type { Cases } from './cases/cases.ts'

/** What is younger may be on its way. */
const LEAST_AGE_MS = 60_000

export interface MissedCasesParts {
  alarms: Pick<Alarms, 'list' | 'get'>
  cases: Pick<Cases, 'fromAlarm'>
  /** Of the rules in service, those that ask for a case. */
  opensCase(rule: string): boolean
}

/** Opens them; a shelved alarm, and one in planned maintenance, is refused there as ever. */
export async function openMissedCases(
  { alarms, cases, opensCase }: MissedCasesParts,
  now: number,
): Promise<void> {
  const isMissed = ({ state, caseId, rule, raisedAt }: AlarmView) =>
    state.startsWith('active') &&
    caseId === null &&
    opensCase(rule) &&
    now - raisedAt >= LEAST_AGE_MS
  for (const { id } of (await alarms.list({ state: 'open' })).filter(isMissed)) {
    const alarm = await alarms.get(id)
    if (alarm && isMissed(alarm)) await cases.fromAlarm(alarm)
  }
}
