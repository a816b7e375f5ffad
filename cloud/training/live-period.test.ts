/** The pace of tags as a gateway delivers them: by exception, repeated after a silence, with restarts in between. */
import { describe, expect, it } from 'vitest'
import { quality, type Sample } from '../../protocol/model.ts'
import {
  findLivePeriod,
  findPaces,
  findSeldom,
  measurePaces,
  type PaceSource,
} from './live-period.ts'

const SECOND = 1000
const tag = 'plant/gw/press/x' as const
const good = (at: number): Sample => ({ tag, at, value: 1, quality: quality.good })
const bad = (at: number): Sample => ({ tag, at, value: null, quality: quality.bad })
const stale = (at: number): Sample => ({ tag, at, value: null, quality: quality.stale })

interface Run {
  /** Seconds. */
  from: number
  to: number
}

/** What a start leaves before the first value: the cloud did not know, the device was not there, its gateway came again. */
const reportBirth = ({ from }: Run) => [
  stale(from * SECOND - 3000),
  bad(from * SECOND - 2400),
  stale(from * SECOND - 900),
]

/** Changes every half second or second, and is repeated after two seconds without a change. */
function reportSensor({ from, to }: Run, phase: number): Sample[] {
  const samples = [...reportBirth({ from, to }), good(from * SECOND + phase)]
  for (let at = from * SECOND + phase, i = phase; ; i++) {
    at += [500, 500, 1000, 500, 2000, 500][i % 6]!
    if (at >= to * SECOND) return samples
    samples.push(good(at))
  }
}

/** Told at the birth, at each change, and after a minute of silence. */
function reportState({ from, to }: Run, changes: readonly number[] = []): Sample[] {
  const told = [from, ...changes.filter((at) => at >= from && at < to)]
  const all: number[] = []
  for (const [i, at] of told.entries())
    for (let next = at; next < Math.min(to, told[i + 1] ?? to); next += 60) all.push(next)
  return [...reportBirth({ from, to }), ...all.map((at) => good(at * SECOND))]
}

/** Five sensors and three states, while the asset runs. */
function report(runs: readonly Run[], changes: readonly number[] = []) {
  const sensors = Array.from({ length: 5 }, (_, i): [string, Sample[]] => [
    `PS${i + 1}`,
    runs.flatMap((run) => reportSensor(run, i * 37)),
  ])
  const states = ['CoolerFault', 'Running', 'Cycle'].map((name): [string, Sample[]] => [
    name,
    runs.flatMap((run) => reportState(run, name === 'CoolerFault' ? changes : [])),
  ])
  return new Map([...sensors, ...states])
}

const leaveOut = (arrivals: ReadonlyMap<string, readonly Sample[]>) =>
  findSeldom(measurePaces(arrivals), SECOND).map(({ name }) => name)

const tagsOf = (arrivals: ReadonlyMap<string, unknown>) =>
  Object.fromEntries([...arrivals.keys()].map((name) => [name, `plant/gw/press/${name}` as const]))

const createSource = (arrivals: ReadonlyMap<string, readonly Sample[]>): PaceSource => ({
  raw: async (id, from, to, limit) =>
    (arrivals.get(id.split('/').at(-1) ?? '') ?? [])
      .filter(({ at }) => at >= from && at < to)
      .slice(0, limit),
})

const STATES = ['CoolerFault', 'Running', 'Cycle']

describe('tags that are repeated by the minute', () => {
  it('stay left out, whenever one asks and however often they change', () => {
    const changes = [75, 75.2, 75.4, 80, 80.1, 81, 130, 130.1]
    for (let to = 15; to <= 600; to += 5)
      expect(leaveOut(report([{ from: 0, to }], changes)), `after ${to} s`).toEqual(STATES)
  })

  it('stay left out after a restart that follows a long stop, when only its marks and first values are there', async () => {
    for (let asked = 4; asked <= 120; asked += 4) {
      const arrivals = report([
        { from: 0, to: 120 },
        { from: 4000, to: 4000 + asked },
      ])
      const to = (4000 + asked) * SECOND
      const paces = await findPaces(createSource(arrivals), tagsOf(arrivals), to)
      const names = findSeldom(paces, SECOND).map(({ name }) => name)
      expect(names, `after ${asked} s`).toEqual(STATES)
    }
  })

  it('stay left out after a short restart, from its first seconds on', () => {
    for (let to = 61; to <= 300; to += 3) {
      const runs = [
        { from: 0, to: 40 },
        { from: 60, to },
      ]
      expect(leaveOut(report(runs)), `after ${to} s`).toEqual(STATES)
    }
  })

  it('are what the asset has where all of its tags are so', () => {
    const paces = measurePaces(
      new Map(STATES.map((name) => [name, reportState({ from: 0, to: 600 }, [75, 75.2, 75.4])])),
    )
    expect(findLivePeriod(paces)).toBe(60 * SECOND)
    expect(findSeldom(paces, 60 * SECOND)).toEqual([])
  })
})

describe('tags that come by the second', () => {
  it('give a grid of their own, which restarts and an hour of silence do not change', () => {
    const once = findLivePeriod(measurePaces(report([{ from: 0, to: 300 }])))
    const runs = [
      { from: 0, to: 40 },
      { from: 60, to: 90 },
      { from: 120, to: 180 },
      { from: 3780, to: 3900 },
    ]
    expect(once).toBe(SECOND)
    expect(findLivePeriod(measurePaces(report(runs)))).toBe(once)
  })

  it('are kept although one device was down for most of the time: what follows a bad sample is no step', () => {
    const arrivals = report([{ from: 0, to: 400 }])
    const early = arrivals.get('PS1')!.filter(({ at }) => at < 60 * SECOND)
    arrivals.set('PS1', [...early, bad(61 * SECOND)])
    expect(leaveOut(arrivals)).toEqual(STATES)
  })

  it('are compared over the same time where more has come than is looked at', () => {
    const every = (ms: number) => Array.from({ length: 600_000 / ms }, (_, i) => good(i * ms))
    const arrivals = new Map([
      ['fast', every(100)],
      ['slow', every(1000)],
    ])
    const cut = new Map([...arrivals].map(([name, own]) => [name, own.slice(0, 500)]))
    expect([...measurePaces(cut, 500)]).toEqual([
      ['fast', 100],
      ['slow', 1000],
    ])
  })
})

it('a tag that has not come twice with a good value has no pace, and is left out by name', () => {
  const paces = measurePaces(new Map([['new', [bad(0), good(5), bad(9)]]]))
  expect(paces.get('new')).toBeUndefined()
  expect(findSeldom(paces, SECOND)).toMatchObject([{ name: 'new' }])
  expect(findLivePeriod(paces)).toBeUndefined()
})
