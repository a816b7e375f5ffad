/** The policy file's schema and the rules beside it. */
import { expect, test } from 'vitest'
import { policyProblems, summaries } from './policy.ts'

const target = {
  id: 'press-hmi',
  kind: 'web',
  title: 'Press HMI',
  host: '192.168.1.5',
  port: 80,
  consent: 'request',
  rights: ['view'],
}
const problemsOf = (changes: object) =>
  policyProblems({ targets: [{ ...target, ...changes }] }).map(({ path }) => path)

test('a good policy has no problems', () => {
  expect(policyProblems({ targets: [target] })).toEqual([])
})

test('every wrong value is a problem with its path', () => {
  expect(problemsOf({ port: 0 })).toEqual(['/targets/0/port'])
  expect(problemsOf({ id: 'A b' })).toEqual(['/targets/0/id'])
  expect(problemsOf({ host: 'a/../b' })).toEqual(['/targets/0/host'])
  expect(problemsOf({ rights: [] })).toEqual(['/targets/0/rights'])
  expect(problemsOf({ consent: 'never' })).toEqual(['/targets/0/consent'])
  expect(problemsOf({ prot: 1 }).length).toBeGreaterThan(0)
  expect(policyProblems(undefined).length).toBeGreaterThan(0)
})

test('consent by schedule or key switch without one is a problem, as is an id given twice', () => {
  expect(problemsOf({ consent: 'schedule' })).toEqual(['/targets/0'])
  expect(problemsOf({ consent: 'key-switch' })).toEqual(['/targets/0'])
  expect(policyProblems({ targets: [target, target] })).toMatchObject([{ path: '/targets/1' }])
})

test('the cloud is told names, never addresses', () => {
  const told = JSON.stringify(
    summaries({ targets: [{ ...target, kind: 'web', consent: 'request', rights: ['view'] }] }),
  )
  expect(told).toContain('press-hmi')
  expect(told).not.toMatch(/192\.168|"port"|"host"/)
})
