/** What live scoring remembers from one start to the next, as rows: written seldom, only what has changed, read once. */
import type { Store } from '../store/store.ts'

export interface KeptState {
  kind: 'comparison' | 'drift'
  /** The two versions, or the asset. */
  key: string
  /** Of the last row that is in it, Unix ms. */
  at: number
  /** JSON */
  state: string
}

export interface KeptStates {
  read(kind: KeptState['kind']): Promise<KeptState[]>
  /** These and no others are remembered from now on. */
  write(states: readonly KeptState[]): Promise<void>
}

/** One commit: larger ones would hold up the database of a small box. */
const ROWS_PER_COMMIT = 50

export function createKeptStates({ db }: Pick<Store, 'db'>): KeptStates {
  /** What the rows say, by kind and key; undefined before they were looked at. */
  let written: Map<string, KeptState> | undefined

  async function readAll(): Promise<Map<string, KeptState>> {
    const rows = await db.selectFrom('live_states').selectAll().execute()
    return new Map((rows as KeptState[]).map((row) => [nameOf(row), row]))
  }

  return {
    async read(kind) {
      written ??= await readAll()
      return [...written.values()].filter((one) => one.kind === kind)
    },
    async write(states) {
      written ??= await readAll()
      const known = written
      const changed = states.filter((one) => known.get(nameOf(one))?.state !== one.state)
      for (let from = 0; from < changed.length; from += ROWS_PER_COMMIT)
        await insert(changed.slice(from, from + ROWS_PER_COMMIT))
      for (const one of changed) known.set(nameOf(one), one)
      const wanted = new Set(states.map(nameOf))
      for (const [name, { kind, key }] of known) {
        if (wanted.has(name)) continue
        await db.deleteFrom('live_states').where('kind', '=', kind).where('key', '=', key).execute()
        known.delete(name)
      }
    },
  }

  async function insert(some: readonly KeptState[]): Promise<void> {
    await db
      .insertInto('live_states')
      .values(some.map(({ kind, key, at, state }) => ({ kind, key, at, state })))
      .onConflict((conflict) =>
        conflict.columns(['kind', 'key']).doUpdateSet(({ ref }) => ({
          at: ref('excluded.at'),
          state: ref('excluded.state'),
        })),
      )
      .execute()
  }
}

function nameOf({ kind, key }: Pick<KeptState, 'kind' | 'key'>): string {
  return `${kind} ${key}`
}
