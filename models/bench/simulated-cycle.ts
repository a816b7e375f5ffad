/** A simulated press-like machine: a load cycle of a minute with three phases, in each of which tags go together otherwise. */
import { createRandom } from '../train/golden.ts'
import type { Table } from '../train/table.ts'

const START = 1_700_000_000_000

const PHASES = [
  { until: 24, flow: 10, pressure: 5, power: 2, position: 0, gain: 0.5 },
  { until: 45, flow: 80, pressure: 160, power: 45, position: 50, gain: 3 },
  { until: 60, flow: 40, pressure: 60, power: 20, position: 100, gain: -1.5 },
] as const

export interface CyclicPlantOptions {
  seed: number
  rows: number
  /** Changes a clean value; `phase` is 0 to 2. */
  change?: (value: number, tag: number, phase: number) => number
}

/** One row a second; flow and pressure rise together in two phases, one falls with the other in the third. */
export function createCyclicPlant({ seed, rows, change }: CyclicPlantOptions): Table {
  const random = createRandom(seed)
  const noise = () => random() + random() + random() - 1.5
  const names = ['flow', 'pressure', 'power', 'heat', 'position']
  const columns = names.map(() => new Float64Array(rows))
  let load = 0
  for (let row = 0; row < rows; row++) {
    load = 0.7 * load + noise()
    const phase = PHASES.findIndex(({ until }) => row % 60 < until)
    const { flow, pressure, power, position, gain } = PHASES[phase] ?? PHASES[0]
    const values = [
      flow + load,
      pressure + gain * load,
      power + Math.abs(gain) * load,
      40 + 2 * phase,
      position + 0.4 * noise(),
    ]
    values.forEach((value, tag) => {
      const own = value + 0.15 * noise()
      columns[tag]?.fill(change ? change(own, tag, phase) : own, row, row + 1)
    })
  }
  const at = Float64Array.from({ length: rows }, (_, row) => START + row * 1000)
  return { file: 'press', names, at, columns, rows }
}
