/** A made-up plant for tests: tags that follow two loads, as a table in memory, and a short way to train and score it. */
import { createRandom } from './golden.ts'
import { decodeNormal } from './normal-rows.ts'
import { type ScoredModel, scoreTable } from './score-table.ts'
import type { Table } from './table.ts'
import type { TableOptions } from './train-options.ts'
import { trainTable } from './train-table.ts'

export interface PlantOptions {
  rows: number
  seed: number
  tags?: number
  /** Changes a clean value. */
  change?: (value: number, row: number, tag: number) => number
  /** Added to both loads. */
  load?: (row: number) => number
}

export const START = 1_700_000_000_000

/** One row a second; every tag is a mix of the loads and noise of its own. */
export function createPlant({ rows, seed, tags = 5, change, load }: PlantOptions): Table {
  const random = createRandom(seed)
  const noise = () => random() + random() + random() - 1.5
  const columns = Array.from({ length: tags }, () => new Float64Array(rows))
  let one = 0
  let two = 0
  for (let row = 0; row < rows; row++) {
    one = 0.8 * one + noise()
    two = 0.5 * two + noise()
    const more = load?.(row) ?? 0
    columns.forEach((column, tag) => {
      const mixed = (one + more) * (tag + 1) + (two + more) * (tags - tag)
      const value = 50 * (tag + 1) + mixed + 0.6 * noise()
      column[row] = change ? change(value, row, tag) : value
    })
  }
  const names = columns.map((_, tag) => `t${tag}`)
  const at = Float64Array.from({ length: rows }, (_, row) => START + row * 1000)
  return { file: 'plant', names, at, columns, rows }
}

export async function trainPlant(
  table: Table,
  options: Partial<TableOptions> = {},
): Promise<ScoredModel> {
  const { manifest, bytes, normal } = await trainTable(table, {
    name: 'plant',
    seed: 1,
    ...options,
  })
  return { manifest, bytes, ...(normal ? { normal: await decodeNormal(normal, manifest) } : {}) }
}

/** The alarm of every row. */
export async function alarmsOf(model: ScoredModel, table: Table): Promise<boolean[]> {
  return (await scoreTable(model, table)).alarms
}

export const shareOf = (rows: readonly boolean[]): number =>
  rows.filter(Boolean).length / rows.length
