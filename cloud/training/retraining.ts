/** Training again without being asked each time: by schedule, when the inputs drift, and when a person says "this was normal". */
import type { Period, RetrainingRequest, TrainingJobView } from '../../protocol/api-models.ts'
import { Fault, isFault } from '../../protocol/kit/fault.ts'
import type { Log } from '../../protocol/kit/log.ts'
import type { Audit } from '../audit/audit.ts'
import { readPlannedWork } from '../store/planned-work.ts'
import type { Store } from '../store/store.ts'
import { mergePeriods } from './history.ts'
import type { KnownVersion, Person, Training } from './training.ts'
import { cutWork } from './without-work.ts'

export interface RetrainingOptions {
  store: Store
  audit: Audit
  training: Training
  /** Newest first. */
  versionsOf(asset: string): Promise<KnownVersion[]>
  /** Since when its inputs drift; null: they do not. */
  driftOf?(asset: string): number | null
  log: Log
  /** Unix ms. */
  now?(): number
}

export interface Retraining {
  of(asset: string): Promise<RetrainingRequest>
  set(
    actor: Person,
    asset: { id: string; site: string },
    wanted: RetrainingRequest,
  ): Promise<RetrainingRequest>
  /**
   * The stretch of the alarm becomes training data, and a job is queued. Throws Fault 'object.missing', and
   * 'request.invalid' for an alarm that came and went in planned maintenance.
   */
  wasNormal(actor: Person, alarm: string, note: string): Promise<TrainingJobView>
  /** The inputs of the asset drift since then. */
  noteDrift(asset: string, since: number | null): Promise<void>
  /** Queues what is due; call it every minute or so. */
  tick(): Promise<void>
}

const DAY_MS = 86_400_000
/** An alarm is late by its delays and its window: what was before it belongs to it. */
const BEFORE_ALARM_MS = 60_000
/** What failed is not tried again the same day. */
const DRIFT_PAUSE_MS = DAY_MS

export function createRetraining(options: RetrainingOptions): Retraining {
  const { store, audit, training, versionsOf, log, now = Date.now } = options

  /** Models of remaining life and of known failures are trained otherwise. */
  const detectorsOf = async (asset: string) =>
    (await versionsOf(asset)).filter(({ kind }) => kind !== 'life' && kind !== 'failures')

  /** Queues a job on proposed periods; what cannot be trained is a line in the log, not an alarm. */
  async function retrain(asset: string, why: string, from?: number): Promise<void> {
    const set = store.db.updateTable('retraining').set({ tried_at: now() })
    await set.where('asset', '=', asset).execute()
    try {
      const recent = from === undefined ? undefined : await training.propose(asset, { from })
      const { periods } = recent?.enough ? recent : await training.propose(asset, {})
      if (periods.length === 0)
        throw new Fault('training.failed', { problem: 'there is no normal period' })
      const wanted = { periods, note: `by ${why}`, automatic: true } as const
      await training.train({ login: why }, asset, wanted)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      log.warn({ asset, why, problem: error.message }, 'no training')
    }
  }

  async function noteDrift(asset: string, since: number | null): Promise<void> {
    const row = (await listOnDrift(store)).find((one) => one.asset === asset)
    if (!row || now() - (row.tried_at ?? 0) < DRIFT_PAUSE_MS) return
    if (since !== null && (await isTrained(store, asset, since))) return
    await retrain(asset, 'drift', since ?? undefined)
  }

  return {
    async of(asset) {
      const row = await store.db
        .selectFrom('retraining')
        .selectAll()
        .where('asset', '=', asset)
        .executeTakeFirst()
      return { everyDays: row?.every_days ?? null, onDrift: row?.on_drift === 1 }
    },
    async set({ login }, { id, site }, wanted) {
      const on_drift = wanted.onDrift ? (1 as const) : (0 as const)
      const told = { every_days: wanted.everyDays, on_drift }
      await store.db
        .insertInto('retraining')
        .values({ asset: id, ...told, tried_at: null })
        .onConflict((conflict) => conflict.column('asset').doUpdateSet(told))
        .execute()
      await audit.append({
        ...{ actor: login, action: 'model.retraining', object: id, site },
        ...{ outcome: 'done', detail: wanted },
      })
      return wanted
    },
    async wasNormal(actor, alarm, note) {
      const { asset, site, stretch } = await readStretch(store, alarm, now())
      await refuseWork(store, { asset, site, ...stretch })
      await keepStretch(store, { asset, alarm, ...stretch, at: now(), person: actor.login, note })
      await audit.append({
        ...{ actor: actor.login, action: 'alarm.was-normal', object: alarm, site },
        ...{ outcome: 'done', detail: { ...stretch, note } },
      })
      const known = (await detectorsOf(asset)).find(({ periods }) => periods.length > 0)
      const base = known?.periods ?? (await training.propose(asset, {})).periods
      const periods = mergePeriods([...base, ...(await readStretches(store, asset))])
      try {
        const wanted = { periods, note: `was normal: ${note}`, automatic: true } as const
        return await training.train(actor, asset, wanted)
      } catch (error) {
        const waiting = isFault(error, 'training.busy') ? await training.newest(asset) : undefined
        if (!waiting) throw error
        // The stretch is kept: the next training has it.
        return waiting
      }
    },
    noteDrift,
    async tick() {
      const rows = await store.db
        .selectFrom('retraining')
        .select(['asset', 'every_days', 'tried_at'])
        .where('every_days', 'is not', null)
        .execute()
      for (const { asset, every_days, tried_at } of rows) {
        const [newest] = await detectorsOf(asset)
        const last = Math.max(newest?.createdAt ?? 0, tried_at ?? 0)
        if (now() - last >= (every_days ?? 0) * DAY_MS) await retrain(asset, 'schedule')
      }
      // What could not be queued when the drift began, or failed, is not forgotten while it lasts.
      for (const { asset } of await listOnDrift(store)) {
        const since = options.driftOf?.(asset) ?? null
        if (since !== null) await noteDrift(asset, since)
      }
    },
  }
}

