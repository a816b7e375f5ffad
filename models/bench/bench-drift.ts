/** Slow wear of simulated machines: how long before the failure the alarm comes, how often for nothing, what it names. */
import { decodeNormal } from '../train/normal-rows.ts'
import { scoreTable } from '../train/score-table.ts'
import { trainTable } from '../train/train-table.ts'
import { type SimulatedMachine, type SimulationDays, simulateMachine } from './simulated-wear.ts'

const SEEDS = 20
/** The explanation is judged on the first of them, every kind of wear twice: at once, after an hour, and at the peak. */
const EXPLAINED_SEEDS = 10
const EXPLAINED_AFTER_ROWS = 60
const TOP = 3
/** Four days, so that day and night are in every quarter; three calm days a machine are eight weeks in all. */
const DAYS: SimulationDays = { train: 4, calm: 3, wear: [0.5, 2] }
const WEEK_DAYS = 7

export interface MachineVerdict {
  kind: string
  /** From the first alarm after the wear began to the failure; undefined: there was none. */
  leadMinutes?: number
  /** Alarms before anything wore. */
  falseAlarms: number
  /** Whether the culprit is among the three tags that are named. */
  named: { atOnce: boolean; afterAnHour: boolean; atPeak: boolean }
}

export interface DriftFigures {
  drift: {
    leadMinutesMin: number
    leadMinutesMedian: number
    seeds: number
    falseAlarmsPerWeek: number
    weeks: number
  }
  /** In how many of ten the culprit is among the top three tags, an hour after the alarm came, at once, at its peak. */
  explanation: { top3of10: number; atOnce: number; atPeak: number }
}

/** Trains on the machine's normal days and scores the rest, by the code of `mimamori train` and `score`. */
export async function judgeMachine(machine: SimulatedMachine): Promise<MachineVerdict> {
  const { normal: table, live, wearRow, failureRow, kind, culprit } = machine
  const { manifest, bytes, normal: packed } = await trainTable(table, { name: kind, seed: 1 })
  const normal = packed && (await decodeNormal(packed, manifest))
  const { alarms, scores } = await scoreTable({ manifest, bytes, normal }, live)
  const begins = alarms.flatMap((on, row) => (on && !alarms[row - 1] ? [row] : []))
  const first = begins.find((row) => row > wearRow)
  const falseAlarms = begins.filter((row) => row <= wearRow).length
  const namesAt = (row: number) =>
    scores[row]?.top.slice(0, TOP).some((tag) => manifest.tags[tag]?.name === culprit) ?? false
  const peak = scores.reduce(
    (best, score, row) => ((score?.ratio ?? 0) > (scores[best]?.ratio ?? 0) ? row : best),
    0,
  )
  const hourRow = Math.min((first ?? 0) + EXPLAINED_AFTER_ROWS, failureRow)
  const named =
    first === undefined
      ? { atOnce: false, afterAnHour: false, atPeak: false }
      : { atOnce: namesAt(first), afterAnHour: namesAt(hourRow), atPeak: namesAt(peak) }
  return {
    kind,
    falseAlarms,
    named,
    ...(first === undefined ? {} : { leadMinutes: failureRow - first }),
  }
}

/** About two minutes: 20 machines, 160 days of their seconds. */
export async function benchDrift(seeds = SEEDS, days = DAYS): Promise<DriftFigures> {
  const verdicts: MachineVerdict[] = []
  for (let seed = 1; seed <= seeds; seed++)
    verdicts.push(await judgeMachine(simulateMachine(seed, days)))
  const leads = verdicts.map(({ leadMinutes }) => leadMinutes ?? 0).sort((a, b) => a - b)
  const weeks = (seeds * days.calm) / WEEK_DAYS
  const explained = verdicts.slice(0, EXPLAINED_SEEDS)
  return {
    drift: {
      leadMinutesMin: leads[0] ?? 0,
      leadMinutesMedian: leads[leads.length >> 1] ?? 0,
      seeds,
      falseAlarmsPerWeek: verdicts.reduce((sum, one) => sum + one.falseAlarms, 0) / weeks,
      weeks,
    },
    explanation: {
      top3of10: explained.filter(({ named }) => named.afterAnHour).length,
      atOnce: explained.filter(({ named }) => named.atOnce).length,
      atPeak: explained.filter(({ named }) => named.atPeak).length,
    },
  }
}
