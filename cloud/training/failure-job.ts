/** One training of a model of known failures: labelled cases and normal stretches of like machines, read as windows. */
import type { FailureManifest } from '../../models/train/failures/failure-manifest.ts'
import type { FailureQuestion, Stretch } from '../../models/train/failures/failure-table.ts'
import type { Period } from '../../protocol/api-models.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import type { TagId } from '../../protocol/model.ts'
import { cutNormal, readCaseWindows, readNormalWindows } from './failure-windows.ts'
import type { JobRow } from './job-rows.ts'
import {
  DEFAULT_SPAN_MS,
  notTrainable,
  type ProposalParts,
  proposePeriods,
  type TrainingAsset,
} from './proposal.ts'
import { runThread } from './training-thread.ts'

/** Same cases, same model. */
const SEED = 1
/** Stretches of normal operation of the machine itself, and of each other one. */
const OWN_STRETCHES = 20
const OTHER_STRETCHES = 8
/** Share of the progress. */
const READ_SHARE = 0.6
const WORKER = new URL('./failure-worker.ts', import.meta.url)

/** A closed case that names how the machine failed. */
export interface FailureCase {
  id: string
  asset: string
  mode: string
  from: number
  to: number
}

export interface FailureCases {
  /** Only modes with cases enough; empty when there are too few of them. */
  cases: FailureCase[]
  wanted: { cases: number; modes: number }
}

export interface FailureVersion {
  manifest: FailureManifest
  files: Record<string, Uint8Array>
}

export interface NewFailureVersion extends FailureVersion {
  asset: TrainingAsset
  periods: Period[]
  createdBy: string
}

/** What the training of known failures needs beside the rest. */
export interface FailureSource {
  /** Of the asset and of all others of its kind. */
  casesOf(asset: string): Promise<FailureCases>
  /** Enters a version in shadow; answers its id. */
  register(version: NewFailureVersion): Promise<string>
}

export interface FailureParts extends ProposalParts {
  failures?: FailureSource
  assetOf(id: string): Promise<TrainingAsset>
  now(): number
}

/** What was asked for, as the row of the job keeps it. */
export interface FailureRequest {
  failures: true
  periodMs: number
  without?: string[]
  note?: string
}

function need({ failures }: FailureParts): FailureSource {
  if (failures) return failures
  throw new Fault('training.failed', { problem: 'there are no labelled cases here' })
}

interface Running {
  tell(phase: string, share: number): void
  signal: AbortSignal
}

/** Answers the version. Throws Fault 'model.not-trainable', 'training.failed', or the signal's reason. */
export async function trainFailureModel(
  parts: FailureParts,
  job: JobRow,
  { tell, signal }: Running,
): Promise<string> {
  const request = JSON.parse(job.request) as FailureRequest
  const asset = await parts.assetOf(job.asset)
  const gathered = await gather(parts, { asset, request }, (share) => {
    signal.throwIfAborted()
    tell('reading labelled cases', share * READ_SHARE)
  })
  const { periods, ...question } = gathered
  const version = await runThread<FailureVersion>(WORKER, question, {
    onProgress: (phase, share) => tell(phase, READ_SHARE + share * (1 - READ_SHARE)),
    signal,
  })
  signal.throwIfAborted()
  const createdBy = job.requested_by
  return await need(parts).register({ ...version, asset, periods, createdBy })
}

