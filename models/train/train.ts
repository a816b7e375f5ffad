/** Trains detectors on a file of normal operation and writes their folders: model, manifest, card, golden vectors. */
import { rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { holdMsOf } from '../modes.ts'
import { findPeriod } from './grid.ts'
import { holdModes } from './mode-rows.ts'
import { writeFolder } from './model-folder.ts'
import { readTable, type Table } from './table.ts'
import { trainClusters } from './train-clusters.ts'
import { trainModes } from './train-modes.ts'
import type { TrainedTable, TrainOptions, TrainResult, TrainRun } from './train-options.ts'
import { trainTable } from './train-table.ts'

/** Throws Fault 'table.invalid', 'model.not-trainable' or 'model.unfaithful'; same input, same bytes. */
export async function runTrain(options: TrainOptions, run: TrainRun = {}): Promise<TrainResult> {
  const { timeColumn: time, modeColumn: mode } = options
  const table = await readTable(options.in, { time, mode })
  const { drifting, ...trained } = await trainRead(table, options, run)
  // What is asked for by name here must be found again by whoever scores without asking.
  const named = time === undefined ? {} : { timeColumn: time }
  const together = { ...trained, manifest: { ...trained.manifest, ...named } }
  await writeFolder(options.out, together)
  const { manifest, difference } = together
  options.log?.info(
    { out: options.out, threshold: manifest.threshold, difference },
    'model written',
  )
  if (!options.drifting) return { manifest, difference }
  const out = join(options.out, 'drifting')
  await rm(out, { recursive: true, force: true })
  if (!drifting) return { manifest, difference }
  await writeFolder(out, drifting)
  return { manifest, difference, drifting }
}

async function trainRead(
  table: Table,
  options: TrainOptions,
  run: TrainRun,
): Promise<TrainedTable> {
  const { modeColumn: modeTag, name = basename(options.out) } = options
  if (options.phases) return await trainClusters(table, { ...options, name }, run)
  if (modeTag === undefined) return await trainTable(table, { ...options, name }, run)
  const periodMs = options.periodMs ?? findPeriod(table)
  const held = holdModes(table, holdMsOf(periodMs), periodMs)
  return await trainModes(held, { ...options, name, modeTag }, run)
}
