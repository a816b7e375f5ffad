/** Sessions in SQL: one row each, read with the names of persons and target, changed only along the legal transitions. */
import type { Selectable } from 'kysely'
import type { SessionView } from '../../protocol/api.ts'
import { nextState, type SessionAction, sessionTransitions } from '../../protocol/states.ts'
import type { Schema } from '../store/schema.ts'
import type { Store } from '../store/store.ts'
import { openStates, siteDecides } from './session.ts'

export type SessionRow = Selectable<Schema['sessions']>

/** Sessions in one answer; older ones are in the case they belong to. */
const MAX_LISTED = 500

export interface SessionRows {
  insert(row: SessionRow): Promise<void>
  find(id: string): Promise<SessionRow | undefined>
  view(id: string): Promise<SessionView | undefined>
  list(query: { state: 'open' | 'all'; sites: readonly string[] }): Promise<SessionView[]>
  openOnes(): Promise<SessionRow[]>
  /** The row after the action; undefined when it is not allowed in its state (also when somebody was faster). */
  move(
    row: SessionRow,
    action: SessionAction,
    values?: Partial<SessionRow>,
  ): Promise<SessionRow | undefined>
  setRecording(id: string, sha256: string): Promise<void>
  target(
    site: string,
    gateway: string,
    id: string,
  ): Promise<Selectable<Schema['targets']> | undefined>
  hasCase(id: string, site: string): Promise<boolean>
  personName(id: string): Promise<string>
}

/** The queries on one store. */
export function createSessionRows({ db }: Store): SessionRows {
  const views = () =>
    db
      .selectFrom('sessions as s')
      .leftJoin('persons as p', 'p.id', 's.person')
      .leftJoin('persons as a', 'a.id', 's.approver')
      .leftJoin('targets as t', (join) =>
        join
          .onRef('t.site', '=', 's.site')
          .onRef('t.gateway', '=', 's.gateway')
          .onRef('t.id', '=', 's.target'),
      )
      .selectAll('s')
      .select(['p.name as person_name', 'a.name as approver_name'])
      .select(['t.title as target_title', 't.consent as consent'])
  return {
    async insert(row) {
      await db.insertInto('sessions').values(row).execute()
    },
    find: (id) => db.selectFrom('sessions').selectAll().where('id', '=', id).executeTakeFirst(),
    async view(id) {
      const row = await views().where('s.id', '=', id).executeTakeFirst()
      return row && formatView(row)
    },
    async list({ state, sites }) {
      if (sites.length === 0) return []
      let query = views().orderBy('s.requested_at', 'desc').limit(MAX_LISTED)
      if (!sites.includes('*')) query = query.where('s.site', 'in', sites)
      if (state === 'open') query = query.where('s.state', 'in', openStates)
      return (await query.execute()).map(formatView)
    },
    openOnes: () =>
      db.selectFrom('sessions').selectAll().where('state', 'in', openStates).execute(),
    async move(row, action, values = {}) {
      const state = nextState(sessionTransitions, row.state, action)
      if (!state) return undefined
      const changed = { ...values, previous_state: row.state, state }
      const result = await db
        .updateTable('sessions')
        .set(changed)
        .where('id', '=', row.id)
        .where('state', '=', row.state)
        .executeTakeFirst()
      return result.numUpdatedRows === 1n ? { ...row, ...changed } : undefined
    },
    async setRecording(id, sha256) {
      await db
        .updateTable('sessions')
        .set({ recording_sha256: sha256 })
        .where('id', '=', id)
        .execute()
    },
    target: (site, gateway, id) =>
      db
        .selectFrom('targets')
        .selectAll()
        .where('site', '=', site)
        .where('gateway', '=', gateway)
        .where('id', '=', id)
        .executeTakeFirst(),
    async hasCase(id, site) {
      const query = db
        .selectFrom('cases')
        .select('id')
        .where('id', '=', id)
        .where('site', '=', site)
      return (await query.executeTakeFirst()) !== undefined
    },
    async personName(id) {
      const query = db.selectFrom('persons').select('name').where('id', '=', id)
      return (await query.executeTakeFirst())?.name ?? id
    },
  }
}

type NamedRow = SessionRow & {
  person_name: string | null
  approver_name: string | null
  target_title: string | null
  consent: string | null
}

function formatView(row: NamedRow): SessionView {
  return {
    id: row.id,
    caseId: row.case_id,
    site: row.site,
    gateway: row.gateway,
    target: row.target,
    targetTitle: row.target_title ?? row.target,
    kind: row.kind,
    state: row.state,
    person: { id: row.person, name: row.person_name ?? row.person },
    reason: row.reason,
    rights: JSON.parse(row.rights),
    minutes: row.minutes,
    requestedAt: row.requested_at,
    approver: row.approver ? { id: row.approver, name: row.approver_name ?? row.approver } : null,
    decidedAt: row.decided_at,
    decisionNote: row.decision_note,
    startedAt: row.started_at,
    until: row.until_at,
    endedAt: row.ended_at,
    endReason: row.end_reason,
    recorded: row.started_at !== null,
    ...(row.state === 'requested' && {
      waitsFor: row.consent === siteDecides ? ('site' as const) : ('person' as const),
    }),
  }
}
