/** The oracle of loss must itself be right: what it excuses and what it reports. */
import { describe, expect, it } from 'vitest'
import { type Gap, quality, type Sample } from '../protocol/model.ts'
import { checkLedger, splitLatePolls } from './check-ledger.ts'

const tag = 'plant/gw/press/Ledger' as const
const good = (value: number | bigint, at: number): Sample => ({
  ...{ tag, at, value, quality: quality.good },
})
/** 0 at 0 ms, 1 at 250 ms … */
const run = (from: number, to: number): Sample[] =>
  Array.from({ length: to - from + 1 }, (_, i) => good(BigInt(from + i), (from + i) * 250))
const gap = (from: number, to: number): Gap => ({
  ...{ gateway: 'gw', from, to, reason: 'gateway-down' },
})

describe('the ledger', () => {
  it('is clean when each integer is there once, in any order of arrival', () => {
    expect(checkLedger(run(5, 40).reverse(), [])).toEqual({
      ...{ first: 5, last: 40, stored: 36, doubled: [], missing: [], unexplained: [], gaps: [] },
    })
  })

  it('names what is missing, and that nobody told of it', () => {
    const found = checkLedger([...run(0, 9), ...run(12, 20)], [])
    expect(found).toMatchObject({ missing: [10, 11], unexplained: [10, 11], gaps: [] })
  })

  it('names what is stored twice', () => {
    const found = checkLedger([...run(0, 9), good(9n, 9 * 250 + 3)], [])
    expect(found).toMatchObject({ stored: 10, doubled: [9] })
  })

  it('excuses what lies inside one reported gap, and nothing beside it', () => {
    const samples = [...run(0, 9), ...run(20, 30)]
    const covering = gap(9 * 250 + 1, 19 * 250 + 1)
    expect(checkLedger(samples, [covering])).toMatchObject({ unexplained: [], gaps: [covering] })
    const late = gap(11 * 250, 19 * 250 + 1)
    expect(checkLedger(samples, [late])).toMatchObject({ unexplained: [10] })
  })

  it('excuses the time from a bad mark to the next good value', () => {
    const mark: Sample = { tag, at: 10 * 250 - 1, value: null, quality: quality.bad }
    const samples = [...run(0, 9), mark, ...run(20, 30)]
    expect(checkLedger(samples, [])).toMatchObject({ unexplained: [] })
    const late = { ...mark, at: 15 * 250 - 1 }
    expect(checkLedger([...run(0, 9), late, ...run(20, 30)], []).unexplained).toEqual([
      10, 11, 12, 13, 14,
    ])
  })

  it('excuses nothing by a stale mark: the cloud writes one while the gateway goes on acquiring', () => {
    const mark: Sample = { tag, at: 10 * 250 - 1, value: 9n, quality: quality.stale }
    expect(checkLedger([...run(0, 9), mark, ...run(20, 30)], []).unexplained).toHaveLength(10)
  })

  it('leaves out gaps in which nothing is missing', () => {
    expect(checkLedger(run(0, 9), [gap(300, 900)])).toMatchObject({ missing: [], gaps: [] })
  })

  it('has nothing to say of no samples', () => {
    expect(checkLedger([], [])).toMatchObject({ first: undefined, stored: 0, unexplained: [] })
  })

  it('takes one integer alone for a late poll of a polled counter, and two in a row for a loss', () => {
    expect(splitLatePolls([4, 9, 10, 17])).toEqual({ lost: [9, 10], late: [4, 17] })
  })
})