async function listOnDrift({ db }: Store) {
  return await db
    .selectFrom('retraining')
    .select(['asset', 'tried_at'])
    .where('on_drift', '=', 1)
    .execute()
}

/** By the jobs, so that a restart does not begin anew: this drift has had its training. */
async function isTrained({ db }: Store, asset: string, since: number): Promise<boolean> {
  const job = await db
    .selectFrom('training_jobs')
    .select('id')
    .where('asset', '=', asset)
    .where('requested_by', '=', 'drift')
    .where('requested_at', '>', since)
    .where('state', '<>', 'failed')
    .executeTakeFirst()
  return job !== undefined
}

/** Throws Fault 'object.missing'. */
async function readStretch({ db }: Store, alarm: string, now: number) {
  const row = await db
    .selectFrom('alarms')
    .select(['asset', 'site', 'raised_at', 'cleared_at'])
    .where('id', '=', alarm)
    .executeTakeFirst()
  if (!row) throw new Fault('object.missing', { id: alarm })
  const stretch = { from: row.raised_at - BEFORE_ALARM_MS, to: row.cleared_at ?? now }
  return { asset: row.asset, site: row.site, stretch }
}

/** Work is no normal operation, whatever a person thinks of the alarm: a window that is wrong is to be mended instead. */
async function refuseWork(
  store: Store,
  { asset, site, from, to }: Period & { asset: string; site: string },
): Promise<void> {
  const own = { from: from + BEFORE_ALARM_MS, to }
  const works = await readPlannedWork(store, { asset, site, ...own })
  const [work] = works
  if (!work || cutWork([own], works).length > 0) return
  const problem = `the alarm came and went in planned maintenance (${work.text}), which is no normal operation`
  throw new Fault('request.invalid', { problem })
}

interface Stretch extends Period {
  asset: string
  alarm: string
  at: number
  person: string
  note: string
}

/** Said twice of one alarm is said once, with the longer stretch. */
async function keepStretch({ db }: Store, { from, to, ...rest }: Stretch): Promise<void> {
  await db
    .insertInto('normal_periods')
    .values({ ...rest, from_at: from, to_at: to })
    .onConflict((conflict) => conflict.column('alarm').doUpdateSet({ to_at: to }))
    .execute()
}

async function readStretches({ db }: Store, asset: string): Promise<Period[]> {
  const rows = await db
    .selectFrom('normal_periods')
    .select(['from_at', 'to_at'])
    .where('asset', '=', asset)
    .execute()
  return rows.map(({ from_at, to_at }) => ({ from: from_at, to: to_at }))
}
