/** `mimamori train --kind …` and its `score`: remaining life, and labelled failures. */
import { Fault } from '../../protocol/kit/fault.ts'
import { scoreLife } from './rul/score-life.ts'
import { trainLife } from './rul/train-life.ts'
import { scoreTrees } from './trees/score-trees.ts'
import { trainTrees } from './trees/train-trees.ts'

export interface FeatureTrainCommand {
  in: string
  out: string
  /** `rul` or `failures`. */
  kind: string
  time?: string
  unit?: string
  label?: string
  seed: number
}

/** Answers what was made; a missing flag or unknown kind is Fault 'config.invalid'. */
export async function trainFeatureModel(command: FeatureTrainCommand): Promise<string> {
  const { in: file, out, seed } = command
  const unitColumn = need(command.unit, '--unit')
  const timeColumn = need(command.time, '--time')
  const common = { in: file, out, unitColumn, timeColumn, seed }
  if (command.kind === 'rul') return sayLife(out, await trainLife(common))
  if (command.kind !== 'failures')
    throw wrong(`--kind ${command.kind}: unknown kind, there are rul and failures`)
  const { manifest } = await trainTrees({ ...common, labelColumn: need(command.label, '--label') })
  const { classes, training, metrics } = manifest
  const right = ((metrics.cvAccuracy ?? 0) * 100).toFixed(1)
  return `${out}: ${classes.length} states, ${training.units} cycles, ${right} % right on held-out blocks`
}

function sayLife(out: string, { manifest }: Awaited<ReturnType<typeof trainLife>>): string {
  const { training, metrics, kind } = manifest
  const seen = `${out}: ${training.units} histories, ${training.rows} steps`
  if (kind === 'health-index')
    return `${seen}; too few for remaining life (20 are needed): a health index without a number of hours`
  const error = (metrics.cvRMSE ?? 0).toPrecision(4)
  const coverage = ((metrics.coverage90 ?? 0) * 100).toFixed(1)
  return `${seen}; error on held-out units ${error}, interval holds ${coverage} %`
}

function need(value: string | undefined, flag: string): string {
  if (value === undefined) throw wrong(`${flag} is needed with --kind`)
  return value
}

const wrong = (problem: string) => new Fault('config.invalid', { count: 1, problems: problem })

export interface FeatureScoreCommand {
  model: string
  in: string
  out: string
  time?: string
  unit?: string
}

const LIFE_KINDS = ['remaining-life', 'health-index']
/** Kinds of model that are scored by unit, not row by row. */
export const FEATURE_KINDS: readonly string[] = [...LIFE_KINDS, 'labelled-failures']

/** Answers what was found. */
export async function scoreFeatureModel(
  kind: string,
  command: FeatureScoreCommand,
): Promise<string> {
  const options = { ...command, unitColumn: command.unit, timeColumn: command.time }
  if (LIFE_KINDS.includes(kind)) {
    const { units, unknown } = await scoreLife(options)
    return `${command.out}: ${units} units, ${unknown} with too little data`
  }
  const { cycles, unknown } = await scoreTrees(options)
  return `${command.out}: ${cycles} cycles, ${unknown} with too little data`
}
