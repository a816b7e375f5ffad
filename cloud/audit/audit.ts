/** The audit log: who did or was denied what, each entry chained to the one before by SHA-256. */
import { createHash } from 'node:crypto'
import { type Selectable, sql, type Transaction } from 'kysely'
import { formatCanonicalJson } from '../../protocol/kit/canonical-json.ts'
import type { Schema } from '../store/schema.ts'
import type { Store } from '../store/store.ts'

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

/** `brokenAt`: the first entry (by its number) that is altered, missing or out of order. */
export type AuditVerdict = { intact: true } | { intact: false; brokenAt: number }

export interface Audit {
  /** Durable when it resolves. Never call it inside a store transaction (see Store). */
  append(entry: AuditAppend): Promise<void>
  /** Newest first. */
  list(query: AuditQuery): Promise<AuditEntry[]>
  /** Reads and recomputes the whole chain. */
  verify(): Promise<AuditVerdict>
}

/** What the first entry is chained to. */
export const GENESIS_HASH = '0'.repeat(64)
/** The chain's end, kept apart from the chain, so that cutting off the newest entries shows. */
const HEAD_KEY = 'audit.head'
/** Entries read at once while verifying: bounds the memory, lets other queries in between. */
const VERIFY_PAGE = 1_000
/** Any number of our own: several cloud processes on one PostgreSQL append one after the other. */
const LOCK_NUMBER = 7_203_252

type Row = Selectable<Schema['audit']>

/** Opens the log on the store; `now` is Unix ms. */
export async function openAudit(store: Store, now: () => number = Date.now): Promise<Audit> {
  let tail: Promise<unknown> = Promise.resolve()
  let verifying: Promise<AuditVerdict> | undefined
  return {
    append(entry) {
      const done = tail.then(() => appendEntry(store, entry, now()))
      tail = done.catch(() => undefined)
      return done
    },
    list: (query) => listEntries(store, query),
    verify() {
      // Reading the whole chain is work: those who ask meanwhile share the answer.
      verifying ??= verifyChain(store).finally(() => {
        verifying = undefined
      })
      return verifying
    },
  }
}

/** The hash of an entry over everything in it and the hash before it. */
export function hashEntry(row: Omit<Row, 'hash'>): string {
  const { previous_hash, ...rest } = row
  return createHash('sha256').update(previous_hash).update(formatCanonicalJson(rest)).digest('hex')
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

async function verifyChain(store: Store): Promise<AuditVerdict> {
  // The head first: entries appended while we read are beyond it and are checked as far as they go.
  const head = await store.db
    .selectFrom('settings')
    .select('value')
    .where('key', '=', HEAD_KEY)
    .executeTakeFirst()
  const [headSeq, headHash] = head?.value.split(':') ?? ['0', GENESIS_HASH]
  let seq = 0
  let hash = GENESIS_HASH
  for (;;) {
    const page = await readPage(store, seq)
    for (const row of page) {
      const { hash: stored, ...rest } = row
      const isNext = row.seq === seq + 1 && row.previous_hash === hash
      if (!isNext || hashEntry(rest) !== stored) return { intact: false, brokenAt: seq + 1 }
      seq = row.seq
      hash = stored
      if (seq === Number(headSeq) && hash !== headHash) return { intact: false, brokenAt: seq }
    }
    if (page.length < VERIFY_PAGE) break
  }
  if (seq < Number(headSeq)) return { intact: false, brokenAt: seq + 1 }
  return head || seq === 0 ? { intact: true } : { intact: false, brokenAt: seq }
}

async function readPage(store: Store, after: number): Promise<Row[]> {
  return await store.db
    .selectFrom('audit')
    .selectAll()
    .where('seq', '>', after)
    .orderBy('seq')
    .limit(VERIFY_PAGE)
    .execute()
}
