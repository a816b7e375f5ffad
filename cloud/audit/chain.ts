/** The hash chain of the audit log: how an entry is hashed, and whether the entries that are there fit each other. */
import { createHash } from 'node:crypto'
import type { Selectable } from 'kysely'
import { formatCanonicalJson } from '../../protocol/kit/canonical-json.ts'
import type { Schema } from '../store/schema.ts'
import type { Store } from '../store/store.ts'

/** `brokenAt`: the first entry (by its number) that is altered, missing or out of order. */
export type AuditVerdict = { intact: true } | { intact: false; brokenAt: number }

/** An entry and its hash; number 0 is what the first entry is chained to. */
export interface ChainEnd {
  seq: number
  hash: string
}

/** What the first entry is chained to. */
export const GENESIS_HASH = '0'.repeat(64)
/** The chain's end, kept apart from the chain, so that cutting off the newest entries shows. */
export const HEAD_KEY = 'audit.head'
/** Entries read at once while verifying: bounds the memory, lets other queries in between. */
const VERIFY_PAGE = 1_000

type Row = Selectable<Schema['audit']>

/** The hash of an entry over everything in it and the hash before it. */
export function hashEntry(row: Omit<Row, 'hash'>): string {
  const { previous_hash, ...rest } = row
  return createHash('sha256').update(previous_hash).update(formatCanonicalJson(rest)).digest('hex')
}

/** From an entry that was found intact before, or from the beginning; `end`: the last entry that fits. */
export async function verifyChain(
  store: Store,
  from: ChainEnd = { seq: 0, hash: GENESIS_HASH },
): Promise<{ verdict: AuditVerdict; end: ChainEnd }> {
  // The head first: entries appended while we read are beyond it and are checked as far as they go.
  const head = await readHead(store)
  const end = { ...from }
  const broken = (brokenAt: number) => ({ verdict: { intact: false as const, brokenAt }, end })
  if (from.seq > 0 && (await readHash(store, from.seq)) !== from.hash) return broken(from.seq)
  if (head?.seq === from.seq && head.hash !== from.hash) return broken(from.seq)
  for (;;) {
    const page = await readPage(store, end.seq)
    for (const row of page) {
      const { hash: stored, ...rest } = row
      const isNext = row.seq === end.seq + 1 && row.previous_hash === end.hash
      if (!isNext || hashEntry(rest) !== stored) return broken(end.seq + 1)
      Object.assign(end, { seq: row.seq, hash: stored })
      if (end.seq === head?.seq && end.hash !== head.hash) return broken(end.seq)
    }
    if (page.length < VERIFY_PAGE) break
  }
  if (head && end.seq < head.seq) return broken(end.seq + 1)
  // A head that went back was put there by hand.
  if (end.seq > 0 && (!head || head.seq < from.seq)) return broken(end.seq)
  return { verdict: { intact: true }, end }
}

async function readHead({ db }: Store): Promise<ChainEnd | undefined> {
  const head = await db
    .selectFrom('settings')
    .select('value')
    .where('key', '=', HEAD_KEY)
    .executeTakeFirst()
  // One that cannot be read is as good as none: somebody wrote over it.
  const [, seq, hash = ''] = /^(\d{1,15}):(.*)$/.exec(head?.value ?? '') ?? []
  return seq === undefined ? undefined : { seq: Number(seq), hash }
}

async function readHash({ db }: Store, seq: number): Promise<string | undefined> {
  const row = db.selectFrom('audit').select('hash').where('seq', '=', seq)
  return (await row.executeTakeFirst())?.hash
}

async function readPage({ db }: Store, after: number): Promise<Row[]> {
  return await db
    .selectFrom('audit')
    .selectAll()
    .where('seq', '>', after)
    .orderBy('seq')
    .limit(VERIFY_PAGE)
    .execute()
}
