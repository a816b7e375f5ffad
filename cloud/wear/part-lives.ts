/** The parts in place and those before them, as rows: who came when, what it counted, how it ended. */
import type { Selectable } from 'kysely'
import type { PartLife } from '../../models/wear/weibull.ts'
import type { Sample } from '../../protocol/model.ts'
import type { Schema } from '../store/schema.ts'
import type { Store } from '../store/store.ts'

/** A part of an asset and where its wear is read. */
export interface WornPart {
  asset: string
  assetName: string
  site: string
  tenant: string
  kind: string
  part: string
  tag: Sample['tag']
  serial?: Sample['tag']
  limit: number
  unit: string
  leadDays: number
  watchHours: number
}

export type LifeRow = Selectable<Schema['part_lives']>

/** What was read of a part just now, both good. */
export interface PartReading {
  at: number
  count: number
  serial: string | null
}

/** A part in the place of another one, which ends as it was read last. */
export async function exchangePart(
  { db }: Store,
  part: WornPart,
  { reading, before }: { reading: PartReading; before: LifeRow | undefined },
): Promise<LifeRow> {
  return await db.transaction().execute(async (trx) => {
    if (before)
      await trx
        .updateTable('part_lives')
        .set({ ...toldOf(before), ended_at: reading.at })
        .where('id', '=', before.id)
        .execute()
    return await trx
      .insertInto('part_lives')
      .values({
        ...{ asset: part.asset, site: part.site, kind: part.kind, part: part.part },
        serial: reading.serial,
        ...{ installed_at: reading.at, start_count: reading.count },
        ...{ last_at: reading.at, last_count: reading.count },
        ...{ ended_at: null, failed: 0, ordered_at: null },
      })
      .returningAll()
      .executeTakeFirstOrThrow()
  })
}

/** What was read last of these parts, in one commit. */
export async function writeReadings({ db }: Store, rows: readonly LifeRow[]): Promise<void> {
  await db.transaction().execute(async (trx) => {
    for (const row of rows)
      await trx.updateTable('part_lives').set(toldOf(row)).where('id', '=', row.id).execute()
  })
}

const toldOf = ({ last_at, last_count, serial }: LifeRow) => ({ last_at, last_count, serial })

/** Without a serial number a life that fell is another part: the gateway's counter never falls for one. */
export function isSamePart(row: LifeRow, { serial, count }: PartReading): boolean {
  if (row.serial !== null && serial !== null) return row.serial === serial
  return count >= row.last_count
}

/** Every part in place. */
export async function listInPlace({ db }: Store): Promise<LifeRow[]> {
  return await db.selectFrom('part_lives').selectAll().where('ended_at', 'is', null).execute()
}

/** Lives of all like parts at the customer, ended and running: what a distribution is fitted to. */
export async function listLives(store: Store, part: WornPart): Promise<PartLife[]> {
  const rows = await store.db
    .selectFrom('part_lives')
    .select(['last_count', 'failed'])
    .where('kind', '=', part.kind)
    .where('part', '=', part.part)
    .where(({ eb, or, selectFrom }) => {
      const own = selectFrom('sites').select('sites.id').where('tenant', '=', part.tenant)
      return or([eb('site', '=', part.site), eb('site', 'in', own)])
    })
    .execute()
  return rows.map(({ last_count, failed }) => ({ count: last_count, failed: failed === 1 }))
}

/** The newest part of this name that was taken out is called failed, or not. False: none was taken out. */
export async function markFailed(
  store: Store,
  wanted: { asset: string; part: string; failed: boolean },
): Promise<boolean> {
  const last = await store.db
    .selectFrom('part_lives')
    .select('id')
    .where('asset', '=', wanted.asset)
    .where('part', '=', wanted.part)
    .where('ended_at', 'is not', null)
    .orderBy('ended_at', 'desc')
    .executeTakeFirst()
  if (!last) return false
  const failed = wanted.failed ? (1 as const) : (0 as const)
  await store.db.updateTable('part_lives').set({ failed }).where('id', '=', last.id).execute()
  return true
}

export async function markOrdered(store: Store, id: number, at: number): Promise<void> {
  await store.db.updateTable('part_lives').set({ ordered_at: at }).where('id', '=', id).execute()
}
