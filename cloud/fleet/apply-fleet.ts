/** Makes the stored fleet equal to the configuration: what is new comes, what is gone goes, with all its rights. */
import type { Transaction } from 'kysely'
import { Fault } from '../../protocol/kit/fault.ts'
import type { Schema } from '../store/schema.ts'
import type { Store } from '../store/store.ts'
import { checkFleet, type FleetConfig } from './fleet-config.ts'

/** Throws Fault 'config.invalid' when `checkFleet` finds anything. */
export async function writeFleet(store: Store, config: FleetConfig): Promise<void> {
  const problems = checkFleet(config)
  const [first] = problems
  if (first) {
    throw new Fault('config.invalid', { count: problems.length, ...first })
  }
  await store.db.transaction().execute(async (trx) => {
    await writePlaces(trx, config)
    await writeGateways(trx, config.gateways)
    await writeAssets(trx, config.assets)
  })
}

async function writePlaces(trx: Transaction<Schema>, { tenants, sites }: FleetConfig) {
  await trx.deleteFrom('tenants').execute()
  await trx.deleteFrom('sites').execute()
  if (tenants.length > 0) await trx.insertInto('tenants').values(tenants).execute()
  if (sites.length === 0) return
  const rows = sites.map(({ id, tenant, name, timeZone }) => ({
    id,
    tenant,
    name,
    time_zone: timeZone,
  }))
  await trx.insertInto('sites').values(rows).execute()
}

/** A gateway keeps its certificate and presence while it stays; once removed, the same name starts with nothing. */
async function writeGateways(trx: Transaction<Schema>, gateways: FleetConfig['gateways']) {
  for (const { site, id } of await trx.selectFrom('gateways').select(['site', 'id']).execute()) {
    if (gateways.some((gateway) => gateway.site === site && gateway.id === id)) continue
    await trx.deleteFrom('gateways').where('site', '=', site).where('id', '=', id).execute()
    for (const table of ['devices', 'tags', 'targets'] as const) {
      await trx.deleteFrom(table).where('site', '=', site).where('gateway', '=', id).execute()
    }
  }
  for (const { site, id, title } of gateways) {
    await trx
      .insertInto('gateways')
      .values({ site, id, title, fingerprint: null, online: 0, since: null, software: null })
      .onConflict((conflict) => conflict.columns(['site', 'id']).doUpdateSet({ title }))
      .execute()
  }
}

async function writeAssets(trx: Transaction<Schema>, assets: FleetConfig['assets']) {
  await trx.deleteFrom('asset_tags').execute()
  await trx.deleteFrom('asset_targets').execute()
  await trx.deleteFrom('assets').execute()
  for (const { id, site, name, kind, model, tags, targets } of assets) {
    const row = { id, site, name, kind, model: model ?? null }
    await trx.insertInto('assets').values(row).execute()
    if (tags.length > 0) {
      const rows = tags.map((tag, position) => ({ asset: id, tag, position }))
      await trx.insertInto('asset_tags').values(rows).execute()
    }
    if (targets.length > 0) {
      const rows = targets.map(({ gateway, target }) => ({ asset: id, site, gateway, target }))
      await trx.insertInto('asset_targets').values(rows).execute()
    }
  }
}
