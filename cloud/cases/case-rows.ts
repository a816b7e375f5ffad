/** The rows of a case: opening, moving by legal transitions, stamping steps, noting events. */
import { randomBytes } from 'node:crypto'
import type { Kysely, Selectable } from 'kysely'
import type { CaseSummary } from '../../protocol/api.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import type { CaseId } from '../../protocol/model.ts'
import {
  type CaseAction,
  type CaseStep,
  caseTransitions,
  nextState,
} from '../../protocol/states.ts'
import type { Schema } from '../store/schema.ts'
import type { Store } from '../store/store.ts'
import type { StepStamp } from './case.ts'

/** The database, or a transaction on it. */
export type Db = Kysely<Schema>
export type CaseRow = Selectable<Schema['cases']>

export interface NewCase {
  site: string
  asset: string
  title: string
  at: number
  source: { kind: 'alarm' | 'hook' | 'person'; id: string }
  person: string | null
}

export interface CaseNote {
  id: string
  at: number
  person: string | null
  kind: string
  text: string
}

export async function insertCase(db: Db, wanted: NewCase): Promise<string> {
  const id: CaseId = `cas_${randomBytes(9).toString('base64url')}`
  const { site, asset, title, at, source, person } = wanted
  await db
    .insertInto('cases')
    .values({
      ...{ id, site, asset, title, opened_at: at, source: JSON.stringify(source) },
      previous_state: 'reported',
      state: 'reported',
      ...{ closed_at: null, verified_at: null, outcome: null, report: null },
    })
    .execute()
  await stampStep(db, id, { step: 'reported', at, person })
  return id
}

/** The first time counts: a step that is stamped stays as it is. */
export async function stampStep(db: Db, id: string, { step, at, person }: StepStamp) {
  await db
    .insertInto('case_steps')
    .values({ case_id: id, step, at, person })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

export async function removeStep(db: Db, id: string, step: CaseStep): Promise<void> {
  await db.deleteFrom('case_steps').where('case_id', '=', id).where('step', '=', step).execute()
}

export async function noteEvent(db: Db, { id, ...note }: CaseNote): Promise<void> {
  await db
    .insertInto('case_events')
    .values({ case_id: id, ...note })
    .execute()
}

/** Throws Fault 'case.conflict' when the action is not legal in the row's state. */
export async function moveCase(db: Db, row: CaseRow, action: CaseAction): Promise<CaseRow> {
  const after = nextState(caseTransitions, row.state, action)
  if (!after) throw new Fault('case.conflict', { id: row.id, state: row.state, action })
  const states = { previous_state: row.state, state: after }
  await db.updateTable('cases').set(states).where('id', '=', row.id).execute()
  return { ...row, ...states }
}

/** Moves where the table allows it, and stays where it does not. */
export async function moveCaseIfLegal(
  db: Db,
  row: CaseRow,
  action: CaseAction | undefined,
): Promise<CaseRow> {
  if (!action || !nextState(caseTransitions, row.state, action)) return row
  return await moveCase(db, row, action)
}

export async function findCase(db: Db, id: string): Promise<CaseRow | undefined> {
  return await db.selectFrom('cases').selectAll().where('id', '=', id).executeTakeFirst()
}

/** Throws Fault 'object.missing'. */
export async function readCase(db: Db, id: string): Promise<CaseRow> {
  const row = await findCase(db, id)
  if (!row) throw new Fault('object.missing', { id })
  return row
}

export async function findOpenCase(db: Db, asset: string): Promise<CaseRow | undefined> {
  return await db
    .selectFrom('cases')
    .selectAll()
    .where('asset', '=', asset)
    .where('state', 'not in', ['closed', 'dismissed'])
    .executeTakeFirst()
}

export interface CaseQuery {
  state: 'open' | 'all'
  /** Left out: every site. */
  sites?: readonly string[]
  id?: string
}

/** The console shows the newest. */
const MAX_LISTED = 500

/** Newest first. */
export async function listCases({ db }: Store, wanted: CaseQuery): Promise<CaseSummary[]> {
  if (wanted.sites?.length === 0) return []
  let query = db
    .selectFrom('cases')
    .leftJoin('assets', 'assets.id', 'cases.asset')
    .selectAll('cases')
    .select('assets.name as asset_name')
    .orderBy('opened_at', 'desc')
    .limit(MAX_LISTED)
  if (wanted.state === 'open') query = query.where('state', 'not in', ['closed', 'dismissed'])
  if (wanted.sites) query = query.where('cases.site', 'in', wanted.sites)
  if (wanted.id !== undefined) query = query.where('cases.id', '=', wanted.id)
  return (await query.execute()).map((row) => ({
    id: row.id,
    site: row.site,
    asset: row.asset,
    assetName: row.asset_name ?? row.asset,
    title: row.title,
    state: row.state,
    openedAt: row.opened_at,
    closedAt: row.closed_at,
    verifiedAt: row.verified_at,
  }))
}
