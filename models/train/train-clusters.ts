/** Trains models of the phases of a cyclic machine beside its model of all operation; they can only add to what it says. */
import { sha256Hex } from '../manifest.ts'
import { choosePhases, keepPhase } from './choose-clusters.ts'
import { SCORE_ROWS } from './detector.ts'
import { findSegments } from './grid.ts'
import { encodeManifest } from './model-folder.ts'
import { decodeNormal } from './normal-rows.ts'
import { createRefusal } from './prepare.ts'
import type { Table } from './table.ts'
import type { TableOptions, TrainedFolder, TrainedTable, TrainRun } from './train-options.ts'
import { trainSource, trainTable } from './train-table.ts'

/** Two models that may alarm alarm more often than one for nothing: those of the phases are asked a tenth more. */
const MARGIN = 1.1

/** As `trainTable`; where the machine has no phases that are worth it, the same folder. */
export async function trainClusters(
  table: Table,
  options: TableOptions,
  run: TrainRun = {},
): Promise<TrainedTable> {
  const whole = await trainTable(table, options, run)
  const { manifest, normal } = whole
  if (manifest.kind !== 'multivariate' || !normal) return whole
  const rows = await decodeNormal(normal, manifest)
  const lags = manifest.windowRows - SCORE_ROWS
  const resolutions = Float64Array.from(manifest.tags, ({ step }) => step ?? 0)
  const phases = await choosePhases(rows, { manifest, lags, resolutions, run })
  if (!phases) return whole
  const trained: TrainedFolder[] = []
  for (const phase of phases.centers.keys()) {
    const own = keepPhase(rows, phases, { phase, windowRows: manifest.windowRows })
    const segments = findSegments(own)
    const complete = segments.reduce((sum, [from, to]) => sum + to - from, 0)
    const names = manifest.tags.map(({ name }) => name)
    const prepared = { rows: own, segments, complete, names, resolutions }
    const source = {
      together: { ...prepared, from: manifest.training.from },
      ...{ maxLags: lags, margin: MARGIN, refuse: createRefusal(table) },
      isOwn: (end: number) => phases.phaseOf.get(end) === phase,
    }
    const name = `${options.name}-phase-${phase + 1}`
    trained.push(await trainSource(source, { ...options, name, drifting: false }, run))
  }
  return joinClusters(whole, phases.centers, trained)
}

function joinClusters(
  whole: TrainedTable,
  centers: readonly Float64Array[],
  trained: readonly TrainedFolder[],
): TrainedTable {
  const folderOf = (place: number) => `clusters/${place + 1}`
  const clusters = {
    centers: centers.map((center) => [...center]),
    known: trained.map(({ manifest }, place) => ({
      ...{ rows: manifest.training.rows, threshold: manifest.threshold, folder: folderOf(place) },
      manifest: sha256Hex(encodeManifest(manifest)),
    })),
  }
  const lines = clusters.known.map(
    ({ rows, threshold }, i) => `| ${i + 1} | ${rows} | ${threshold.toPrecision(5)} |`,
  )
  const card = [
    ...[
      '',
      '## Phases',
      '',
      'Found without a tag: each has a model beside the one of all operation.',
    ],
    'A window is looked at by the one above and by that of its phase; the larger ratio counts.',
    ...['', '| phase | rows | threshold |', '|---|---|---|', ...lines, ''],
  ]
  return {
    ...whole,
    manifest: { ...whole.manifest, clusters },
    card: `${whole.card}${card.join('\n')}`,
    inner: Object.fromEntries(trained.map((one, place) => [folderOf(place), one])),
  }
}
