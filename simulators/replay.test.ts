/** Replay is a pure function of machine time. */
import { describe, expect, it } from 'vitest'
import { parseRecording, rowAt, switchRecording } from './replay.ts'

const recording = parseRecording(
  `A,B\n${Array.from({ length: 120 }, (_, i) => `${i},${i / 2}`).join('\n')}\n`,
)

describe('rowAt', () => {
  it('shows one row a second and begins again after the last', () => {
    expect(rowAt(recording, 0).values).toEqual([0, 0])
    expect(rowAt(recording, 59.9)).toMatchObject({ index: 59, second: 59 })
    expect(rowAt(recording, 60)).toMatchObject({ index: 60, second: 0 })
    expect(rowAt(recording, 120.5).values).toEqual([0, 0])
  })
})

describe('switchRecording', () => {
  it('keeps the second of the running cycle and starts with the first cycle', () => {
    const state = switchRecording({ name: 'old', since: 0 }, 'new', 97.3)
    expect(rowAt(recording, 97.3 - state.since)).toMatchObject({ index: 37, second: 37 })
  })

  it('leaves the running recording alone', () => {
    const state = { name: 'old', since: 60 }
    expect(switchRecording(state, 'old', 500)).toBe(state)
  })
})

describe('parseRecording', () => {
  it.each([['A,B\n1,x\n'], ['A,B\n1\n'], ['A,B\n']])('refuses %j', (text) => {
    expect(() => parseRecording(text)).toThrow(RangeError)
  })
})
