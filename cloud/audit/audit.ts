/** The audit log: who did or was denied what, each entry chained to the one before by SHA-256. */
import { sql, type Transaction } from 'kysely'
import { formatCanonicalJson } from '../../protocol/kit/canonical-json.ts'
import type { Schema } from '../store/schema.ts'
import type { Store } from '../store/store.ts'
import {
  type AuditVerdict,
  type ChainEnd,
  GENESIS_HASH,
  HEAD_KEY,
  hashEntry,
  verifyChain,
} from './chain.ts'

export type AuditOutcome = Schema['audit']['outcome']

export interface AuditAppend {
  /** A login, or the part of the program that acted by itself, e.g. `alarms`. */
  actor: string
  action: string
  /** What it was done to: an id or a path. */
  object: string
  site?: string
  outcome: AuditOutcome
  /** Anything JSON; never secrets. */
  detail?: unknown
}

export interface AuditEntry {
  seq: number
  at: number
  actor: string
  action: string
  object: string
  site: string | null
  outcome: string
  /** JSON */
  detail: string
}

export interface AuditQuery {
  limit: number
  /** Only entries of these sites; left out: all, also those of no site. */
  sites?: readonly string[]
}

export interface Audit {
  /** Durable when it resolves. Never call it inside a store transaction (see Store). */
  append(entry: AuditAppend): Promise<void>
  /** Newest first. */
  list(query: AuditQuery): Promise<AuditEntry[]>
  /** Reads and recomputes the whole chain. */
  verify(): Promise<AuditVerdict>
  /** Only what came since the last look; the whole chain at the first time and once a day. */
  check(): Promise<AuditVerdict>
}

/** Pages are told of what came since; an old entry that was changed shows by the next whole look. */
const WHOLE_MS = 86_400_000
/** Any number of our own: several cloud processes on one PostgreSQL append one after the other. */
const LOCK_NUMBER = 7_203_252

/** Opens the log on the store; `now` is Unix ms. */
export async function openAudit(store: Store, now: () => number = Date.now): Promise<Audit> {
  let tail: Promise<unknown> = Promise.resolve()
  let verifying: Promise<AuditVerdict> | undefined
  let checking: Promise<AuditVerdict> | undefined
  /** The end of what was found to be intact, and when all of it was read. */
  let known: { end: ChainEnd; wholeAt: number } | undefined

  async function readWhole(): Promise<AuditVerdict> {
    const { verdict, end } = await verifyChain(store)
    known = verdict.intact ? { end, wholeAt: now() } : undefined
    return verdict
  }

  async function readRest(before: NonNullable<typeof known>) {
    const { verdict, end } = await verifyChain(store, before.end)
    // A look at all of it that ended meanwhile knows better.
    if (verdict.intact && known === before) known = { ...before, end }
    return verdict
  }

  function verify(): Promise<AuditVerdict> {
    // Reading the whole chain is work: those who ask meanwhile share the answer.
    verifying ??= readWhole().finally(() => {
      verifying = undefined
    })
    return verifying
  }

  return {
    append(entry) {
      const done = tail.then(() => appendEntry(store, entry, now()))
      tail = done.catch(() => undefined)
      return done
    },
    list: (query) => listEntries(store, query),
    verify,
    check() {
      if (!known || now() - known.wholeAt >= WHOLE_MS) return verify()
      checking ??= readRest(known).finally(() => {
        checking = undefined
      })
      return checking
    },
  }
}

async function appendEntry(store: Store, entry: AuditAppend, at: number): Promise<void> {
  await store.db.transaction().execute(async (trx) => {
    if (store.engine === 'postgres') {
      await sql`select pg_advisory_xact_lock(${LOCK_NUMBER})`.execute(trx)
    }
    const last = await trx
      .selectFrom('audit')
      .select(['seq', 'hash'])
      .orderBy('seq', 'desc')
      .limit(1)
      .executeTakeFirst()
    const row = {
      seq: (last?.seq ?? 0) + 1,
      at,
      actor: entry.actor,
      action: entry.action,
      object: entry.object,
      site: entry.site ?? null,
      outcome: entry.outcome,
      detail: formatCanonicalJson(entry.detail ?? {}),
      previous_hash: last?.hash ?? GENESIS_HASH,
    }
    const hash = hashEntry(row)
    await trx
      .insertInto('audit')
      .values({ ...row, hash })
      .execute()
    await writeHead(trx, `${row.seq}:${hash}`)
  })
}

async function writeHead(trx: Transaction<Schema>, value: string): Promise<void> {
  await trx
    .insertInto('settings')
    .values({ key: HEAD_KEY, value })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
    .execute()
}

async function listEntries(store: Store, { limit, sites }: AuditQuery): Promise<AuditEntry[]> {
  if (sites?.length === 0) return []
  let query = store.db
    .selectFrom('audit')
    .select(['seq', 'at', 'actor', 'action', 'object', 'site', 'outcome', 'detail'])
    .orderBy('seq', 'desc')
    .limit(limit)
  if (sites) query = query.where('site', 'in', sites)
  return await query.execute()
}
