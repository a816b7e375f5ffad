/** What persons do with planned work: enter it, end it early, extend it, cancel it. */
import type { MaintenanceRequest, MaintenanceWindow } from '../../protocol/api-maintenance.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import type { Store } from '../store/store.ts'
import { checkExtension, checkSpan, checkText, isAfterwards } from './window.ts'
import { countOpen, insertWindow, moveRow, readWindow, type WindowRow } from './window-rows.ts'

/** Who acts; the caller has asked the policy already. */
export interface Person {
  id: string
  login: string
}

/** Of a site: all that run are kept in memory, and looked at for every alarm. */
export const MAX_OPEN = 1_000

/** The window that something was done to. */
export type Told = Pick<WindowRow, 'id' | 'site'>

/** What was done, for the audit. */
export interface Act {
  actor: string
  action: string
  detail: object
}

interface ActParts {
  store: Store
  now(): number
  tell(row: Told, act: Act): Promise<MaintenanceWindow>
}

/** Each throws as `Maintenance` says. */
export function createActs({ store, now, tell }: ActParts) {
  return {
    async enter({ id: person, login }: Person, wanted: MaintenanceRequest) {
      const at = now()
      const { site, asset, from, to } = wanted
      const text = checkText(wanted.text)
      checkSpan({ from, to }, at)
      await checkPlace(store, { site, asset })
      if ((await countOpen(store, site)) >= MAX_OPEN) {
        const problem = `${MAX_OPEN} are planned or running at this site already`
        throw new Fault('request.invalid', { problem })
      }
      const id = await insertWindow(store, { site, asset, from, to, text }, { at, person })
      const detail = { asset, from, to, text, afterwards: to <= at }
      return await tell({ id, site }, { actor: login, action: 'maintenance.enter', detail })
    },
    async end({ id: person, login }: Person, id: string) {
      const row = await readWindow(store.db, id)
      if (row.state !== 'running') throw conflict(row, 'ended')
      // A clock that was set back would end it before it began.
      const at = Math.max(row.from_at, Math.min(now(), row.to_at))
      await moveRow(store.db, row, { to: 'over', change: { ended_at: at, ended_by: person } })
      const detail = { asset: row.asset, text: row.text, to: row.to_at, endedAt: at }
      return await tell(row, { actor: login, action: 'maintenance.end', detail })
    },
    async extend({ login }: Person, id: string, to: number) {
      const row = await readWindow(store.db, id)
      if (row.state !== 'running') throw conflict(row, 'extended')
      checkExtension(to, { now: now(), before: row.to_at })
      const set = store.db.updateTable('maintenance_windows').set({ to_at: to })
      await set.where('id', '=', id).execute()
      const detail = { asset: row.asset, text: row.text, before: row.to_at, to }
      return await tell(row, { actor: login, action: 'maintenance.extend', detail })
    },
    async cancel({ id: person, login }: Person, id: string, reason: string) {
      const row = await readWindow(store.db, id)
      const mayCancel = row.state === 'planned' || (row.state === 'over' && isAfterwards(row))
      if (!mayCancel) throw conflict(row, 'cancelled')
      const change = { cancelled_at: now(), cancelled_by: person }
      await moveRow(store.db, row, { to: 'cancelled', change })
      const { asset, text, from_at: from, to_at: to } = row
      const detail = { asset, text, from, to, reason }
      return await tell(row, { actor: login, action: 'maintenance.cancel', detail })
    },
  }
}

function conflict({ state }: WindowRow, action: string): Fault {
  return new Fault('maintenance.conflict', { state, action })
}

/** Throws Fault 'object.missing': an asset of another site is as unknown as one that is nowhere. */
async function checkPlace(
  store: Store,
  { site, asset }: { site: string; asset: string | null },
): Promise<void> {
  const known = store.db.selectFrom('sites').select('id').where('id', '=', site)
  if (!(await known.executeTakeFirst())) throw new Fault('object.missing', { id: site })
  if (asset !== null && (await findSite(store, asset)) !== site)
    throw new Fault('object.missing', { id: asset })
}

/** Undefined: there is no such asset. */
export async function findSite({ db }: Store, asset: string): Promise<string | undefined> {
  const row = await db
    .selectFrom('assets')
    .select('site')
    .where('id', '=', asset)
    .executeTakeFirst()
  return row?.site
}
