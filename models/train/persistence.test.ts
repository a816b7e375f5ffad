/** When points above the threshold become an alarm, and when it goes. */
import { expect, test } from 'vitest'
import { nextPersistence, type PersistenceRule, quiet } from './persistence.ts'

const rule = { onDelayMs: 5000, offDelayMs: 10_000, peakClear: 0 }

/** The alarm per second for ratios at 1 Hz. */
function follow(ratios: (number | undefined)[], by: PersistenceRule = rule): string {
  let state = quiet
  return ratios
    .map((ratio, second) => {
      state = nextPersistence(state, { at: second * 1000, ratio }, by)
      return state.active ? '1' : '0'
    })
    .join('')
}

const times = (count: number, ratio: number | undefined) => Array(count).fill(ratio)

test('a spike shorter than the on-delay is no alarm, five seconds are', () => {
  expect(follow([...times(5, 2), ...times(5, 0.5)])).toBe('0000000000')
  expect(follow([...times(7, 2)])).toBe('0000011')
})

test('the alarm stays until the off-delay has passed without a relapse', () => {
  expect(follow([...times(6, 2), ...times(9, 0.5), 2, ...times(11, 0.5)])).toBe(
    '000001111111111111111111110'.slice(0, 27),
  )
})

test('a gap neither raises nor clears an alarm, and does not count as time above', () => {
  expect(follow([...times(4, 2), undefined, ...times(4, 2)])).toBe('000000000')
  expect(follow([...times(6, 2), ...times(20, undefined)])).toBe(`00000${'1'.repeat(21)}`)
})

test('after a hard fault the ratio must only fall below its tenth of the peak', () => {
  const ratios = [...times(6, 100), ...times(12, 9)]
  expect(follow(ratios, { ...rule, peakClear: 0.1 }).at(-1)).toBe('0')
  expect(follow(ratios).at(-1)).toBe('1')
})

test('a process that rings down does not alarm again, for as long as its alarm had lasted', () => {
  const by = { ...rule, peakClear: 0.1 }
  // on for the seconds 5 to 45, and off from 46: quiet until 86, and alarmed again by what is still there after it
  const states = follow([...times(36, 100), ...times(80, 9)], by)
  expect(states.indexOf('1')).toBe(5)
  expect(states.indexOf('0', 5)).toBe(46)
  expect(states.indexOf('1', 46)).toBe(93)
})

test('a new fault during the ring-down alarms as soon as it stands above the old limit', () => {
  const by = { ...rule, peakClear: 0.1 }
  const states = follow([...times(36, 100), ...times(20, 9), ...times(6, 30)], by)
  expect(states.at(-2)).toBe('0')
  expect(states.at(-1)).toBe('1')
})

test('an alarm that cleared below the threshold leaves no higher limit behind', () => {
  const by = { ...rule, peakClear: 0.1 }
  const states = follow([...times(20, 5), ...times(11, 0.5), ...times(6, 2)], by)
  expect(states.slice(-7)).toBe('0000001')
})

test('a ratio that hovers at the threshold is one alarm with a deadband, and it ends below it', () => {
  const hovering = Array.from({ length: 60 }, (_, second) => (second % 24 < 12 ? 1.05 : 0.95))
  const ends = [...hovering, ...times(12, 0.85)]
  const begun = (states: string) => states.split('01').length - 1
  expect(begun(follow(ends))).toBe(3)
  const held = follow(ends, { ...rule, deadband: 0.1 })
  expect(begun(held)).toBe(1)
  expect(held.at(-1)).toBe('0')
})
