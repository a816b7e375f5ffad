/** The thread that trains: fitting blocks whoever calls it for seconds, so nobody else lives here. */
import { parentPort } from 'node:worker_threads'
import { runBackTest } from '../../models/train/back-test.ts'
import { decodeNormal, NORMAL_FILE } from '../../models/train/normal-rows.ts'
import type { Table } from '../../models/train/table.ts'
import type { TrainedFolder } from '../../models/train/train-options.ts'
import { trainTable } from '../../models/train/train-table.ts'
import type { BackTest } from '../../protocol/api-models.ts'
import type {
  TrainedVersion,
  TrainingNews,
  TrainingOrder,
  TrainingOutcome,
} from './training-thread.ts'

/** Share of the progress that fitting takes; the rest is the back-test. */
const FIT_SHARE = 0.8
/** A page lists no more; a model that alarms more often is not deployed anyway. */
const MAX_ALARMS = 500

const tell = (news: TrainingNews) => parentPort?.postMessage(news)

async function train(order: TrainingOrder): Promise<TrainingOutcome> {
  const trained = await trainTable(order.table, order.options, {
    onProgress: (phase, share) => tell({ phase, progress: share * FIT_SHARE }),
  })
  const backTest = await backTestModel(trained, order.history)
  const versions = [asVersion(trained, { 'backtest.json': toBytes(backTest) })]
  if (trained.drifting) versions.push(asVersion(trained.drifting, {}))
  return { versions, backTest }
}

/** As live: an empty cell is filled with what the other tags let expect, and the model stays as it is. */
async function backTestModel(
  { manifest, bytes, normal: kept }: TrainedFolder,
  history: Table,
): Promise<BackTest> {
  const phase = 'back-test on history'
  const onProgress = (_: string, share: number) =>
    tell({ phase, progress: FIT_SHARE + share * (1 - FIT_SHARE) })
  onProgress(phase, 0)
  const normal = kept && (await decodeNormal(kept, manifest))
  const model = { manifest, bytes, normal, keepSteps: true }
  const found = await runBackTest(model, history, { onProgress })
  const { alarms, alarmsPerWeek = null } = found
  return { ...found, alarmsPerWeek, alarms: alarms.slice(-MAX_ALARMS) }
}

function asVersion(
  { manifest, bytes, card, golden, normal }: TrainedFolder,
  more: Record<string, Uint8Array>,
): TrainedVersion {
  const files = {
    'model.onnx': bytes,
    'manifest.json': toBytes(manifest),
    'card.md': new TextEncoder().encode(card),
    'golden.json': toBytes(golden),
    ...(normal && { [NORMAL_FILE]: normal }),
    ...more,
  }
  return { manifest, files }
}

function toBytes(value: object): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`)
}

parentPort?.on('message', (order: TrainingOrder) => {
  train(order).then(
    (outcome) => tell({ outcome }),
    (error: unknown) => tell({ problem: error instanceof Error ? error.message : String(error) }),
  )
})
