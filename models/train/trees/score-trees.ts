/** Says the state of every cycle of a table, with the share of belief in each. */
import { writeText } from '../csv-text.ts'
import { openFeatureSession } from '../feature-session.ts'
import { readCycles } from './cycles.ts'
import { readTreeFolder } from './tree-manifest.ts'

/** With a larger share of the features missing nothing is said. */
const MAX_MISSING_SHARE = 0.5

export interface ScoreTreesOptions {
  model: string
  in: string
  out: string
  /** Where the columns have other names than in training. */
  unitColumn?: string
  timeColumn?: string
}

export interface ScoreTreesResult {
  cycles: number
  /** Cycles with too little data. */
  unknown: number
}

/** Writes `unit,state,share` and one column of shares per state; empty where nothing can be said. */
export async function scoreTrees(options: ScoreTreesOptions): Promise<ScoreTreesResult> {
  const { manifest, bytes } = await readTreeFolder(options.model)
  const { classes, tags, parts, input } = manifest
  const { units, table } = await readCycles({
    file: options.in,
    unit: options.unitColumn ?? manifest.unitColumn,
    time: options.timeColumn ?? manifest.timeColumn,
    tags,
    parts,
  })
  const outputs = [manifest.outputs.shares ?? '']
  await using session = await openFeatureSession({ bytes, input, outputs })
  const [shares = new Float32Array()] = await session.run(table.values, table.rows)
  let unknown = 0
  const lines = units.map((unit, row) => {
    const own = table.values.subarray(row * table.width, (row + 1) * table.width)
    const missing = own.filter((value) => Number.isNaN(value)).length
    if (missing > MAX_MISSING_SHARE * table.width) {
      unknown++
      return [unit, '', '', ...classes.map(() => '')]
    }
    const said = shares.subarray(row * classes.length, (row + 1) * classes.length)
    const best = said.indexOf(Math.max(...said))
    const figures = Array.from(said, (share) => share.toFixed(4))
    return [unit, classes[best] ?? '', figures[best] ?? '', ...figures]
  })
  const head = ['unit', 'state', 'share', ...classes.map((name) => `share ${name}`)]
  const text = [head, ...lines].map((cells) => cells.map(quote).join(',')).join('\n')
  await writeText(options.out, `${text}\n`)
  return { cycles: units.length, unknown }
}

const quote = (text: string): string =>
  /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
