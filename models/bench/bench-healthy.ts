/** The multivariate detector on the hydraulic rig: trained on healthy load cycles, which faulty ones does it alarm on? */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeNormal } from '../train/normal-rows.ts'
import { type ScoredModel, scoreTable } from '../train/score-table.ts'
import type { Table } from '../train/table.ts'
import { trainTable } from '../train/train-table.ts'
import { findBenchData, readNumbers } from './bench-data.ts'

/** Columns of profile.txt: cooler, valve, pump, accumulator; and each as new. */
const PARTS = ['cooler', 'valve', 'pump', 'accumulator'] as const
const AS_NEW = [100, 100, 0, 130]
const CYCLE_ROWS = 60
/** Cycles stand an hour apart: no window reaches from one into another. */
const APART_MS = 3_600_000
/** Of the healthy cycles, in their order: the rest says how often it alarms for nothing. */
const TRAIN_SHARE = 0.6

export interface HealthyFigures {
  trainedCycles: number
  /** Share of the other healthy cycles with an alarm. */
  healthy: number
  /** Share of the cycles with an alarm in which one part alone is worn, by its degree as the data set names it. */
  worn: Record<string, number>
}

type Rig = { profile: number[][]; sensors: { name: string; cycles: number[][] }[] }

export async function benchHealthy(): Promise<HealthyFigures> {
  const rig = await readRig(findBenchData('hydraulic'))
  const isAsNew = (cycle: number[], but = -1) =>
    AS_NEW.every((value, part) => part === but || cycle[part] === value)
  const healthy = rig.profile.flatMap((cycle, i) => (isAsNew(cycle) ? [i] : []))
  const trained = healthy.slice(0, Math.floor(healthy.length * TRAIN_SHARE))
  const { manifest, bytes, normal } = await trainTable(tableOf(rig, trained), {
    name: 'rig',
    seed: 1,
    periodMs: 1000,
  })
  const rows = normal && (await decodeNormal(normal, manifest))
  const shareOf = (cycles: readonly number[]) =>
    findAlarmed({ manifest, bytes, normal: rows }, rig, cycles)
  const worn: Record<string, number> = {}
  for (const [part, name] of PARTS.entries())
    for (const degree of new Set(rig.profile.map((cycle) => cycle[part] ?? 0))) {
      if (degree === AS_NEW[part]) continue
      const cycles = rig.profile.flatMap((cycle, i) =>
        cycle[part] === degree && isAsNew(cycle, part) ? [i] : [],
      )
      if (cycles.length > 0) worn[`${name} ${degree}`] = await shareOf(cycles)
    }
  const rest = healthy.slice(trained.length)
  return { trainedCycles: trained.length, healthy: await shareOf(rest), worn }
}

async function readRig(folder: string): Promise<Rig> {
  const profile = await readNumbers(join(folder, 'profile.txt'))
  const files = (await readdir(folder)).filter((name) => name.endsWith('.txt.gz')).sort()
  const sensors = []
  for (const file of files) {
    const name = file.replace(/(_1hz)?\.txt\.gz$/, '')
    sensors.push({ name, cycles: await readNumbers(join(folder, file)) })
  }
  return { profile, sensors }
}

function tableOf({ sensors }: Rig, cycles: readonly number[]): Table {
  const rows = cycles.length * CYCLE_ROWS
  const at = Float64Array.from(
    { length: rows },
    (_, row) => Math.floor(row / CYCLE_ROWS) * APART_MS + (row % CYCLE_ROWS) * 1000,
  )
  const columns = sensors.map(({ cycles: all }) =>
    Float64Array.from(cycles.flatMap((cycle) => (all[cycle] ?? []).slice(0, CYCLE_ROWS))),
  )
  return { file: 'rig', names: sensors.map(({ name }) => name), at, columns, rows }
}

/** Every cycle by itself, so that an alarm of one does not stand into the next. */
async function findAlarmed(
  model: ScoredModel,
  rig: Rig,
  cycles: readonly number[],
): Promise<number> {
  let alarmed = 0
  for (const cycle of cycles) {
    const { alarms } = await scoreTable(model, tableOf(rig, [cycle]))
    if (alarms.includes(true)) alarmed++
  }
  return alarmed / cycles.length
}
