/** `mimamori train` and `mimamori score`: what the command line asks of the trainer, and the sentence it prints. */
import { readFile } from 'node:fs/promises'
import { Fault } from '../protocol/kit/fault.ts'
import { createLog } from '../protocol/kit/log.ts'
import { externalCommand } from './external/external-command.ts'
import type { Manifest } from './manifest.ts'
import type { Modes } from './modes.ts'
import { FEATURE_KINDS, scoreFeatureModel, trainFeatureModel } from './train/feature-commands.ts'
import { readModelKind } from './train/feature-manifest.ts'
import { runScore } from './train/score.ts'
import { runTrain } from './train/train.ts'

export interface TrainCommand {
  in: string
  out: string
  time?: string
  /** Seconds. */
  period?: number
  /** File: JSON object, tag → live step in the tag's unit. */
  resolution?: string
  /** `rul` or `failures`; an anomaly detector when left out. */
  kind?: string
  /** Column that names the machine, or the cycle. */
  unit?: string
  /** Column of the operating mode: a model for each. */
  mode?: string
  /** `auto`: also a model for each phase of a strongly cyclic machine, where that is worth it. */
  modes?: string
  /** Column of the known state, for `failures`. */
  label?: string
  /** A model trained elsewhere: calibrated instead of trained. */
  onnx?: string
  /** Its output that is the score, and whether a low one is abnormal. */
  score?: string
  low?: boolean
  /** Place of the score in a row of that output, the first is 0; rows of a window where the file leaves them open. */
  column?: number
  windowRows?: number
  seed: number
}

/** Answers what was made. */
export async function trainCommand(command: TrainCommand): Promise<string> {
  const { kind, onnx } = command
  checkModes(command)
  if (onnx !== undefined) return await externalCommand({ ...command, onnx })
  if (kind !== undefined) return await trainFeatureModel({ ...command, kind })
  const { manifest, drifting } = await runTrain({
    in: command.in,
    out: command.out,
    timeColumn: command.time,
    modeColumn: command.mode,
    phases: command.modes === 'auto',
    periodMs: command.period === undefined ? undefined : command.period * 1000,
    resolution: await readResolution(command.resolution),
    seed: command.seed,
    drifting: true,
    log: createLog('train'),
  })
  const { tags, training, threshold } = manifest
  const beside = drifting ? `; ${drifting.manifest.tags.length} drifting tag(s) in drifting/` : ''
  if (manifest.modes)
    return `${command.out}: ${tags.length} tags${formatModes(manifest.modes)}${beside}`
  const limit = `threshold ${threshold.toPrecision(4)}${formatPhases(command, manifest)}`
  return `${command.out}: ${tags.length} tags, ${training.rows} rows, ${limit}${beside}`
}

function formatPhases({ modes }: TrainCommand, { clusters }: Manifest): string {
  if (modes === undefined) return ''
  if (!clusters) return '; one model for all operation is as good as one per phase'
  return `; ${clusters.known.length} phases: ${clusters.known.map(({ rows }) => `${rows} rows`).join(', ')}`
}

function formatModes({ tag, known, tooFew }: Modes): string {
  const own = known.map(
    ({ value, rows, threshold }) =>
      `${value} (${rows} rows, threshold ${threshold.toPrecision(4)})`,
  )
  const none = tooFew.map(({ value, rows }) => `${value} (${rows} rows)`)
  const unknown =
    none.length === 0 ? '' : `; too few rows for a model, so unknown: ${none.join(', ')}`
  return `; modes of ${tag}: ${own.join(', ')}${unknown}`
}

function checkModes({ kind, onnx, mode, modes }: TrainCommand): void {
  const wrong = (problems: string) => new Fault('config.invalid', { count: 1, problems })
  if ((mode ?? modes) !== undefined && (kind ?? onnx) !== undefined)
    throw wrong('--mode and --modes are for anomaly detectors that are trained here')
  if (modes !== undefined && modes !== 'auto')
    throw wrong(`--modes ${modes}: there is auto only; --mode names the column of the mode`)
  if (mode !== undefined && modes !== undefined)
    throw wrong('--mode says which mode it is; --modes auto is for machines that do not say it')
}

async function readResolution(
  file: string | undefined,
): Promise<Record<string, number> | undefined> {
  if (file === undefined) return undefined
  const wrong = (problem: string, cause?: unknown): Fault =>
    new Fault('config.invalid', { count: 1, problems: `${file}: ${problem}` }, { cause })
  let value: unknown
  try {
    value = JSON.parse(await readFile(file, 'utf8'))
  } catch (error) {
    throw wrong('cannot be read as JSON', error)
  }
  const isMap = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (
    !isMap ||
    Object.values(value as object).some((step) => typeof step !== 'number' || step <= 0)
  ) {
    throw wrong('must be an object of positive numbers, one a tag')
  }
  return value as Record<string, number>
}

export interface ScoreCommand {
  model: string
  in: string
  out: string
  time?: string
  unit?: string
}

/** Answers what was found. */
export async function scoreCommand(command: ScoreCommand): Promise<string> {
  const kind = await readModelKind(command.model)
  if (kind !== undefined && FEATURE_KINDS.includes(kind))
    return await scoreFeatureModel(kind, command)
  const { rows, scored, above, alarms, adaptations, unlearned, silent } = await runScore({
    ...command,
    timeColumn: command.time,
    log: createLog('score'),
  })
  const coarser = adaptations.flatMap(({ steps }) => Object.keys(steps))
  const made =
    coarser.length === 0 ? '' : `; made anew for the coarser steps of ${coarser.join(', ')}`
  const unknown = unlearned.length === 0 ? '' : `; never learned: mode ${unlearned.join(', ')}`
  const mute = silent.length === 0 ? '' : `; not one value of ${silent.join(', ')}`
  return `${command.out}: ${rows} rows, ${scored} scored, ${above} above the threshold, ${alarms} alarm(s)${made}${unknown}${mute}`
}
