/** Made-up cases for tests: windows of a machine of six tags with a load of its own, and failures that move some of them. */
import { createRandom } from '../golden.ts'
import type { Example } from './reference-distance.ts'
import { findOwnNormal, measureWindow, standardise, WINDOW_ROWS } from './windows.ts'

export const tags = ['load', 'heat', 'flow', 'oil', 'noise', 'level']
const WINDOWS = 4

/** What a failure adds to each tag, in its own noise, at a severity of 1. */
const faults: Record<string, readonly number[]> = {
  normal: [0, 0, 0, 0, 0, 0],
  fouling: [0, 6, -3, 0, 0, 0],
  leak: [0, 0, -5, 0, 0, -6],
  bearing: [0, 2, 0, 5, 8, 0],
}

/** Windows of one machine in one state, each `[rows, tags]`. */
export function createWindows(state: string, seed: number, count = WINDOWS): Float64Array[] {
  const random = createRandom(seed)
  const noise = () => random() + random() + random() - 1.5
  const severity = 0.7 + 1.3 * random()
  return Array.from({ length: count }, () => {
    const rows = new Float64Array(WINDOW_ROWS * tags.length)
    const shift = faults[state] ?? []
    for (let row = 0; row < WINDOW_ROWS; row++) {
      const load = Math.sin((row + 60 * random()) / 9)
      for (let tag = 0; tag < tags.length; tag++)
        rows[row * tags.length + tag] =
          100 * (tag + 1) + (tag === 0 ? 8 : 2) * load + noise() + severity * (shift[tag] ?? 0)
    }
    return rows
  })
}

export const measure = (values: Float64Array): Float64Array => {
  const found = measureWindow({ width: tags.length, values })
  if ('tag' in found) throw new Error(`window without ${tags[found.tag]}`)
  return found.features
}

export const normal = findOwnNormal(
  [901, 902, 903, 904].flatMap((seed) => createWindows('normal', seed).map(measure)),
)

/** So many cases of each state; class 0 is `normal`. */
export function createExamples(states: readonly string[], cases: number): Example[] {
  return states.flatMap((state, label) =>
    Array.from({ length: cases }, (_, i) => i).flatMap((i) =>
      createWindows(state, 1 + label * 100 + i).map((window) => ({
        stretch: `${state} ${i}`,
        label,
        features: standardise(measure(window), normal),
      })),
    ),
  )
}
