/** The press's cooling circuit: what wears, what trips, what the operator may do. */
import { describe, expect, it } from 'vitest'
import {
  applyCommand,
  applyFault,
  createPressState,
  nextPressState,
  REDUCED_MS,
  recordingOf,
} from './press-state.ts'

describe('the plan of wear', () => {
  it('reduces the main cooler first and fails it later, with the fault latched', () => {
    const state = createPressState(1000)
    expect(recordingOf(nextPressState(state, 999))).toBe('healthy')
    const reduced = nextPressState(state, 1000)
    expect([recordingOf(reduced), reduced.coolerFault]).toEqual(['cooler-reduced', false])
    const failed = nextPressState(reduced, 1000 + REDUCED_MS)
    expect([recordingOf(failed), failed.coolerFault]).toEqual(['cooler-failed', true])
  })

  it('never trips the press when the spare cooler was put in service in time', () => {
    const reduced = nextPressState(createPressState(1000), 1000)
    const { state } = applyCommand(reduced, 'switch-to-spare')
    const later = nextPressState(state, 1000 + REDUCED_MS)
    expect(later).toMatchObject({ mainCooler: 'failed', coolerFault: false })
    expect(recordingOf(later)).toBe('healthy')
  })

  it('never comes without a time, and a mended press stays mended', () => {
    expect(nextPressState(createPressState(), 1e15).mainCooler).toBe('good')
    const mended = applyFault(nextPressState(createPressState(0), 1e6), 'none')
    expect(nextPressState(mended, 1e9)).toMatchObject({ mainCooler: 'good', coolerFault: false })
  })
})

describe('the operator', () => {
  const failed = applyFault(createPressState(), 'cooler-failed')

  it('cannot reset the fault while the failed main cooler is in service', () => {
    const { state, result } = applyCommand(failed, 'reset-fault')
    expect(result).toMatchObject({
      done: false,
      reason: expect.stringMatching(/spare cooler first/),
    })
    expect(state.coolerFault).toBe(true)
  })

  it('switches to the spare cooler, which mends the values, and then resets the fault', () => {
    const spare = applyCommand(failed, 'switch-to-spare').state
    expect([recordingOf(spare), spare.coolerFault]).toEqual(['healthy', true])
    const reset = applyCommand(spare, 'reset-fault')
    expect(reset.result).toEqual({ done: true })
    expect(reset.state.coolerFault).toBe(false)
  })

  it.each([
    ['switch-to-spare', /already/],
    ['switch-to-main', /repair it first/],
    ['reset-fault', /no fault/],
  ] as const)('is told why %s is not possible', (command, words) => {
    const state = { ...failed, inService: 'spare' as const, coolerFault: false }
    expect(applyCommand(state, command).result).toMatchObject({
      done: false,
      reason: expect.stringMatching(words),
    })
  })
})
