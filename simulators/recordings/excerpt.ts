/** Cuts the shipped excerpts out of the full hydraulic test rig data set (see README.md beside this file). */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { gunzipSync, gzipSync } from 'node:zlib'
import { sensorNames } from './sensors.ts'

/** Rows of the data set, first and last, both included. Rows without labels in profile.txt are left out. */
type RowRange = readonly [first: number, last: number]

interface Condition {
  /** Cooler efficiency, %. */
  cooler: number
  /** Accumulator pre-charges admitted, bar. */
  accumulator: readonly number[]
}

interface Excerpt {
  file: string
  condition: Condition
  rows: readonly RowRange[]
}

/**
 * Every row has valve 100 % and pump leakage 0. The rig was warm and steady in all healthy rows
 * (mean TS1 35.3 to 36.4 °C, PS4 settled at 10 bar): a model of the normal rows must not take the
 * replayed ones for strange. Earlier healthy rows are left out: PS4 still wanders between 0 and 10 bar there.
 */
export const excerpts: readonly Excerpt[] = [
  {
    file: 'normal.csv.gz',
    condition: { cooler: 100, accumulator: [90, 100, 115, 130] },
    rows: [
      [1665, 1673],
      [1756, 1756],
      [1787, 1788],
      [1925, 1938],
      [2022, 2022],
      [2053, 2072],
      [2155, 2155],
      [2186, 2203],
    ],
  },
  {
    file: 'healthy.csv.gz',
    condition: { cooler: 100, accumulator: [115, 130] },
    rows: [[1790, 1806]],
  },
  {
    file: 'cooler-reduced.csv.gz',
    condition: { cooler: 20, accumulator: [130] },
    rows: [[932, 941]],
  },
  // The oil heats up through these rows, from 47 to 52 °C: they go on where the reduced ones are.
  { file: 'cooler-failed.csv.gz', condition: { cooler: 3, accumulator: [130] }, rows: [[17, 60]] },
]

/** Pressures, power and flows of the data set come reduced from 100 Hz and 10 Hz to 1 Hz. */
function sourceFile(sensor: string): string {
  return /^(PS|EPS|FS)/.test(sensor) ? `${sensor}_1hz.txt.gz` : `${sensor}.txt.gz`
}

/** The labelled rows of an excerpt; throws RangeError when a label says otherwise than the table. */
export function selectRows(profile: readonly string[], { condition, rows }: Excerpt): number[] {
  const selected: number[] = []
  for (const [first, last] of rows) {
    for (let row = first; row <= last; row++) {
      const [cooler, valve, pump, accumulator] = (profile[row] ?? '').split(/\s+/).map(Number)
      if (cooler === undefined || Number.isNaN(cooler)) continue
      const isMeant =
        cooler === condition.cooler &&
        valve === 100 &&
        pump === 0 &&
        condition.accumulator.includes(accumulator ?? Number.NaN)
      if (!isMeant) throw new RangeError(`row ${row} is labelled ${profile[row]}`)
      selected.push(row)
    }
  }
  return selected
}

/** One CSV of whole cycles: a header, then 60 lines of one second each per row. */
export function formatExcerpt(
  table: ReadonlyMap<string, readonly string[]>,
  rows: number[],
): string {
  const lines = [sensorNames.join(',')]
  for (const row of rows) {
    const columns = sensorNames.map((name) => (table.get(name)?.[row] ?? '').trim().split(/\s+/))
    for (let second = 0; second < 60; second++) {
      const cells = columns.map((column) => Number(column[second]))
      if (cells.some(Number.isNaN)) throw new RangeError(`row ${row} has a hole at ${second} s`)
      lines.push(cells.map((value) => Number(value.toFixed(3))).join(','))
    }
  }
  return `${lines.join('\n')}\n`
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { from: { type: 'string' }, to: { type: 'string' } } })
  if (!values.from) {
    console.error('usage: node simulators/recordings/excerpt.ts --from DIR [--to DIR]')
    process.exit(2)
  }
  const to = values.to ?? join(import.meta.dirname, 'hydraulic')
  await mkdir(to, { recursive: true })
  const profile = (await readFile(join(values.from, 'profile.txt'), 'utf8')).split('\n')
  const table = new Map<string, string[]>()
  for (const name of sensorNames) {
    const packed = await readFile(join(values.from, sourceFile(name)))
    table.set(name, gunzipSync(packed).toString('utf8').split('\n'))
  }
  for (const excerpt of excerpts) {
    const rows = selectRows(profile, excerpt)
    const packed = gzipSync(formatExcerpt(table, rows), { level: 9 })
    await writeFile(join(to, excerpt.file), packed)
    console.log(`${excerpt.file}: ${rows.length} cycles, ${packed.length} bytes`)
  }
}

if (import.meta.main) await main()
