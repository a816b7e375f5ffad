/** TEST fixture: a press whose cooler has failed, as numbers over time; pressing the HMI's button mends it. */
import type {
  ContributionView,
  RangeResponse,
  SampleView,
  TargetView,
} from '../../../protocol/api.ts'

export const site = 'plant'
export const asset = 'press'
export const ratioTag = 'plant/cloud/press/Model/Ratio'
export const minute = 60_000

export const tags = [
  { name: 'Temperature/TS1', unit: '°C', normal: 38, faulty: 55 },
  { name: 'Cooling/Efficiency', unit: '%', normal: 46, faulty: 19 },
  { name: 'Cooling/Power', unit: 'kW', normal: 2.1, faulty: 1.4 },
  { name: 'Pressure/PS1', unit: 'bar', normal: 160, faulty: 158 },
  { name: 'Flow/FS1', unit: 'l/min', normal: 8.9, faulty: 8.7 },
].map((tag) => ({ ...tag, id: `plant/plant-gw/press-plc/${tag.name}` }))

export const contributions: ContributionView[] = [
  { tag: tags[1]?.id ?? '', name: 'Cooling/Efficiency', z: -14.2, direction: 'low' },
  { tag: tags[0]?.id ?? '', name: 'Temperature/TS1', z: 9.8, direction: 'high' },
  { tag: tags[2]?.id ?? '', name: 'Cooling/Power', z: -6.1, direction: 'low' },
]

export const targets: TargetView[] = [
  {
    site,
    gateway: 'plant-gw',
    id: 'press-hmi',
    kind: 'web',
    title: 'Press HMI',
    consent: 'request',
  },
  {
    site,
    gateway: 'plant-gw',
    id: 'press-ssh',
    kind: 'ssh',
    title: 'Press PLC shell',
    consent: 'key-switch',
  },
  {
    site,
    gateway: 'plant-gw',
    id: 'press-panel',
    kind: 'web',
    title: 'Press panel',
    consent: 'local',
  },
]

/** Time runs for real; the fault began six minutes before the server started. */
export function createPlant(startedAt: number) {
  const faultAt = startedAt - 6 * minute
  let mendedAt: number | null = null
  /** How faulty the machine is at an instant, 0..1: it takes 40 s to get warm and 1 s to recover. */
  const fault = (at: number) => {
    const rise = Math.min(1, Math.max(0, (at - faultAt) / 40_000))
    return mendedAt === null ? rise : rise * Math.max(0, 1 - Math.max(0, at - mendedAt) / 1_000)
  }
  const wobble = (at: number, seed: number) =>
    Math.sin(at / 4_100 + seed) * 0.6 + Math.sin(at / 977 + seed * 3) * 0.4
  const valueAt = (tag: string, at: number) => {
    if (tag === ratioTag) return 0.55 + fault(at) * 3.1 + wobble(at, 1) * 0.06
    const index = tags.findIndex(({ id }) => id === tag)
    const found = tags[index]
    if (!found) return 0
    const level = found.normal + fault(at) * (found.faulty - found.normal)
    return level + wobble(at, index) * found.normal * 0.015
  }
  return {
    tags,
    faultAt,
    valueAt,
    fault,
    mend: (at: number) => (mendedAt ??= at),
    mended: () => mendedAt,
  }
}
export type Plant = ReturnType<typeof createPlant>

/** Buckets with a hole of a minute and a stale stretch, as a real history has them. */
export function rangeOf(
  plant: Plant,
  question: { tag: string[]; from: number; to: number; points: number },
): RangeResponse {
  const { from, to, points } = question
  const step = Math.max(1_000, (to - from) / points)
  const hole = { from: plant.faultAt - 4 * minute, to: plant.faultAt - 3 * minute }
  return {
    series: question.tag.map((tag) => {
      const series: RangeResponse['series'][number] = {
        tag,
        unit: null,
        at: [],
        min: [],
        mean: [],
        max: [],
        quality: [],
      }
      series.unit = tags.find(({ id }) => id === tag)?.unit ?? null
      for (let at = Math.ceil(from / step) * step; at < to; at += step) {
        if (at > hole.from && at < hole.to) continue
        const stale = at > plant.faultAt + 100_000 && at < plant.faultAt + 115_000
        const mean = plant.valueAt(tag, at)
        series.at.push(Math.round(at))
        series.mean.push(mean)
        series.min.push(mean - Math.abs(mean) * 0.02)
        series.max.push(mean + Math.abs(mean) * 0.02)
        series.quality.push(stale ? 500 : 192)
      }
      return series
    }),
  }
}

export function samplesOf(plant: Plant, at: number): SampleView[] {
  return [ratioTag, ...tags.map(({ id }) => id)].map((tag) => ({
    tag,
    at,
    value: plant.valueAt(tag, at),
    quality: 192,
  }))
}
