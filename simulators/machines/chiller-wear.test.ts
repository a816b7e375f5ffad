/** Slow wear: it shows on its own instrument first, and ends in the failure its kind is named for. */
import { describe, expect, it } from 'vitest'
import { createSeededRandom } from '../kit/seeded-random.ts'
import { createChillerState, nextChillerState } from './chiller-model.ts'
import {
  createWearState,
  type InstrumentName,
  instrumentNames,
  nextWearState,
  startWear,
  type WearKind,
  type WearState,
  wearKinds,
} from './chiller-wear.ts'

const LASTS = 3600

function run(kind: WearKind | undefined, seconds: number, seed = 1): WearState[] {
  const random = createSeededRandom(seed)
  let water = createChillerState()
  let state = createWearState()
  if (kind) state = startWear(state, { kind, lasts: LASTS })
  return Array.from({ length: seconds }, () => {
    water = nextChillerState(water, 1, random)
    state = nextWearState(state, { water, seconds: 1, random })
    return state
  })
}

const meanOf = (states: readonly WearState[], name: InstrumentName) =>
  states.reduce((sum, { shown }) => sum + shown[name], 0) / states.length

describe('wear', () => {
  it('comes out the same for the same seed', () => {
    expect(run('pump-leak', 50, 4)).toEqual(run('pump-leak', 50, 4))
  })

  it('does not come by itself', () => {
    expect(run(undefined, 2 * LASTS).at(-1)).toMatchObject({ degree: 0 })
    expect(run(undefined, 2 * LASTS).at(-1)?.failure).toBeUndefined()
  })

  it.each(Object.entries(wearKinds))(
    '%s ends with its trip, about when it should',
    (kind, { ends }) => {
      const states = run(kind as WearKind, 2 * LASTS)
      const failed = states.findIndex(({ failure }) => failure !== undefined)
      expect(states[failed]?.failure).toBe(ends)
      expect(failed).toBeGreaterThan(0.7 * LASTS)
      expect(failed).toBeLessThan(1.15 * LASTS)
    },
  )

  it.each(Object.entries(wearKinds))(
    '%s moves its culprit away from what it was',
    (kind, { culprit }) => {
      const calm = meanOf(run(undefined, LASTS).slice(-300), culprit)
      const worn = meanOf(run(kind as WearKind, LASTS).slice(-300), culprit)
      expect(Math.abs(worn / calm - 1)).toBeGreaterThan(0.2)
    },
  )

  it('a drifting sensor moves nothing but itself', () => {
    const calm = run(undefined, LASTS).at(-1) as WearState
    const worn = run('sensor-drift', LASTS).at(-1) as WearState
    const moved = instrumentNames.filter((name) => worn.shown[name] !== calm.shown[name])
    expect(moved).toEqual(['ReturnTemperature'])
  })

  it('mended, it is as new', () => {
    const worn = run('bearing-wear', 2 * LASTS).at(-1) as WearState
    expect(startWear(worn, undefined)).toMatchObject({ degree: 0 })
    expect(startWear(worn, undefined).failure).toBeUndefined()
  })
})
