/** The benchmark of the models: detection on the public recordings, training and scoring on a made-up plant. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { benchDetection, type DetectionFigures } from './bench-detection.ts'
import { benchScoring, type ScoringFigures } from './bench-scoring.ts'
import { benchTraining, type TrainingFigures, trainSynthetic } from './bench-training.ts'
import { findRecordings, NO_RECORDINGS } from './recordings.ts'

/** Scoring is measured with a model of so many tags. */
const SCORED_TAGS = 20

export interface ModelFigures extends Partial<DetectionFigures> {
  /** Why the recordings' figures are missing. */
  missing?: string
  train: TrainingFigures
  score: ScoringFigures
}

/** Takes about half a minute. */
export async function benchModels(): Promise<ModelFigures> {
  const folder = findRecordings()
  const onRecordings = folder ? await benchDetection(folder) : { missing: NO_RECORDINGS }
  const dir = await mkdtemp(join(tmpdir(), 'mimamori-bench-'))
  try {
    const train = await benchTraining(dir)
    const score = await benchScoring(await trainSynthetic(dir, SCORED_TAGS))
    return { ...onRecordings, train, score }
  } finally {
    await rm(dir, { recursive: true })
  }
}
