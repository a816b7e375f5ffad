/** What the gateways say about themselves, written down: births, deaths, targets, gaps, refused samples. */
import type { Transaction } from 'kysely'
import type { DeviceId, Gap, GatewayId, Sample, SiteId } from '../../protocol/model.ts'
import type { NodeBirth, NodeEvent } from '../../protocol/sparkplug/node-event.ts'
import type { Schema } from '../store/schema.ts'
import type { Store } from '../store/store.ts'

/** A sample that the historian refused for good. */
export interface QuarantineEntry {
  at: number
  site: SiteId
  gateway: GatewayId
  sample: Sample
  reason: string
}

type GatewayRef = Pick<NodeEvent, 'site' | 'gateway' | 'at'>

/** Rows per insert: eight columns each, far below the engines' limits of bound values. */
const INSERT_ROWS = 500

/** What changes who is there; that a gateway is contested changes nothing of it. */
export type PresenceEvent = Exclude<NodeEvent, { kind: 'contested' }>

export async function writeNodeEvent(store: Store, event: PresenceEvent): Promise<void> {
  await store.db.transaction().execute(async (trx) => {
    if (event.kind === 'device-offline') {
      await setDevice(trx, { ...event, online: false })
      return
    }
    const online = event.kind !== 'offline'
    await trx
      .updateTable('gateways')
      .set({ online: online ? 1 : 0, since: event.at })
      .where('site', '=', event.site)
      .where('id', '=', event.gateway)
      // Only the change counts: a birth repeated on demand does not restart the clock.
      .where((where) =>
        where.or([where('online', '=', online ? 0 : 1), where('since', 'is', null)]),
      )
      .execute()
    if (event.kind === 'offline') await setAllDevicesOffline(trx, event)
    if (event.kind === 'birth') await writeBirth(trx, event)
  })
}

async function writeBirth(trx: Transaction<Schema>, birth: NodeBirth): Promise<void> {
  const { site, gateway, device, targets, software } = birth
  if (software !== undefined) {
    const set = trx.updateTable('gateways').set({ software })
    await set.where('site', '=', site).where('id', '=', gateway).execute()
  }
  if (targets) {
    await trx
      .deleteFrom('targets')
      .where('site', '=', site)
      .where('gateway', '=', gateway)
      .execute()
    const rows = targets.map((target) => ({ site, gateway, ...target }))
    if (rows.length > 0) await trx.insertInto('targets').values(rows).execute()
  }
  if (device === undefined) return
  await setDevice(trx, { ...birth, device, online: true })
  await trx
    .deleteFrom('tags')
    .where('site', '=', site)
    .where('gateway', '=', gateway)
    .where('device', '=', device)
    .execute()
  const rows = birth.tags.map(({ id, name, type, unit }) => {
    return { id, site, gateway, device, name, type, unit: unit ?? null }
  })
  for (let from = 0; from < rows.length; from += INSERT_ROWS) {
    const insert = trx.insertInto('tags').values(rows.slice(from, from + INSERT_ROWS))
    await insert.onConflict((conflict) => conflict.doNothing()).execute()
  }
}

async function setDevice(
  trx: Transaction<Schema>,
  { site, gateway, device, at, online }: GatewayRef & { device: DeviceId; online: boolean },
): Promise<void> {
  const flag = online ? 1 : 0
  await trx
    .insertInto('devices')
    .values({ site, gateway, id: device, online: flag, since: at })
    .onConflict((conflict) =>
      conflict
        .columns(['site', 'gateway', 'id'])
        .doUpdateSet({ online: flag, since: at })
        .where('devices.online', '<>', flag),
    )
    .execute()
}

async function setAllDevicesOffline(trx: Transaction<Schema>, { site, gateway, at }: GatewayRef) {
  await trx
    .updateTable('devices')
    .set({ online: 0, since: at })
    .where('site', '=', site)
    .where('gateway', '=', gateway)
    .where('online', '=', 1)
    .execute()
}

/** Forgets the gateway's devices, and their tags, that are not among these; true when there were any. */
export async function keepDevices(
  store: Store,
  { site, gateway }: { site: string; gateway: string },
  devices: readonly string[],
): Promise<boolean> {
  const known = await store.db
    .selectFrom('devices')
    .select('id')
    .where('site', '=', site)
    .where('gateway', '=', gateway)
    .execute()
  const gone = known.map(({ id }) => id).filter((id) => !devices.includes(id))
  for (const id of gone) {
    for (const [table, column] of [
      ['devices', 'id'],
      ['tags', 'device'],
    ] as const) {
      await store.db
        .deleteFrom(table)
        .where('site', '=', site)
        .where('gateway', '=', gateway)
        .where(column, '=', id)
        .execute()
    }
  }
  return gone.length > 0
}

/** After a restart nothing is known to be there until it is born again. */
export async function forgetPresence(store: Store, at: number): Promise<void> {
  for (const table of ['gateways', 'devices'] as const) {
    await store.db
      .updateTable(table)
      .set({ online: 0, since: at })
      .where('online', '=', 1)
      .execute()
  }
}

/** The same gap reported again changes nothing. */
export async function writeGap(store: Store, gap: Gap & { site: SiteId }): Promise<void> {
  const { site, gateway, from, to, reason, lost } = gap
  await store.db
    .insertInto('gaps')
    .values({ site, gateway, from_at: from, to_at: to, reason, lost: lost ?? null })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

export async function writeQuarantine(
  store: Store,
  entries: readonly QuarantineEntry[],
): Promise<void> {
  const rows = entries.map(({ sample, ...entry }) => ({
    ...entry,
    sample: JSON.stringify(sample, (_, value: unknown) =>
      typeof value === 'bigint' ? value.toString() : value,
    ),
  }))
  for (let from = 0; from < rows.length; from += INSERT_ROWS) {
    await store.db
      .insertInto('quarantine')
      .values(rows.slice(from, from + INSERT_ROWS))
      .execute()
  }
}