async function gather(
  parts: FailureParts,
  { asset, request }: { asset: TrainingAsset; request: FailureRequest },
  onProgress: (share: number) => void,
): Promise<FailureQuestion & { periods: Period[] }> {
  const { cases, wanted } = await need(parts).casesOf(asset.id)
  if (cases.length === 0)
    throw notTrainable(
      asset,
      `${wanted.modes} failure modes with ${wanted.cases} labelled cases each are needed`,
    )
  const { periodMs } = request
  const without = new Set(request.without)
  const tags = Object.keys(asset.tags).filter((name) => !without.has(name))
  const machines = await findMachines(parts, asset, { cases, tags })
  const known = cases.filter((one) => machines.has(one.asset))
  const stretches: Stretch[] = []
  let periods: Period[] = []
  let done = 0
  for (const [id, machine] of machines) {
    const count = id === asset.id ? OWN_STRETCHES : OTHER_STRETCHES
    const normal = await readNormal(parts, machine, { periodMs, count })
    stretches.push(...normal.stretches)
    if (id === asset.id) periods = normal.periods
    onProgress((0.5 * ++done) / machines.size)
  }
  for (const [i, { id, asset: own, mode, from, to }] of known.entries()) {
    const query = { tags: machines.get(own)?.tags ?? {}, periodMs, span: { from, to } }
    const windows = await readCaseWindows(parts.history, query)
    stretches.push({ id, asset: own, label: mode, windows })
    onProgress(0.5 + (0.5 * (i + 1)) / known.length)
  }
  const name = `${asset.id}-failures`
  const notes = describe(asset, { machines, cases: known, note: request.note })
  const rest = { asset: asset.id, tags, periodMs, stretches, wanted, seed: SEED, notes }
  return { name, ...rest, periods }
}

/** The machine itself and those with cases that have all of its tags. */
async function findMachines(
  parts: FailureParts,
  asset: TrainingAsset,
  { cases, tags }: { cases: readonly FailureCase[]; tags: readonly string[] },
): Promise<Map<string, TrainingAsset>> {
  const machines = new Map<string, TrainingAsset>()
  for (const id of new Set([asset.id, ...cases.map((one) => one.asset)])) {
    const machine = await findIfThere(parts, id)
    const own = tags.flatMap((name): [string, TagId][] => {
      const tag = machine?.tags[name]
      return tag === undefined ? [] : [[name, tag]]
    })
    if (machine && own.length === tags.length)
      machines.set(id, { ...machine, tags: Object.fromEntries(own) })
  }
  return machines
}

/** A machine that is gone from the configuration keeps its cases, but nobody knows its tags any more. */
async function findIfThere(parts: FailureParts, id: string): Promise<TrainingAsset | undefined> {
  try {
    return await parts.assetOf(id)
  } catch {
    return undefined
  }
}

async function readNormal(
  parts: FailureParts,
  machine: TrainingAsset,
  { periodMs, count }: { periodMs: number; count: number },
): Promise<{ stretches: Stretch[]; periods: Period[] }> {
  const to = parts.now()
  const span = { from: to - DEFAULT_SPAN_MS, to, periodMs }
  const { periods } = await proposePeriods(parts, machine, span)
  const cut = cutNormal(periods, periodMs, count)
  const stretches: Stretch[] = []
  for (const one of cut) {
    const query = { tags: machine.tags, periodMs, span: one }
    const windows = await readNormalWindows(parts.history, query)
    const id = `${machine.id} ${one.from}`
    stretches.push({ id, asset: machine.id, label: '', windows })
  }
  return { stretches, periods: cut }
}

function describe(
  asset: TrainingAsset,
  {
    machines,
    cases,
    note,
  }: {
    machines: ReadonlyMap<string, TrainingAsset>
    cases: readonly FailureCase[]
    note?: string
  },
): string {
  const isHere = (one: FailureCase) => machines.get(one.asset)?.site === asset.site
  const [here, elsewhere] = [cases.filter(isHere), cases.filter((one) => !isHere(one))]
  const lines = [
    `Closed cases of ${machines.size} machine(s) like ${asset.id}, each by its own normal operation:`,
    '',
    ...here.map(
      ({ id, asset: own, mode, from }) =>
        `- ${mode}: case ${id} of ${own}, ${new Date(from).toISOString()}`,
    ),
    // The card is read by people of this site, who need not know the others.
    ...[...Map.groupBy(elsewhere, ({ mode }) => mode)].map(
      ([mode, { length }]) => `- ${mode}: ${length} case${length === 1 ? '' : 's'} elsewhere`,
    ),
  ]
  return note === undefined ? lines.join('\n') : [...lines, '', note].join('\n')
}
