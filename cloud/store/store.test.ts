/** One suite of the store on SQLite and on PostgreSQL. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { alarmTransitions, caseTransitions, sessionTransitions } from '../../protocol/states.ts'
import { SCHEMA_VERSION } from './migrations.ts'
import { openStore, type StoreOptions } from './store.ts'
import {
  findPostgres,
  openThrowawayPostgres,
  type ThrowawayPostgres,
} from './test/throwaway-postgres.ts'

const postgresBin = await findPostgres()
let folder: string
let postgres: ThrowawayPostgres | undefined

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mimamori-store-'))
  if (postgresBin) postgres = await openThrowawayPostgres(postgresBin)
})
afterAll(async () => {
  await postgres?.[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

let databases = 0
async function newSqlite(): Promise<StoreOptions> {
  databases += 1
  return { file: join(folder, `state-${databases}`, 'state.db') }
}
async function newPostgres(): Promise<StoreOptions> {
  databases += 1
  return { url: await postgres!.createDatabase(`state${databases}`) }
}

const aCase = {
  id: 'cas_1',
  site: 'plant',
  asset: 'press',
  title: 'Cooler',
  previous_state: 'reported',
  state: 'reported',
  opened_at: 1_732_000_000_123,
  source: '{}',
} as const

function suite(newDatabase: () => Promise<StoreOptions>): void {
  it('keeps integers beyond 32 bits and gives them back as numbers', async () => {
    await using store = await openStore(await newDatabase())
    await store.db.insertInto('cases').values(aCase).execute()
    const row = await store.db.selectFrom('cases').selectAll().executeTakeFirstOrThrow()
    expect(row.opened_at).toBe(1_732_000_000_123)
    expect(row.verified_at).toBeNull()
  })

  it('keeps its rows when it is opened again', async () => {
    const options = await newDatabase()
    {
      await using store = await openStore(options)
      await store.db.insertInto('settings').values({ key: 'a', value: 'b' }).execute()
    }
    await using again = await openStore(options)
    expect(await again.db.selectFrom('settings').selectAll().execute()).toEqual([
      { key: 'a', value: 'b' },
    ])
  })

  it('holds exactly the transitions of states.ts, and the initial pair', async () => {
    await using store = await openStore(await newDatabase())
    const pairs = async (table: 'alarm_transitions' | 'case_transitions' | 'session_transitions') =>
      (await store.db.selectFrom(table).selectAll().execute())
        .map((row) => `${row.from_state}>${row.to_state}`)
        .sort()
    const wanted = (table: readonly { from: string; to: string }[], ...initial: string[]) =>
      [...new Set([...table.map(({ from, to }) => `${from}>${to}`), ...initial])].sort()
    expect(await pairs('alarm_transitions')).toEqual(wanted(alarmTransitions))
    expect(await pairs('case_transitions')).toEqual(wanted(caseTransitions, 'reported>reported'))
    expect(await pairs('session_transitions')).toEqual(
      wanted(sessionTransitions, 'requested>requested'),
    )
  })

  it('takes back a transition that states.ts no longer has', async () => {
    const options = await newDatabase()
    {
      await using store = await openStore(options)
      const illegal = { from_state: 'closed', to_state: 'reported' }
      await store.db.insertInto('case_transitions').values(illegal).execute()
    }
    await using again = await openStore(options)
    const rows = await again.db
      .selectFrom('case_transitions')
      .selectAll()
      .where('from_state', '=', 'closed')
      .execute()
    expect(rows).toEqual([])
  })

  it('refuses a state that is not reached by a legal transition', async () => {
    await using store = await openStore(await newDatabase())
    await store.db.insertInto('cases').values(aCase).execute()
    const jump = store.db
      .updateTable('cases')
      .set({ previous_state: 'reported', state: 'closed' })
      .where('id', '=', aCase.id)
    await expect(jump.execute()).rejects.toThrow(/foreign key/i)
    const step = { previous_state: 'reported', state: 'diagnosing' } as const
    await store.db.updateTable('cases').set(step).where('id', '=', aCase.id).execute()
  })

  it('refuses a second open case of one asset, and takes one after the first is dismissed', async () => {
    await using store = await openStore(await newDatabase())
    await store.db.insertInto('cases').values(aCase).execute()
    const second = store.db.insertInto('cases').values({ ...aCase, id: 'cas_2' })
    await expect(second.execute()).rejects.toThrow(/unique/i)
    const dismissed = { previous_state: 'reported', state: 'dismissed' } as const
    await store.db.updateTable('cases').set(dismissed).where('id', '=', aCase.id).execute()
    await second.execute()
  })

  it('numbers event rows by itself', async () => {
    await using store = await openStore(await newDatabase())
    await store.db.insertInto('cases').values(aCase).execute()
    const event = { case_id: 'cas_1', at: 1, person: null, kind: 'note', text: 'x' }
    await store.db.insertInto('case_events').values([event, event]).execute()
    const rows = await store.db.selectFrom('case_events').select('id').orderBy('id').execute()
    expect(rows).toEqual([{ id: 1 }, { id: 2 }])
  })

  it('refuses a database that a newer program wrote', async () => {
    const options = await newDatabase()
    {
      await using store = await openStore(options)
      await sql`insert into migrations (version) values (${SCHEMA_VERSION + 1})`.execute(store.db)
    }
    await expect(openStore(options)).rejects.toMatchObject({ code: 'store.newer' })
  })

  it('keeps two transactions apart that run at the same time', async () => {
    await using store = await openStore(await newDatabase())
    const add = (key: string, fail: boolean) =>
      store.db.transaction().execute(async (trx) => {
        await trx.insertInto('settings').values({ key, value: '' }).execute()
        await new Promise((resolve) => setTimeout(resolve, 10))
        if (fail) throw new Error('rolled back')
      })
    await Promise.allSettled([add('kept', false), add('lost', true), add('kept too', false)])
    const rows = await store.db.selectFrom('settings').select('key').orderBy('key').execute()
    expect(rows.map((row) => row.key)).toEqual(['kept', 'kept too'])
  })
}

describe('the store on SQLite', () => suite(newSqlite))
describe.skipIf(!postgresBin)('the store on PostgreSQL (apt-get install postgresql)', () =>
  suite(newPostgres),
)
