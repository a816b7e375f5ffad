/** A made-up machine with operating modes: the same tags go together in another way, and stand elsewhere, in each. */
import { createRandom } from './golden.ts'
import { START } from './plant.fixture.ts'
import type { Table } from './table.ts'

export interface ModePlantOptions {
  seed: number
  /** Mode and how many rows, one after another. */
  visits: readonly (readonly [string, number])[]
  /** Changes a clean value. */
  change?: (value: number, row: number, tag: number) => number
}

/** Flow, pressure, power and heat; pressure falls with the flow in "2" and rises with it elsewhere; "0" rests. */
export function createModePlant({ seed, visits, change }: ModePlantOptions): Table {
  const random = createRandom(seed)
  const noise = () => random() + random() + random() - 1.5
  const modes = visits.flatMap(([mode, rows]) => new Array<string>(rows).fill(mode))
  const names = ['flow', 'pressure', 'power', 'heat']
  const columns = names.map(() => new Float64Array(modes.length))
  let load = 0
  modes.forEach((mode, row) => {
    load = 0.8 * load + noise()
    const rest = mode === '0' ? 0.02 : 1
    const level = mode === '0' ? 0 : mode === '2' ? 60 : 30
    const flow = level + rest * load
    const pressure = mode === '2' ? 20 - 2 * load : level / 10 + 2 * rest * load
    const values = [flow, pressure, level * 2 + rest * 3 * load, 40 + level / 3 + rest * load]
    values.forEach((value, tag) => {
      const own = value + 0.1 * noise()
      columns[tag]![row] = change ? change(own, row, tag) : own
    })
  })
  const at = Float64Array.from(modes, (_, row) => START + row * 1000)
  return { file: 'machine', names, at, columns, modes, rows: modes.length }
}

/** So many turns through rest, slow and fast, a minute and more each. */
export function createVisits(turns: number): [string, number][] {
  return Array.from({ length: turns }, (_, turn): [string, number][] => [
    ['0', 70 + (turn % 3)],
    ['1', 120],
    ['2', 90 + (turn % 5)],
  ]).flat()
}
