/** What a training is asked for and what it answers. */
import { setImmediate } from 'node:timers/promises'
import type { Log } from '../../protocol/kit/log.ts'
import type { Manifest } from '../manifest.ts'
import type { Folder } from './model-folder.ts'

export interface TableOptions {
  /** Of the model. */
  name: string
  /** Grid step; found from the time column when left out. */
  periodMs?: number
  seed: number
  /** Live step per tag, in the tag's unit, where it is coarser than the file's. */
  resolution?: Readonly<Record<string, number>>
  /**
   * How far live rows are torn: 0 (default) when all tags are sampled together and on time as in the file, 1 when any
   * value may be one row off.
   */
  timing?: number
  /** Tags that stay although they drift slowly: a person knows that their level matters. */
  keep?: readonly string[]
  /** Also trains a one-tag detector of the tags that were set aside, into the folder `drifting` inside `out`. */
  drifting?: boolean
  units?: Readonly<Record<string, string>>
  /** Said in the card under "Data". */
  notes?: string
  log?: Log
}

export interface TrainOptions extends Omit<TableOptions, 'name'> {
  /** Table of normal operation, `.csv`, `.csv.gz` or `.parquet`. */
  in: string
  /** Folder to write, made when it is not there; its name is the model's when none is given. */
  out: string
  timeColumn?: string
  /** Column of the operating mode: a model for each of its values. */
  modeColumn?: string
  /** Also a model for each phase of a cyclic machine, where that is worth it. */
  phases?: boolean
  name?: string
}

/** Who watches a training, and may stop it. */
export interface TrainRun {
  /** What is done now, in words, and how much of the whole is done, 0 to 1. */
  onProgress?: (phase: string, fraction: number) => void
  signal?: AbortSignal
}

/** Says where the training is and lets others have the thread; throws the signal's reason when it has been stopped. */
export async function reportPhase(run: TrainRun, phase: string, fraction: number): Promise<void> {
  run.onProgress?.(phase, fraction)
  await setImmediate()
  run.signal?.throwIfAborted()
}

export interface TrainedFolder extends Folder {
  /** Largest difference between the written graph and the trainer, relative above 1. */
  difference: number
}

export interface TrainedTable extends TrainedFolder {
  /** The model of the tags that were set aside, where one was asked for and could be trained. */
  drifting?: TrainedFolder
}

export interface TrainResult {
  manifest: Manifest
  /** Largest difference between the written graph and the trainer, relative above 1. */
  difference: number
  /** The model of the tags that were set aside, where one was asked for and could be trained. */
  drifting?: TrainResult
}
