/** Looks at active alarms with the models of known failures, keeps what was said as evidence, and tells it with the explanation. */
import { WINDOW_ROWS } from '../../models/train/failures/windows.ts'
import type { FailureView } from '../../protocol/api-explanation.ts'
import type { Audit } from '../audit/audit.ts'
import { passWork, readPlannedWork } from '../store/planned-work.ts'
import type { Store } from '../store/store.ts'
import type { Reader } from './closed-case.ts'
import { findCured } from './cured-cases.ts'
import { type DiagnosisParts, diagnose, type FailureModel, type Saying } from './diagnosis.ts'
import {
  type DiagnosedAlarm,
  findAlarm,
  keepSaying,
  listActive,
  readSayings,
} from './diagnosis-rows.ts'

/** An alarm that cleared is looked at once more. */
const AFTER_MS = 60_000
/** A fresh alarm is looked at often, an old one seldom: a tenth of its age, within these. */
const SOONEST_MS = 5_000
const LATEST_MS = 600_000
const NEVER = Number.POSITIVE_INFINITY

export interface FailuresOptions extends DiagnosisParts {
  store: Store
  audit: Audit
  /** In use, on trial and in shadow; those that cannot be used are left out. */
  modelsOf(asset: string): Promise<FailureModel[]>
}

/** Writes it on the case; `text` is one sentence. */
export type NoteOnCase = (caseId: string, note: { at: number; text: string }) => Promise<void>

export interface Failures {
  /** Looks at every alarm that is due; call it every few seconds. */
  tick(now: number, note: NoteOnCase): Promise<void>
  /** What was said of the alarm; where nothing was, what the version in use says now. */
  of(alarm: string, now: number, reader: Reader): Promise<FailureView[]>
}

export function createFailures(options: FailuresOptions): Failures {
  const { store } = options
  const dueAt = new Map<string, number>()
  return {
    async tick(now, note) {
      const active = await listActive(store, now - AFTER_MS)
      for (const alarm of active) {
        const due = dueAt.get(alarm.id) ?? 0
        // One that is over does not wait for its turn: it would be gone by then.
        if (alarm.clearedAt === null ? now < due : due === NEVER) continue
        dueAt.set(alarm.id, nextLook(alarm, now))
        const seen = await passMaintenance(store, alarm, now)
        if (!seen) continue
        for (const model of await options.modelsOf(alarm.asset))
          if (isDue(seen, model, now)) await look(options, { alarm: seen, model, now, note })
      }
      const known = new Set(active.map(({ id }) => id))
      for (const id of dueAt.keys()) if (!known.has(id)) dueAt.delete(id)
    },
    async of(id, now, reader) {
      const alarm = await findAlarm(store, id)
      if (!alarm) return []
      const recorded = await readSayings(store, id)
      const views = recorded.length > 0 ? recorded : await sayNow(options, alarm, now)
      const about = { asset: alarm.asset, not: alarm.caseId }
      const nothing = { cases: 0, fixed: [] }
      return await Promise.all(
        views.map(async (view) => {
          const { mode } = view
          const cured = mode === null ? nothing : await findCured(store, { ...about, mode }, reader)
          return { ...view, ...cured }
        }),
      )
    },
  }
}

function nextLook({ raisedAt, clearedAt }: DiagnosedAlarm, now: number): number {
  if (clearedAt !== null) return NEVER
  return now + Math.min(LATEST_MS, Math.max(SOONEST_MS, (now - raisedAt) / 10))
}

/** Half a window of the alarm is wanted, unless it is over. */
function isDue({ raisedAt, clearedAt }: DiagnosedAlarm, model: FailureModel, now: number): boolean {
  return clearedAt !== null || now >= raisedAt + (WINDOW_ROWS / 2) * model.manifest.periodMs
}

function spanOf({ raisedAt, clearedAt }: DiagnosedAlarm, now: number) {
  return { from: raisedAt, to: Math.min(now, clearedAt ?? now) }
}

/** One that came in planned maintenance begins at its end: before that a machine that is worked on was measured. Undefined: nothing is left of it. */
async function passMaintenance(
  store: Store,
  alarm: DiagnosedAlarm,
  now: number,
): Promise<DiagnosedAlarm | undefined> {
  const { asset, site, raisedAt: from, clearedAt } = alarm
  const to = clearedAt ?? now
  const raisedAt = passWork(await readPlannedWork(store, { asset, site, from, to }), from)
  return raisedAt > from && raisedAt >= to ? undefined : { ...alarm, raisedAt }
}

interface Look {
  alarm: DiagnosedAlarm
  model: FailureModel
  now: number
  note: NoteOnCase
}

async function look(options: FailuresOptions, { alarm, model, now, note }: Look): Promise<void> {
  const { store, audit } = options
  const saying = await diagnose(options, model, spanOf(alarm, now))
  const isNews = await keepSaying(store, { alarm, model, saying, at: now })
  if (!isNews || model.stage === 'shadow') return
  const { state, mode, probability } = saying
  const { id: version, sha256, stage } = model
  await audit.append({
    ...{ actor: 'diagnosis', action: 'alarm.diagnose', object: alarm.id, site: alarm.site },
    ...{ outcome: 'done', detail: { state, mode, probability, model: version, stage, sha256 } },
  })
  if (alarm.caseId !== null) await note(alarm.caseId, { at: now, text: putInWords(saying, model) })
}

/** Only the version in use speaks unasked of what is past. */
async function sayNow(options: FailuresOptions, known: DiagnosedAlarm, now: number) {
  const alarm = await passMaintenance(options.store, known, now)
  if (!alarm) return []
  const models = await options.modelsOf(alarm.asset)
  const active = models.find(({ stage }) => stage === 'active')
  if (!active || !isDue(alarm, active, now)) return []
  const { windows: _, ...saying } = await diagnose(options, active, spanOf(alarm, now))
  const { id: model, version, stage } = active
  return [{ ...saying, model, version, stage, at: now, recorded: false, earlier: [] }]
}

/** For the events of the case; the console knows these sentences. */
export function putInWords(
  saying: Saying,
  { version, stage }: Pick<FailureModel, 'version' | 'stage'>,
): string {
  const by = `by version ${version} of the known failures${stage === 'canary' ? ', on trial' : ''}`
  const { state, mode, probability, candidates, reason } = saying
  const percent = Math.round(100 * (probability ?? 0))
  if (state === 'named') return `looks like ${mode} (${percent} %), ${by}`
  if (state === 'normal') return `looks like normal operation (${percent} %), ${by}`
  if (state === 'none') return `looks like none of the known failures, ${by}`
  if (state === 'unknown') return `which failure it is cannot be said: ${reason}, ${by}`
  return `is not clearly one of the known failures, possible: ${candidates.map((one) => one.mode).join(', ')}, ${by}`
}
