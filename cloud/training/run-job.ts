/** One training job from its data to its versions in the registry; whatever happens, its row says how it ended. */
import { holdMsOf } from '../../models/modes.ts'
import type { Table } from '../../models/train/table.ts'
import type { Period } from '../../protocol/api-models.ts'
import { Fault, isFault } from '../../protocol/kit/fault.ts'
import { readPlannedWork } from '../store/planned-work.ts'
import { trainFailureModel } from './failure-job.ts'
import { countRows, readHistory } from './history.ts'
import { changeJob, type JobRow } from './job-rows.ts'
import { readModes } from './mode-history.ts'
import {
  DEFAULT_SPAN_MS,
  findStart,
  MAX_TRAIN_CELLS,
  notTrainable,
  type TrainingAsset,
} from './proposal.ts'
import type { TrainingOptions, WantedTraining } from './training.ts'
import { runTraining, type TrainingOrder } from './training-thread.ts'
import { leaveWorkOut, type UsablePeriods } from './without-work.ts'

/** Progress is written down no more often. */
const TELL_MS = 500
/** Cells of history that are scored after the training: a fifth of what a training takes. */
const MAX_HISTORY_CELLS = 1_000_000
/** Same data, same model. */
const SEED = 1
/** Shares of the progress. */
const READ_SHARE = 0.2
const STOPPED = 'The cloud was stopped before it was done; start it again.'

export interface JobParts extends TrainingOptions {
  now(): number
  assetOf(id: string): Promise<TrainingAsset>
}

/** Less the planned maintenance that is known when the job runs. */
type Request = WantedTraining & UsablePeriods & { periodMs: number }

const isOfFailures = ({ request }: JobRow) => 'failures' in JSON.parse(request)

export async function runJob(parts: JobParts, job: JobRow, signal: AbortSignal): Promise<void> {
  const { store, now, onChange, log } = parts
  const { id, asset, site } = job
  const tell = createTeller(parts, job)
  await changeJob(store, id, { state: 'running', phase: 'reading history' })
  onChange({ asset, site })
  try {
    const { model, backTest } = isOfFailures(job)
      ? { model: await trainFailureModel(parts, job, { tell, signal }), backTest: null }
      : await trainAndRegister(parts, job, { tell, signal })
    const done = { state: 'done', phase: 'done', progress: 1, model } as const
    await tell.settled()
    await changeJob(store, id, { ...done, ended_at: now(), back_test: JSON.stringify(backTest) })
  } catch (error) {
    const isCancelled = signal.aborted
    const problem = isCancelled ? null : wordsOf(error)
    if (!isCancelled && !(error instanceof Fault))
      log.error({ err: error, job: id }, 'training failed')
    await tell.settled()
    const stopped =
      isFault(signal.reason, 'training.cancelled') && signal.reason.detail.by !== 'stop'
    await changeJob(store, id, {
      state: isCancelled && stopped ? 'cancelled' : 'failed',
      ended_at: now(),
      problem: isCancelled && !stopped ? STOPPED : problem,
    })
  }
  onChange({ asset, site })
}

interface Teller {
  (phase: string, progress: number): void
  /** What was told is written. */
  settled(): Promise<void>
}

/** Writes the progress down, now and then. */
function createTeller({ store, onChange, now }: JobParts, { id, asset, site }: JobRow): Teller {
  let lastAt = 0
  let lastPhase = ''
  let tail: Promise<void> = Promise.resolve()
  const tell = (phase: string, progress: number) => {
    if (phase === lastPhase && now() - lastAt < TELL_MS) return
    lastAt = now()
    lastPhase = phase
    tail = tail
      .then(() => changeJob(store, id, { phase, progress }))
      .then(() => onChange({ asset, site }))
  }
  return Object.assign(tell, { settled: () => tail })
}

async function trainAndRegister(
  parts: JobParts,
  job: JobRow,
  { tell, signal }: { tell: Teller; signal: AbortSignal },
) {
  const asset = await parts.assetOf(job.asset)
  const asked = JSON.parse(job.request) as WantedTraining & { periodMs: number }
  const request = { ...asked, ...(await leaveWorkOut(parts.store, asset, asked.periods)) }
  const order = await createOrder(parts, { asset, request, job }, (phase, share) => {
    signal.throwIfAborted()
    tell(phase, share * READ_SHARE)
  })
  const outcome = await runTraining(order, {
    onProgress: (phase, share) => tell(phase, READ_SHARE + share * (1 - READ_SHARE)),
    signal,
    worker: parts.worker,
  })
  signal.throwIfAborted()
  const ids: string[] = []
  for (const version of outcome.versions) {
    const rest = { asset, periods: request.periods, createdBy: job.requested_by }
    const how = { source: 'trained', automatic: request.automatic } as const
    ids.push(await parts.register({ ...version, ...rest, ...how }))
  }
  return { model: ids[0] ?? null, backTest: outcome.backTest }
}

