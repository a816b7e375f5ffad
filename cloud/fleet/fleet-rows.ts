/** Reads the stored rows that a view of the fleet is made of. */
import type { Store } from '../store/store.ts'

/** Bounds what one page of the console can cost, however long a site has been failing. */
const MAX_GAPS_READ = 2_000

export type FleetRows = Awaited<ReturnType<typeof readFleetRows>>

/** The sites asked for (`undefined`: all) and all that hangs on them. */
export async function readFleetRows({ db }: Store, wanted: readonly string[] | undefined) {
  const all = await db
    .selectFrom('sites')
    .innerJoin('tenants', 'tenants.id', 'sites.tenant')
    .selectAll('sites')
    .select('tenants.name as tenant_name')
    .orderBy('sites.id')
    .execute()
  const sites = all.filter((site) => !wanted || wanted.includes(site.id))
  // An empty list is no SQL: a name no site can have stands for it.
  const ids = sites.length > 0 ? sites.map((site) => site.id) : ['']
  return {
    sites,
    gateways: await db
      .selectFrom('gateways')
      .selectAll()
      .where('site', 'in', ids)
      .orderBy('id')
      .execute(),
    devices: await db
      .selectFrom('devices')
      .selectAll()
      .where('site', 'in', ids)
      .orderBy('id')
      .execute(),
    tags: await db.selectFrom('tags').selectAll().where('site', 'in', ids).execute(),
    targets: await db.selectFrom('targets').selectAll().where('site', 'in', ids).execute(),
    assets: await db
      .selectFrom('assets')
      .selectAll()
      .where('site', 'in', ids)
      .orderBy('id')
      .execute(),
    assetTags: await db
      .selectFrom('asset_tags')
      .innerJoin('assets', 'assets.id', 'asset_tags.asset')
      .select(['asset', 'tag', 'position'])
      .where('site', 'in', ids)
      .orderBy('position')
      .execute(),
    assetTargets: await db
      .selectFrom('asset_targets')
      .selectAll()
      .where('site', 'in', ids)
      .execute(),
    gaps: await db
      .selectFrom('gaps')
      .selectAll()
      .where('site', 'in', ids)
      .orderBy('to_at', 'desc')
      .limit(MAX_GAPS_READ)
      .execute(),
    // What is for awareness only asks nobody to act: it makes no asset look ill.
    alarms: await db
      .selectFrom('alarms')
      .innerJoin('alarm_rules', 'alarm_rules.id', 'alarms.rule')
      .select(['alarms.id', 'alarms.asset'])
      .where('alarms.site', 'in', ids)
      .where('state', 'in', ['active-unacked', 'active-acked'])
      .where('opens_case', '=', 1)
      .execute(),
    cases: await db
      .selectFrom('cases')
      .select(['id', 'asset'])
      .where('site', 'in', ids)
      .where('state', 'not in', ['closed', 'dismissed'])
      .execute(),
  }
}
