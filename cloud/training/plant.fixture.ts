/** A plant's history in a real historian: four tags by the second, one in step with another until a fault, and two seldom ones. */
import { quality, type Sample, type TagId } from '../../protocol/model.ts'
import { openDuckdbHistorian } from '../historian/duckdb.ts'
import type { TrainingAsset } from './proposal.ts'

export const START = 1_700_000_000_000
const names = ['flow', 'pressure', 'heat', 'level'] as const

const tagsOf = (known: readonly string[]) =>
  Object.fromEntries(known.map((name): [string, TagId] => [name, `plant/gw/plc/${name}`]))

export const plant: TrainingAsset = {
  id: 'press',
  site: 'plant',
  tags: tagsOf([...names, 'batch']),
  units: { pressure: 'bar' },
  modeTags: tagsOf([...names, 'batch', 'program']),
}

/** In words, told when it changes and by the minute: one program, then the other, in the end a third. */
function programAt(second: number): string {
  return second < 700 ? 'slow' : second < 1_400 ? 'fast' : 'clean'
}

/** Noise that is the same every time. */
function createNoise(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return state / 2 ** 31 - 0.5
  }
}

/** `[from, to)` in seconds after START: pressure no longer follows the flow. */
export async function openPlantHistory(
  file: string,
  { seconds, fault = [0, 0] }: { seconds: number; fault?: readonly [number, number] },
) {
  const historian = await openDuckdbHistorian({ file })
  const noise = createNoise(7)
  const samples: Sample[] = []
  let flow = 0
  for (let second = 0; second < seconds; second++) {
    flow = 0.7 * flow + noise()
    const isFaulty = second >= fault[0] && second < fault[1]
    const values = {
      flow: 10 + flow,
      pressure: 5 + 2 * flow + noise() * 0.1 + (isFaulty ? 3 : 0),
      heat: 40 + noise(),
      level: 2 + flow * 0.5 + noise() * 0.2,
    }
    if (second % 60 === 0 || programAt(second) !== programAt(second - 1))
      samples.push({
        ...{ tag: plant.modeTags?.program as TagId, at: START + second * 1000 },
        ...{ value: programAt(second), quality: quality.good },
      })
    if (second % 60 === 0)
      samples.push({
        ...{ tag: plant.tags.batch as TagId, at: START + second * 1000 },
        ...{ value: second, quality: quality.good },
      })
    for (const name of names)
      samples.push({
        tag: plant.tags[name] as TagId,
        at: START + second * 1000,
        value: values[name],
        quality: quality.good,
      })
  }
  await historian.write(samples)
  return historian
}
