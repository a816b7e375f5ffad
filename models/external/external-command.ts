/** `mimamori train --onnx FILE`: a model that was trained elsewhere, calibrated on a table of normal operation. */
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { Fault } from '../../protocol/kit/fault.ts'
import { findPeriod } from '../train/grid.ts'
import { writeFolder } from '../train/model-folder.ts'
import { readTable } from '../train/table.ts'
import { calibrateExternal } from './calibrate-external.ts'

export interface ExternalCommand {
  in: string
  out: string
  time?: string
  /** Seconds. */
  period?: number
  /** The ONNX file; its features are the columns of the table, in their order. */
  onnx: string
  /** Name of the output that is the score. */
  score?: string
  /** A low score is the abnormal one. */
  low?: boolean
  /** Place of the score in a row of that output, the first is 0; the last when left out. */
  column?: number
  /** Rows of a window, where the file leaves them open. */
  windowRows?: number
}

/** Answers what was made; Fault 'model.bad-file' says what is wrong with the model. */
export async function externalCommand(command: ExternalCommand): Promise<string> {
  const table = await readTable(command.in, { time: command.time })
  const periodMs = command.period === undefined ? findPeriod(table) : command.period * 1000
  const bytes = await readOnnx(command.onnx)
  const folder = await calibrateExternal(
    {
      bytes,
      name: basename(command.out),
      tags: table.names,
      periodMs,
      score: command.score,
      column: command.column,
      windowRows: command.windowRows,
      abnormal: command.low ? 'low' : 'high',
    },
    table,
  )
  await writeFolder(command.out, folder)
  const { tags, training, threshold } = folder.manifest
  return `${command.out}: ${tags.length} tags, calibrated on ${training.rows} windows, threshold ${threshold.toPrecision(4)} above the usual score`
}

async function readOnnx(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file)
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    throw new Fault('model.bad-file', { file, problem }, { cause: error })
  }
}
