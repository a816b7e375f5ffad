/** The process in which an uploaded model is tried: it may hang, crash or eat memory there, and nowhere else. */
import { calibrateExternal } from '../../models/external/calibrate-external.ts'
import type { LifeUpload } from '../../models/external/life-upload.ts'
import { type TriedLife, tryLife } from '../../models/external/try-life.ts'
import { runBackTest } from '../../models/train/back-test.ts'
import type { Life } from '../../models/train/rul/life-features.ts'
import type { Table } from '../../models/train/table.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import type { PlannedWork } from '../store/planned-work.ts'
import type { ExternalManifest } from './external-manifest.ts'
import type { TrainingOutcome } from './training-thread.ts'

export interface DryRunOrder {
  manifest: ExternalManifest
  bytes: Uint8Array
  normal: Table
  /** The newest history, as it was. */
  history: Table
  /** Planned maintenance in that history. */
  work: readonly PlannedWork[]
}

export interface LifeOrder {
  upload: LifeUpload
  bytes: Uint8Array
  /** The machine since its first reading, as steps. */
  life: Life
}

export type DryRunNews =
  | { outcome: TrainingOutcome | TriedLife }
  | { fault: Pick<Fault, 'code' | 'detail'> }
  | { problem: string }

/** A page lists no more. */
const MAX_ALARMS = 500
const toBytes = (value: object) => new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`)

async function tryModel({ manifest: given, ...order }: DryRunOrder): Promise<TrainingOutcome> {
  const { tags, outputs, notes, ...rest } = given
  const units = tags.flatMap(({ name, unit }) => (unit === undefined ? [] : [[name, unit]]))
  const { bytes, manifest, card, golden } = await calibrateExternal(
    {
      ...{ ...rest, bytes: order.bytes, score: outputs?.score },
      ...{ tags: tags.map(({ name }) => name), units: Object.fromEntries(units) },
    },
    order.normal,
  )
  const found = await runBackTest({ manifest, bytes }, order.history, { work: order.work })
  const { alarms, alarmsPerWeek = null } = found
  const backTest = { ...found, alarmsPerWeek, alarms: alarms.slice(-MAX_ALARMS) }
  const files = {
    'model.onnx': bytes,
    'manifest.json': toBytes(manifest),
    'card.md': new TextEncoder().encode(notes ? `${card}\n${notes}\n` : card),
    'golden.json': toBytes(golden),
    'backtest.json': toBytes(backTest),
  }
  return { versions: [{ manifest, files }], backTest }
}

// Whoever asked is gone: so is the question.
process.once('disconnect', () => process.exit(1))
process.once('message', (order: DryRunOrder | LifeOrder) => {
  const tell = (news: DryRunNews) => process.send?.(news)
  const trial = 'life' in order ? tryLife(order, order.life) : tryModel(order)
  trial.then(
    (outcome) => tell({ outcome }),
    (error: unknown) => tell(nameProblem(error)),
  )
})

function nameProblem(error: unknown): DryRunNews {
  if (error instanceof Fault) return { fault: { code: error.code, detail: error.detail } }
  return { problem: error instanceof Error ? error.message : String(error) }
}
