/** Labels of alarms and the threshold that they speak for. */
import { expect, test } from 'vitest'
import { proposeThreshold, type Verdict } from './labels.ts'

const judged = (verdict: Verdict, ...peaks: number[]) => peaks.map((peak) => ({ peak, verdict }))

test('nuisances below the weakest useful alarm are silenced, and the useful one stays', () => {
  const proposal = proposeThreshold([
    ...judged('too-sensitive', 1.1, 1.2, 1.3),
    ...judged('useful', 4, 2),
  ])
  expect(proposal).toMatchObject({ nuisances: 3, silenced: 3, useful: 2 })
  expect(proposal!.factor).toBeGreaterThan(1.3)
  expect(proposal!.factor).toBeLessThan(2)
})

test('nuisances as high as useful alarms are no case for a threshold', () => {
  expect(
    proposeThreshold([...judged('too-sensitive', 3, 4, 5), ...judged('useful', 1.5)]),
  ).toBeUndefined()
})

test('two nuisances are an anecdote, and noisy or wrong data are none', () => {
  expect(proposeThreshold(judged('too-sensitive', 1.1, 1.2))).toBeUndefined()
  expect(
    proposeThreshold([...judged('noisy-data', 1.1, 1.2, 1.3), ...judged('wrong-data', 9)]),
  ).toBeUndefined()
})

test('with no useful alarm yet it goes up by half at most', () => {
  const proposal = proposeThreshold(judged('too-sensitive', 1.1, 1.2, 1.3, 8))
  expect(proposal!.factor).toBeLessThanOrEqual(1.5)
  expect(proposal).toMatchObject({ silenced: 3, useful: 0 })
})
