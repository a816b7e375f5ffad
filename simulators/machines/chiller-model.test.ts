/** The chiller's physics: it holds its setpoint, and its faults show. */
import { describe, expect, it } from 'vitest'
import { createSeededRandom } from '../kit/seeded-random.ts'
import {
  applyChillerCommand,
  applyChillerFault,
  type ChillerState,
  createChillerState,
  nextChillerState,
} from './chiller-model.ts'

function run(state: ChillerState, seconds: number, seed = 1): ChillerState {
  const random = createSeededRandom(seed)
  let after = state
  for (let i = 0; i < seconds; i++) after = nextChillerState(after, 1, random)
  return after
}

describe('the model', () => {
  it('comes out the same for the same seed and differs for another', () => {
    expect(run(createChillerState(), 100, 7)).toEqual(run(createChillerState(), 100, 7))
    expect(run(createChillerState(), 100, 7)).not.toEqual(run(createChillerState(), 100, 8))
  })

  it('holds the setpoint and follows a new one', () => {
    expect(run(createChillerState(), 1200).supply).toBeCloseTo(7.2, 0)
    expect(run({ ...createChillerState(), setpoint: 10 }, 1200).supply).toBeCloseTo(10.2, 0)
  })

  it('uses energy while it runs and warms up while it is stopped', () => {
    const before = createChillerState()
    expect(run(before, 60).energy).toBeGreaterThan(before.energy + 100)
    const stopped = run(applyChillerCommand(before, 'stop').state, 600)
    expect(stopped.energy).toBe(before.energy)
    expect(stopped.supply).toBeGreaterThan(9)
    expect(stopped.pumpSpeed).toBe(0)
  })

  it('cannot hold the setpoint with a fouled condenser', () => {
    const fouled = applyChillerFault(createChillerState(), 'condenser-fouled')
    expect(run(fouled, 300).supply).toBeGreaterThan(9)
  })

  it('shows a worn pump as more speed and a wider spread', () => {
    const [good, worn] = [
      run(createChillerState(), 300),
      run(applyChillerFault(createChillerState(), 'pump-worn'), 300),
    ]
    expect(worn.pumpSpeed).toBeGreaterThan(good.pumpSpeed + 200)
    expect(worn.return - worn.supply).toBeGreaterThan((good.return - good.supply) * 1.2)
  })
})

describe('the operator', () => {
  it('cannot start a tripped chiller before the reset', () => {
    const tripped = applyChillerFault(createChillerState(), 'compressor-trip')
    expect(applyChillerCommand(tripped, 'start').result).toMatchObject({ done: false })
    const reset = applyChillerCommand(tripped, 'reset').state
    expect(applyChillerCommand(reset, 'start').state.isRunning).toBe(true)
  })

  it('moves the setpoint by half a degree within 5 and 15 °C', () => {
    const high = { ...createChillerState(), setpoint: 15 }
    expect(applyChillerCommand(high, 'setpoint-up').result).toMatchObject({ done: false })
    expect(applyChillerCommand(high, 'setpoint-down').state.setpoint).toBe(14.5)
  })
})
