/** Readings as plants have them, from a fixed seed: temperatures, counters, states, raw floats. */
import type { Sample, Value } from '../../protocol/model.ts'

/** Samples of one poll carry one time. */
const BLOCK = 125
const START = 1_790_000_000_000
const FLUSH_MS = 200

/** Of ten tags: six decimals of two places, two counters, one state, one float32. */
export function createReadings(count: number): (_: unknown, batch: number) => Sample[] {
  const random = createRandom(7)
  const levels = Float64Array.from({ length: count }, () => random() * 100)
  const tags = Array.from({ length: count }, (_, index) => `plant/gw/plc/Tag${index}` as const)
  return (_, batch) =>
    tags.map((tag, index) => {
      const level = (levels[index] ?? 0) + (random() - 0.5)
      levels[index] = level
      const at = START + batch * FLUSH_MS + Math.floor(index / BLOCK) * 3
      return { tag, at, value: shape(level, index % 10, batch), quality: 192 }
    })
}

function shape(level: number, kind: number, batch: number): Value {
  if (kind < 6) return Math.round(level * 100) / 100
  if (kind < 8) return 1_000_000 * kind + batch
  if (kind < 9) return level > 50
  return Math.fround(level)
}

/** Park and Miller's generator: the same numbers in every run. */
function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}
