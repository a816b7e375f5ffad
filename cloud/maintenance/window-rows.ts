/** The rows of planned work: entering, moving by legal transitions, reading in the shape the API promises. */
import { randomBytes } from 'node:crypto'
import type { Kysely, Selectable } from 'kysely'
import type { MaintenanceRequest, MaintenanceWindow } from '../../protocol/api-maintenance.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import type { MaintenanceState } from '../../protocol/states.ts'
import type { Schema } from '../store/schema.ts'
import type { Store } from '../store/store.ts'
import { isAfterwards, nextByClock } from './window.ts'

/** The database, or a transaction on it. */
export type Db = Kysely<Schema>
export type WindowRow = Selectable<Schema['maintenance_windows']>
export type WindowChange = Partial<Omit<WindowRow, 'id' | 'previous_state' | 'state'>>

/** Answers its id. A window of the past is over at once. */
export async function insertWindow(
  { db }: Store,
  wanted: MaintenanceRequest,
  { at, person }: { at: number; person: string },
): Promise<string> {
  const id = `mnt_${randomBytes(9).toString('base64url')}`
  const { site, asset, from, to, text } = wanted
  await db.transaction().execute(async (trx) => {
    await trx
      .insertInto('maintenance_windows')
      .values({
        ...{ id, site, asset, text, from_at: from, to_at: to },
        ...{ previous_state: 'planned', state: 'planned', entered_at: at, entered_by: person },
        ...{ ended_at: null, ended_by: null, cancelled_at: null, cancelled_by: null },
      })
      .execute()
    await advanceRow(trx, await readWindow(trx, id), at)
  })
  return id
}

/** Brings a row to where the clock is, and answers the states it went through. */
export async function advanceRow(db: Db, row: WindowRow, now: number): Promise<MaintenanceState[]> {
  const passed: MaintenanceState[] = []
  const span = { from: row.from_at, to: row.to_at }
  let { state } = row
  for (let next = nextByClock({ ...span, state }, now); next; ) {
    // What ended while nobody was there ended as planned.
    const change = next === 'over' ? { ended_at: row.to_at } : {}
    await moveRow(db, { ...row, state }, { to: next, change })
    passed.push(next)
    state = next
    next = nextByClock({ ...span, state }, now)
  }
  return passed
}

/** The foreign key of the table refuses what is not legal. */
export async function moveRow(
  db: Db,
  { id, state }: Pick<WindowRow, 'id' | 'state'>,
  { to, change = {} }: { to: MaintenanceState; change?: WindowChange },
): Promise<void> {
  const states = { previous_state: state, state: to }
  await db
    .updateTable('maintenance_windows')
    .set({ ...states, ...change })
    .where('id', '=', id)
    .execute()
}

/** Throws Fault 'object.missing'. */
export async function readWindow(db: Db, id: string): Promise<WindowRow> {
  const row = await db
    .selectFrom('maintenance_windows')
    .selectAll()
    .where('id', '=', id)
    .executeTakeFirst()
  if (!row) throw new Fault('object.missing', { id })
  return row
}

export interface WindowQuery {
  states: readonly MaintenanceState[]
  /** Left out: every site. */
  sites?: readonly string[]
  /** Of this asset, and of the whole site it belongs to. */
  asset?: string
  id?: string
  /** Left out: all of them. */
  limit?: number
}

/** The newest to end first. */
export async function listWindows(
  { db }: Store,
  { states, sites, asset, id, limit }: WindowQuery,
): Promise<MaintenanceWindow[]> {
  if (sites?.length === 0) return []
  let query = db
    .selectFrom('maintenance_windows as work')
    .leftJoin('assets', 'assets.id', 'work.asset')
    .leftJoin('persons as author', 'author.id', 'work.entered_by')
    .leftJoin('persons as ender', 'ender.id', 'work.ended_by')
    .leftJoin('persons as canceller', 'canceller.id', 'work.cancelled_by')
    .selectAll('work')
    .select(['assets.name as asset_name', 'author.name as author_name'])
    .select(['ender.name as ender_name', 'canceller.name as canceller_name'])
    .where('work.state', 'in', states)
    .orderBy('work.to_at', 'desc')
    .orderBy('work.id')
  if (sites) query = query.where('work.site', 'in', sites)
  if (id !== undefined) query = query.where('work.id', '=', id)
  if (limit !== undefined) query = query.limit(limit)
  if (asset !== undefined) {
    const home = db.selectFrom('assets').select('assets.site').where('assets.id', '=', asset)
    query = query.where(({ eb, or, and }) =>
      or([
        eb('work.asset', '=', asset),
        and([eb('work.asset', 'is', null), eb('work.site', 'in', home)]),
      ]),
    )
  }
  return (await query.execute()).map((row) => ({
    ...{ id: row.id, site: row.site, asset: row.asset, text: row.text, state: row.state },
    assetName: row.asset === null ? null : (row.asset_name ?? row.asset),
    ...{ from: row.from_at, to: row.to_at, enteredAt: row.entered_at, endedAt: row.ended_at },
    enteredBy: row.author_name ?? row.entered_by,
    afterwards: isAfterwards(row),
    endedBy: row.ender_name ?? row.ended_by,
    cancelledAt: row.cancelled_at,
    cancelledBy: row.canceller_name ?? row.cancelled_by,
  }))
}

/** How many of a site are planned or running. */
export async function countOpen({ db }: Store, site: string): Promise<number> {
  const row = await db
    .selectFrom('maintenance_windows')
    .select(({ fn }) => fn.countAll().as('count'))
    .where('site', '=', site)
    .where('state', 'in', ['planned', 'running'])
    .executeTakeFirst()
  return Number(row?.count ?? 0)
}
