/** Planned maintenance: entered by persons, begun and ended by the clock, and known to everything that watches the machine. */
import type {
  MaintenanceList,
  MaintenanceMark,
  MaintenanceRequest,
  MaintenanceWindow,
} from '../../protocol/api-maintenance.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import { type MaintenanceState, maintenanceStates } from '../../protocol/states.ts'
import type { Audit } from '../audit/audit.ts'
import type { Store } from '../store/store.ts'
import { dropReport, keepReport, listReports, type Report } from './held-reports.ts'
import { type Act, createActs, findSite, type Person, type Told } from './maintenance-acts.ts'
import { advanceRow, listWindows, type WindowRow } from './window-rows.ts'

/** A machine with its place; a window on the place is a window on the machine. */
export interface Machine {
  asset: string
  site: string
}

/** A page shows no more; what is older stays in the store. */
const MAX_PAST = 200

export interface MaintenanceOptions {
  store: Store
  audit: Audit
  /** Something of the site is in maintenance now, or no longer, or will be; awaited. */
  onChange(window: { id: string; site: string }): void | Promise<void>
  /** The maintenance is over, and what was reported meanwhile still holds. */
  onRelease(report: Report): Promise<void>
  /** Unix ms. */
  now?(): number
}

export interface Maintenance {
  /** Throws Fault 'request.invalid' with the field that is wrong, 'object.missing' for an unknown site or asset. */
  enter(actor: Person, wanted: MaintenanceRequest): Promise<MaintenanceWindow>
  /** Ends it now. Throws Fault 'maintenance.conflict' when it does not run. */
  end(actor: Person, id: string): Promise<MaintenanceWindow>
  /** Lets it end later. Throws Fault 'maintenance.conflict' when it does not run, 'request.invalid'. */
  extend(actor: Person, id: string, to: number): Promise<MaintenanceWindow>
  /** Before it begins; also what was entered afterwards, by mistake. Throws Fault 'maintenance.conflict'. */
  cancel(actor: Person, id: string, reason: string): Promise<MaintenanceWindow>
  get(id: string): Promise<MaintenanceWindow | undefined>
  list(query: { sites?: readonly string[]; asset?: string }): Promise<MaintenanceList>
  /** What is being done to the machine now; undefined: nothing. From memory: asked for every alarm and score. */
  workOn(machine: Machine): MaintenanceMark | undefined
  /** Keeps a report until the maintenance is over; false: there is none, act on it now. */
  hold(report: Report): Promise<boolean>
  /** What was reported has passed. */
  drop(report: Pick<Report, 'asset' | 'fingerprint'>): Promise<void>
  /** Begins and ends what is due; call it every second or so. */
  tick(now: number): Promise<void>
}

export async function openMaintenance(options: MaintenanceOptions): Promise<Maintenance> {
  const { store, now = Date.now } = options
  const running = await openRunning(store)
  const { workOn } = running
  const tell = createTeller(options, running)
  // One change at a time: the clock must not end what a person is extending.
  let tail: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = tail.then(work)
    tail = done.catch(() => undefined)
    return done
  }
  const acts = createActs({ store, now, tell })
  return {
    enter: (actor, wanted) => inTurn(() => acts.enter(actor, wanted)),
    end: (actor, id) => inTurn(() => acts.end(actor, id)),
    extend: (actor, id, to) => inTurn(() => acts.extend(actor, id, to)),
    cancel: (actor, id, reason) => inTurn(() => acts.cancel(actor, id, reason)),
    get: (id) => findWindow(store, id),
    async list(query) {
      const read = (states: readonly MaintenanceState[], limit?: number) =>
        listWindows(store, { states, ...query, limit })
      const [busy, planned] = [await read(['running']), await read(['planned'])]
      return {
        now: now(),
        running: busy.reverse(),
        planned: planned.sort((a, b) => a.from - b.from),
        past: (await read(['over', 'cancelled'], MAX_PAST)).sort((a, b) => endOf(b) - endOf(a)),
      }
    },
    workOn,
    async hold(report) {
      const { asset } = report
      const site = await findSite(store, asset)
      if (site === undefined || !workOn({ asset, site })) return false
      await keepReport(store, report, now())
      return true
    },
    drop: (report) => dropReport(store, report),
    tick: (at) =>
      inTurn(async () => {
        await running.refresh()
        await advance({ store, tell }, at)
        for (const { site, ...report } of await listReports(store)) {
          if (workOn({ asset: report.asset, site })) continue
          await options.onRelease(report)
          await dropReport(store, report)
        }
      }),
  }
}

/** What runs now, in memory. */
async function openRunning(store: Store) {
  let known: MaintenanceWindow[] = []
  const running = {
    async refresh() {
      known = await listWindows(store, { states: ['running'] })
    },
    workOn: (machine: Machine) => findMark(known, machine),
  }
  await running.refresh()
  return running
}

type Tell = (row: Told, act: Act) => Promise<MaintenanceWindow>

/** Writes down what was done, and tells everybody who looks at it. */
function createTeller(
  { store, audit, onChange }: MaintenanceOptions,
  running: { refresh(): Promise<void> },
): Tell {
  return async ({ id, site }, { actor, action, detail }) => {
    // First: what cannot be audited just now must not keep a machine out of service.
    await running.refresh()
    await audit.append({ actor, action, object: id, site, outcome: 'done', detail })
    await onChange({ id, site })
    const window = await findWindow(store, id)
    if (!window) throw new Fault('object.missing', { id })
    return window
  }
}

async function advance({ store, tell }: { store: Store; tell: Tell }, at: number): Promise<void> {
  for (const row of await listDue(store, at)) {
    const passed = await store.db.transaction().execute((trx) => advanceRow(trx, row, at))
    const { asset, text, from_at: from, to_at: to } = row
    for (const state of passed) {
      const action = state === 'running' ? 'maintenance.begin' : 'maintenance.over'
      await tell(row, { actor: 'maintenance', action, detail: { asset, text, from, to } })
    }
  }
}

/** When nothing more was to come of it. */
const endOf = (window: MaintenanceWindow) => window.cancelledAt ?? window.endedAt ?? window.to

async function findWindow(store: Store, id: string): Promise<MaintenanceWindow | undefined> {
  return (await listWindows(store, { states: maintenanceStates, id }))[0]
}

/** Of several windows the one that ends last: until then alarms are out of service. */
function findMark(
  running: readonly MaintenanceWindow[],
  { asset, site }: Machine,
): MaintenanceMark | undefined {
  let last: MaintenanceWindow | undefined
  for (const window of running) {
    if (window.site !== site || (window.asset !== null && window.asset !== asset)) continue
    if (!last || window.to > last.to) last = window
  }
  return last && { id: last.id, text: last.text, until: last.to, by: last.enteredBy }
}

/** What the clock has reached since it was looked at last. */
async function listDue({ db }: Store, at: number): Promise<WindowRow[]> {
  return await db
    .selectFrom('maintenance_windows')
    .selectAll()
    .where(({ eb, or, and }) =>
      or([
        and([eb('state', '=', 'planned'), eb('from_at', '<=', at)]),
        and([eb('state', '=', 'running'), eb('to_at', '<=', at)]),
      ]),
    )
    .orderBy('from_at')
    .orderBy('id')
    .execute()
}
