/** How trouble becomes a case: one open case per asset, whoever reports it, however often. */
import type { AlarmView } from '../../protocol/api.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import type { Store } from '../store/store.ts'
import { findOpenCase, insertCase, type NewCase, noteEvent } from './case-rows.ts'

export interface Hook {
  /** The same for every repetition of one firing. */
  fingerprint: string
  asset: string
  title: string
}

export interface Reported {
  id: string
  isNew: boolean
  /** Nothing was done: this very report is known already. */
  isRepeated?: boolean
}

/** Only an alarm that is active, not shelved and not out of service is trouble. */
export function isTrouble({
  state,
  shelving,
  outOfService,
}: Pick<AlarmView, 'state' | 'shelving' | 'outOfService'>): boolean {
  return state.startsWith('active') && shelving === 'Unshelved' && outOfService === undefined
}

/** Opens a case for the asset, or adds a line to the open one. */
export async function reportCase(
  store: Store,
  wanted: NewCase,
): Promise<{ id: string; isNew: boolean }> {
  return await store.db.transaction().execute(async (trx) => {
    const open = await findOpenCase(trx, wanted.asset)
    const id = open?.id ?? (await insertCase(trx, wanted))
    await noteEvent(trx, {
      id,
      at: wanted.at,
      person: wanted.person,
      kind: wanted.source.kind,
      text: wanted.title,
    })
    return { id, isNew: !open }
  })
}

/** Idempotent by fingerprint, whatever became of the case. Throws Fault 'object.missing' for an unknown asset. */
export async function reportHook(store: Store, hook: Hook, at: number): Promise<Reported> {
  const text = `${hook.title} (${hook.fingerprint})`
  const known = await store.db
    .selectFrom('case_events')
    .innerJoin('cases', 'cases.id', 'case_events.case_id')
    .select('cases.id')
    .where('cases.asset', '=', hook.asset)
    .where('kind', '=', 'hook')
    .where('text', '=', text)
    .executeTakeFirst()
  if (known) return { id: known.id, isNew: false, isRepeated: true }
  const site = await siteOf(store, hook.asset)
  const { asset, title } = hook
  const source = { kind: 'hook', id: hook.fingerprint } as const
  return await store.db.transaction().execute(async (trx) => {
    const open = await findOpenCase(trx, asset)
    const wanted = { site, asset, title, at, source, person: null }
    const id = open?.id ?? (await insertCase(trx, wanted))
    await noteEvent(trx, { id, at, person: null, kind: 'hook', text })
    return { id, isNew: !open }
  })
}

/** Throws Fault 'object.missing' for an unknown asset. */
export async function siteOf({ db }: Store, asset: string): Promise<string> {
  const row = await db
    .selectFrom('assets')
    .select('site')
    .where('id', '=', asset)
    .executeTakeFirst()
  if (!row) throw new Fault('object.missing', { id: asset })
  return row.site
}