interface Question {
  asset: TrainingAsset
  request: Request
  job: JobRow
}

async function createOrder(
  parts: JobParts,
  { asset, request, job }: Question,
  onProgress: (phase: string, share: number) => void,
): Promise<TrainingOrder> {
  const without = new Set(request.without ?? [])
  const modeTag = request.modeTag ?? undefined
  const modeId = modeTag === undefined ? undefined : asset.modeTags?.[modeTag]
  const isTag = ([name, tag]: [string, string]) => !without.has(name) && tag !== modeId
  const tags = Object.fromEntries(Object.entries(asset.tags).filter(isTag))
  const { periods, periodMs: stepMs } = request
  const width = Object.keys(tags).length
  if (width === 0) throw notTrainable(asset, 'no tag is left')
  const rows = countRows(periods, stepMs)
  const most = Math.floor(MAX_TRAIN_CELLS / width)
  if (rows > most)
    throw notTrainable(
      asset,
      `the periods hold ${rows} rows of ${width} tags, ${most} are taken: choose shorter ones, or a longer step`,
    )
  const reading = `reading ${width} tags`
  const read = { tags, stepMs, onProgress: (share: number) => onProgress(reading, share / 2) }
  const table = await readHistory(parts.history, { ...read, periods })
  const to = parts.now()
  const longest = Math.min(DEFAULT_SPAN_MS, Math.floor(MAX_HISTORY_CELLS / width) * stepMs)
  const from = await findStart(parts.history, Object.values(tags), { from: to - longest, to })
  const newest = { ...read, periods: [{ from, to }] }
  const history = await readHistory(parts.history, {
    ...newest,
    onProgress: (share) => onProgress('reading history for the back-test', 0.5 + share / 2),
  })
  const versions = await parts.versionsOf(asset.id)
  const name = versions.find(({ kind }) => kind === 'multivariate')?.name ?? asset.id
  // What the active model looks at together stays together, also when it drifts slowly: that was decided once.
  const active = versions.find((one) => one.kind === 'multivariate' && one.stage === 'active')
  const keep = (active?.tags ?? []).filter((tag) => tag in tags)
  const options = {
    ...{ name, seed: SEED, periodMs: stepMs, drifting: true, units: asset.units, keep, modeTag },
    notes: describeData({ asset, request, job }, table),
  }
  const mode = modeId && { tag: modeId, holdMs: holdMsOf(stepMs) }
  const withModes = async ({ at = new Float64Array(), ...rest }: Table): Promise<Table> =>
    mode ? { ...rest, at, modes: await readModes(parts.history, mode, at) } : { ...rest, at }
  return {
    table: await withModes(dropEmptyRows(table)),
    options,
    history: await withModes(dropEmptyRows(history)),
    work: await readPlannedWork(parts.store, { asset: asset.id, site: asset.site, from, to }),
  }
}

/** Rows without any value are gaps: the grid leaves them open by itself. */
function dropEmptyRows(table: Table): Table {
  const { at = new Float64Array(), columns } = table
  const kept: number[] = []
  for (let row = 0; row < table.rows; row++)
    if (columns.some((column) => !Number.isNaN(column[row]))) kept.push(row)
  const pick = (column: Float64Array) => Float64Array.from(kept, (row) => column[row] ?? Number.NaN)
  return { ...table, at: pick(at), columns: columns.map(pick), rows: kept.length }
}

function describeData({ asset, request, job }: Question, table: Table): string {
  const lines = [
    `History of ${asset.id}, ${table.rows} rows of ${request.periodMs} ms, asked for by ${job.requested_by}.`,
    ...request.periods.map((period) => `- ${describeSpan(period)}`),
  ]
  for (const { text, ...span } of request.work)
    lines.push(`Left out: planned maintenance (${text}), ${describeSpan(span)}.`)
  if (request.without?.length) lines.push(`Left out: ${request.without.join(', ')}.`)
  if (request.modeTag) lines.push(`Modes by ${request.modeTag}.`)
  if (request.note) lines.push(request.note)
  return lines.join('\n')
}

function describeSpan({ from, to }: Period): string {
  return `${new Date(from).toISOString()} to ${new Date(to).toISOString()}`
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
