/** Reads alarms from the store in the shape the API promises. */
import type { AlarmView, ContributionView } from '../../protocol/api.ts'
import type { MaintenanceMark } from '../../protocol/api-maintenance.ts'
import type { Store } from '../store/store.ts'

export interface AlarmQuery {
  state: 'open' | 'all'
  /** Left out: every site. */
  sites?: readonly string[]
  caseId?: string
  id?: string
}

/** The console shows the newest. */
const MAX_LISTED = 500

/** The planned work that takes an asset out of service now; undefined: none. */
export type WorkOn = (of: { asset: string; site: string }) => MaintenanceMark | undefined

/** Newest first. */
export async function readAlarms(
  store: Store,
  wanted: AlarmQuery,
  workOn: WorkOn = () => undefined,
): Promise<AlarmView[]> {
  if (wanted.sites?.length === 0) return []
  let query = store.db
    .selectFrom('alarms')
    .innerJoin('alarm_rules', 'alarm_rules.id', 'alarms.rule')
    .leftJoin('assets', 'assets.id', 'alarms.asset')
    .leftJoin('persons', 'persons.id', 'alarms.acked_by')
    .selectAll('alarms')
    .select([
      'alarm_rules.shelving',
      'alarm_rules.shelved_until',
      'alarm_rules.out_of_service',
      'assets.name as asset_name',
      'persons.name as acked_name',
    ])
    .orderBy('raised_at', 'desc')
    .limit(MAX_LISTED)
  if (wanted.state === 'open') query = query.where('alarms.state', '<>', 'normal')
  if (wanted.sites) query = query.where('alarms.site', 'in', wanted.sites)
  if (wanted.caseId !== undefined) query = query.where('alarms.case_id', '=', wanted.caseId)
  if (wanted.id !== undefined) query = query.where('alarms.id', '=', wanted.id)
  return (await query.execute()).map((row) => ({
    id: row.id,
    rule: row.rule,
    asset: row.asset,
    assetName: row.asset_name ?? row.asset,
    site: row.site,
    state: row.state,
    shelving: row.shelving,
    shelvedUntil: row.shelved_until,
    ...viewService(row, workOn),
    severity: row.severity,
    message: row.message,
    raisedAt: row.raised_at,
    clearedAt: row.cleared_at,
    ackedAt: row.acked_at,
    ackedBy: row.acked_name ?? row.acked_by,
    peak: row.peak,
    contributions: JSON.parse(row.contributions) as ContributionView[],
    caseId: row.case_id,
  }))
}

/** Only a rule that is marked in the store is out of service: the mark is what brings its alarm back after a restart. */
function viewService(
  row: { out_of_service: 0 | 1; asset: string; site: string },
  workOn: WorkOn,
): Pick<AlarmView, 'outOfService'> {
  const work = row.out_of_service === 1 ? workOn(row) : undefined
  return work ? { outOfService: work } : {}
}

/** Why a value is what it is: the tags that made a score, and the hard rules that are broken. */
export interface Cause {
  contributions: readonly ContributionView[]
  /** `TS1:stuck` */
  breaches: readonly string[]
  /** Tags that had no value of their own in a part of what was scored: the expectation by the others stood there. */
  filled?: readonly string[]
}

/** `Abnormal behaviour: Oil temperature high, Flow low`; of a broken hard rule `…: Flow stuck`. */
export function formatMessage(title: string, { contributions, breaches }: Cause): string {
  const named = contributions.map(({ name, direction }) => `${name} ${direction}`)
  const broken = breaches.map((breach) => breach.replace(/:([^:]*)$/, ' $1'))
  const all = [...broken, ...named]
  return all.length === 0 ? title : `${title}: ${all.join(', ')}`
}
