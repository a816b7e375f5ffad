/** Trains detectors on a file of normal operation and writes their folders: model, manifest, card, golden vectors. */
import { rm } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { writeFolder } from './model-folder.ts'
import { readTable } from './table.ts'
import type { TrainOptions, TrainResult, TrainRun } from './train-options.ts'
import { trainTable } from './train-table.ts'

/** Throws Fault 'table.invalid', 'model.not-trainable' or 'model.unfaithful'; same input, same bytes. */
export async function runTrain(options: TrainOptions, run: TrainRun = {}): Promise<TrainResult> {
  const table = await readTable(options.in, options.timeColumn)
  const name = options.name ?? basename(options.out)
  const { drifting, ...together } = await trainTable(table, { ...options, name }, run)
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
