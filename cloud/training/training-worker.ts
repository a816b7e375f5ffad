/** The thread that trains: fitting blocks whoever calls it for seconds, so nobody else lives here. */
import { parentPort } from 'node:worker_threads'
import { parseModeModels } from '../../models/inner-models.ts'
import { sha256Hex } from '../../models/manifest.ts'
import { runBackTest } from '../../models/train/back-test.ts'
import { encodeManifest, type Folder } from '../../models/train/model-folder.ts'
import { decodeNormal, NORMAL_FILE } from '../../models/train/normal-rows.ts'
import { openModes } from '../../models/train/scored-folder.ts'
import { trainModes } from '../../models/train/train-modes.ts'
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
  const { table, options } = order
  const run = {
    onProgress: (phase: string, share: number) => tell({ phase, progress: share * FIT_SHARE }),
  }
  const { modeTag } = options
  const trained =
    modeTag === undefined
      ? await trainTable(table, options, run)
      : await trainModes(table, { ...options, modeTag }, run)
  const backTest = await backTestModel(trained, order)
  const versions = [asVersion(trained, { 'backtest.json': toBytes(backTest) })]
  if (trained.drifting) versions.push(asVersion(trained.drifting, {}))
  return { versions, backTest }
}

/** As live: an empty cell is filled with what the other tags let expect, and the model stays as it is. */
async function backTestModel(
  trained: TrainedFolder,
  { history, work }: TrainingOrder,
): Promise<BackTest> {
  const { manifest, bytes, normal: kept } = trained
  const phase = 'back-test on history'
  const onProgress = (_: string, share: number) =>
    tell({ phase, progress: FIT_SHARE + share * (1 - FIT_SHARE) })
  onProgress(phase, 0)
  const normal = kept && (await decodeNormal(kept, manifest))
  const model = { manifest, bytes, normal, keepSteps: true, modes: await openTrained(trained) }
  const found = await runBackTest(model, history, { onProgress, work })
  const { alarms, alarmsPerWeek = null } = found
  return { ...found, alarmsPerWeek, alarms: alarms.slice(-MAX_ALARMS) }
}

async function openTrained(trained: TrainedFolder) {
  const { manifest, bytes, normal } = trained
  const own = { manifest, bytes, sha256: sha256Hex(bytes), normal }
  const models = parseModeModels(own, filesOf(trained), manifest.name)
  return models && (await openModes(models))
}

function asVersion(trained: TrainedFolder, more: Record<string, Uint8Array>): TrainedVersion {
  return { manifest: trained.manifest, files: { ...filesOf(trained), ...more } }
}

/** As they lie in the folder, those of other modes in folders inside of it. */
function filesOf({ manifest, bytes, card, golden, normal, inner = {} }: Folder) {
  const files: Record<string, Uint8Array> = {
    'model.onnx': bytes,
    'manifest.json': encodeManifest(manifest),
    'card.md': new TextEncoder().encode(card),
    'golden.json': toBytes(golden),
    ...(normal && { [NORMAL_FILE]: normal }),
  }
  for (const [folder, own] of Object.entries(inner))
    for (const [name, content] of Object.entries(filesOf(own))) files[`${folder}/${name}`] = content
  return files
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
