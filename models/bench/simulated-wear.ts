/** A simulated chiller in accelerated time: weeks of normal operation and slow wear up to the failure, as tables. */

import { createSeededRandom } from '../../simulators/kit/seeded-random.ts'
import { createChillerState, nextChillerState } from '../../simulators/machines/chiller-model.ts'
import {
  createWearState,
  instrumentNames,
  nextWearState,
  startWear,
  type WearKind,
  wearKinds,
} from '../../simulators/machines/chiller-wear.ts'
import type { Table } from '../train/table.ts'

const MINUTE_MS = 60_000
const MINUTES_A_DAY = 1440

export interface SimulatedMachine {
  kind: WearKind
  /** The instrument that shows the cause, as the simulator names it. */
  culprit: string
  /** Normal operation to train on. */
  normal: Table
  /** More normal operation, then wear until the machine's own protection stops it. */
  live: Table
  /** Rows of `live` at which wear began and the machine failed. */
  wearRow: number
  failureRow: number
}

export interface SimulationDays {
  train: number
  /** Normal days before the wear. */
  calm: number
  /** Days from new to the failure, at least and at most; the seed chooses. */
  wear: readonly [number, number]
}

/** One row a minute, the machine stepped by seconds; the seed chooses the kind of wear, its speed and all noise. */
export function simulateMachine(seed: number, days: SimulationDays): SimulatedMachine {
  const random = createSeededRandom(seed)
  const kinds = Object.keys(wearKinds) as WearKind[]
  const kind = kinds[seed % kinds.length] ?? 'condenser-fouling'
  const [shortest, longest] = days.wear
  const lasts = (shortest + (longest - shortest) * random.next()) * MINUTES_A_DAY * 60
  let water = createChillerState()
  let wear = createWearState()
  const rows: number[][] = []
  const runMinute = () => {
    for (let second = 0; second < 60; second++) {
      water = nextChillerState(water, 1, random)
      wear = nextWearState(wear, { water, seconds: 1, random })
    }
    rows.push(instrumentNames.map((name) => wear.shown[name]))
  }
  const from = Math.round(days.train * MINUTES_A_DAY)
  const wearRow = Math.round(days.calm * MINUTES_A_DAY)
  while (rows.length < from + wearRow) runMinute()
  wear = startWear(wear, { kind, lasts })
  while (wear.failure === undefined) runMinute()
  return {
    kind,
    culprit: wearKinds[kind].culprit,
    normal: createTable(rows.slice(0, from), 0),
    live: createTable(rows.slice(from), from),
    wearRow,
    failureRow: rows.length - from - 1,
  }
}

function createTable(rows: readonly number[][], firstMinute: number): Table {
  const columns = instrumentNames.map((_, tag) =>
    Float64Array.from(rows, (row) => row[tag] ?? Number.NaN),
  )
  const at = Float64Array.from(rows, (_, row) => (firstMinute + row) * MINUTE_MS)
  return { file: 'simulated', names: [...instrumentNames], at, columns, rows: rows.length }
}
