/** The benchmark of the models: the public recordings, and training and scoring of a made-up plant. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isFault } from '../../protocol/kit/fault.ts'
import { benchBatadal, benchNab, benchSkab, benchTep } from './bench-detection.ts'
import { benchDrift, type DriftFigures } from './bench-drift.ts'
import { benchHealthy } from './bench-healthy.ts'
import { benchRul } from './bench-rul.ts'
import { benchScoring, type ScoringFigures } from './bench-scoring.ts'
import { benchTraining, type TrainingFigures, trainSynthetic } from './bench-training.ts'
import { benchTrees } from './bench-trees.ts'

/** Scoring is measured with a model of so many tags. */
const SCORED_TAGS = 20

/** What each set's figures are called; all but these two parts need the public recordings. */
const sets = {
  skab: benchSkab,
  tep: benchTep,
  batadal04: benchBatadal,
  nab: benchNab,
  cmapss: async () => {
    const { cmapss, ...beside } = await benchRul()
    return { ...cmapss, ...beside }
  },
  hydraulic: async () => {
    const { hydraulic, ...beside } = await benchTrees()
    return { ...hydraulic, ...beside }
  },
  healthyRig: benchHealthy,
} satisfies Record<string, (dir: string) => Promise<object>>

export interface ModelFigures extends DriftFigures {
  train: TrainingFigures
  score: ScoringFigures
  /** Figures of a set by its name, where its recordings are there. */
  [set: string]: object
}

/** Takes a few minutes; a set whose recordings are missing says so in its place. */
export async function benchModels(): Promise<ModelFigures> {
  const dir = await mkdtemp(join(tmpdir(), 'mimamori-bench-'))
  try {
    const train = await benchTraining(dir)
    const score = await benchScoring(await trainSynthetic(dir, SCORED_TAGS))
    const figures: Record<string, object> = {}
    for (const [name, bench] of Object.entries(sets)) figures[name] = await figuresOf(bench, dir)
    return { ...figures, ...(await benchDrift()), train, score }
  } finally {
    await rm(dir, { recursive: true })
  }
}

async function figuresOf(bench: (dir: string) => Promise<object>, dir: string): Promise<object> {
  try {
    return await bench(dir)
  } catch (error) {
    if (isFault(error, 'bench.no-data')) return { missing: error.message }
    throw error
  }
}
