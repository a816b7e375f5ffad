/** What a device's conditioner remembers of its tags from the very start. */
import { expect, test } from 'vitest'
import { quality, type Sample } from '../../protocol/model.ts'
import { GOOD, NO_VALUE } from '../drivers/driver.ts'
import { createConditioner } from './conditioner.ts'
import { createLinkCounters } from './counters.ts'

const START = Date.UTC(2026, 5, 1)
const tag = { id: 's/g/plc/Running', name: 'Running', type: 'Boolean', address: {} } as const

/** What is told of a standing value read half a second after the start. */
function readAfterStart(at: number): Sample[] {
  const told: Sample[] = []
  const conditioner = createConditioner({
    device: 'plc',
    groups: [{ name: 'state', intervalMs: 1000, mode: 'subscribe', tags: [{ tag }] }],
    isPushed: () => true,
    emit: (_, samples) => void told.push(...samples),
    counters: createLinkCounters(),
    unknownSince: START,
    readClocks: () => ({ wallMs: START + 500, monoMs: 0 }),
  })
  conditioner.take([{ tag: tag.id, at, value: true, quality: quality.good }])
  return told
}
const expected = [{ tag: tag.id, at: START + 500, value: true, quality: quality.good }]

test('a value that has stood since before the gateway started is told as later than the mark of its start', () => {
  expect(readAfterStart(START - 60_000)).toEqual(expected)
})

test('a value from between the start and the first reading is told as later than what the cloud marked meanwhile', () => {
  expect(readAfterStart(START + 300)).toEqual(expected)
})

test('the tags of a device that went mute are bad since its last sign of life, not since that was noticed', () => {
  const told: Sample[] = []
  const clocks = { wallMs: START, monoMs: 0 }
  const level = { ...tag, id: 's/g/plc/Level', name: 'Level', type: 'Double' } as const
  const conditioner = createConditioner({
    device: 'plc',
    groups: [
      { name: 'state', intervalMs: 1000, mode: 'subscribe', tags: [{ tag }, { tag: level }] },
    ],
    isPushed: () => true,
    emit: (_, samples) => void told.push(...samples),
    counters: createLinkCounters(),
    readClocks: () => ({ ...clocks }),
  })
  conditioner.take([{ tag: tag.id, at: START, value: true, quality: quality.good }])
  Object.assign(clocks, { wallMs: START + 5000, monoMs: 5000 })
  conditioner.take([{ tag: level.id, at: START + 5000, value: 7, quality: quality.good }])
  Object.assign(clocks, { wallMs: START + 20_000, monoMs: 20_000 })
  told.length = 0
  conditioner.lose()
  expect(told.map(({ tag: id, at, value, quality: q }) => [id, at - START, value, q])).toEqual([
    [tag.id, 5000, null, quality.bad],
    [level.id, 5001, null, quality.bad],
  ])
})

test('what a busy gateway took late is dated by its source: so is the last sign of life', () => {
  const told: Sample[] = []
  const clocks = { wallMs: START, monoMs: 0 }
  const conditioner = createConditioner({
    device: 'plc',
    groups: [{ name: 'state', intervalMs: 1000, mode: 'subscribe', tags: [{ tag }] }],
    isPushed: () => true,
    emit: (_, samples) => void told.push(...samples),
    counters: createLinkCounters(),
    readClocks: () => ({ ...clocks }),
  })
  // Published at 5 s, on the table at 7: what the source told at 6 was never seen, and must lie after the mark.
  Object.assign(clocks, { wallMs: START + 7000, monoMs: 7000 })
  conditioner.take([{ tag: tag.id, at: START + 5000, value: true, quality: quality.good }])
  Object.assign(clocks, { wallMs: START + 20_000, monoMs: 20_000 })
  conditioner.lose()
  expect(told.map(({ at }) => at - START)).toEqual([5000, 5001])
})

test('a reading in columns is told as the same reading in samples is', () => {
  const tags = ['A', 'B', 'C'].map((name) => ({ ...tag, id: `s/g/plc/${name}` as const, name }))
  const create = () => {
    const told: Sample[] = []
    const conditioner = createConditioner({
      device: 'plc',
      groups: [
        { name: 'all', intervalMs: 1000, mode: 'poll', tags: tags.map((it) => ({ tag: it })) },
      ],
      isPushed: () => false,
      emit: (_, samples) => void told.push(...samples),
      counters: createLinkCounters(),
      readClocks: () => ({ wallMs: START, monoMs: 0 }),
    })
    return { told, conditioner }
  }
  const [columns, samples] = [create(), create()]
  const reads = [
    { values: [true, null, null], statuses: [GOOD, NO_VALUE, 2] },
    { values: [false, null, true], statuses: [GOOD, 11, GOOD] },
  ]
  for (const [round, { values, statuses }] of reads.entries()) {
    const at = START + round
    columns.conditioner.takeColumns(0, { at, values, statuses: Float64Array.from(statuses) })
    samples.conditioner.take(
      tags.map(({ id }, i): Sample => {
        const [value, status = NO_VALUE] = [values[i] ?? null, statuses[i]]
        const rating = status === GOOD ? quality.good : quality.bad
        return { tag: id, at, value, quality: rating, ...(status > 0 ? { status } : {}) }
      }),
    )
  }
  expect(columns.told).toEqual(samples.told)
  expect(columns.told).toHaveLength(6)
})

test('each group is bad since its own last sign of life: what another group said later proves nothing of it', () => {
  const told: Sample[] = []
  const clocks = { wallMs: START, monoMs: 0 }
  const level = { ...tag, id: 's/g/plc/Level', name: 'Level', type: 'Double' } as const
  const group = { intervalMs: 100, mode: 'poll' } as const
  const conditioner = createConditioner({
    device: 'plc',
    groups: [
      { ...group, name: 'state', tags: [{ tag }] },
      { ...group, name: 'level', tags: [{ tag: level }] },
    ],
    isPushed: () => false,
    emit: (_, samples) => void told.push(...samples),
    counters: createLinkCounters(),
    readClocks: () => ({ ...clocks }),
  })
  conditioner.take([{ tag: tag.id, at: START, value: true, quality: quality.good }])
  // The next answer of this group was given at 100 and got lost; the other group's came.
  Object.assign(clocks, { wallMs: START + 300, monoMs: 300 })
  const values = { at: START + 300, values: [7], statuses: Float64Array.of(GOOD) }
  conditioner.takeColumns(1, values)
  Object.assign(clocks, { wallMs: START + 600, monoMs: 600 })
  told.length = 0
  conditioner.lose()
  expect(told.map(({ tag: id, at, quality: q }) => [id, at - START, q])).toEqual([
    [tag.id, 1, quality.bad],
    [level.id, 301, quality.bad],
  ])
})

test('an answer that got lost lies after the bad mark, though its tag went stale before the loss was noticed', () => {
  const told: Sample[] = []
  const clocks = { wallMs: START, monoMs: 0 }
  const conditioner = createConditioner({
    device: 'plc',
    groups: [{ name: 'state', intervalMs: 100, mode: 'poll', tags: [{ tag }] }],
    isPushed: () => false,
    emit: (_, samples) => void told.push(...samples),
    counters: createLinkCounters(),
    readClocks: () => ({ ...clocks }),
  })
  conditioner.take([{ tag: tag.id, at: START, value: true, quality: quality.good }])
  // The device answered at 100; nobody heard it.
  Object.assign(clocks, { wallMs: START + 400, monoMs: 400 })
  conditioner.check()
  Object.assign(clocks, { wallMs: START + 600, monoMs: 600 })
  conditioner.lose()
  expect(told.map(({ at, quality: q }) => [at - START, q])).toEqual([
    [0, quality.good],
    [1, quality.stale],
    [2, quality.bad],
  ])
})

/** A subscribed tag that told 5 at the start, with a hand on both clocks. */
function startCalm() {
  const told: Sample[] = []
  const clocks = { wallMs: START, monoMs: 0 }
  const level = { ...tag, id: 's/g/plc/Level', name: 'Level', type: 'Double' } as const
  const conditioner = createConditioner({
    device: 'plc',
    groups: [{ name: 'calm', intervalMs: 1000, mode: 'subscribe', tags: [{ tag: level }] }],
    isPushed: () => true,
    emit: (_, samples) => void told.push(...samples),
    counters: createLinkCounters(),
    readClocks: () => ({ ...clocks }),
  })
  const at = (ms: number) => void Object.assign(clocks, { wallMs: START + ms, monoMs: ms })
  const good = (ms: number) => ({ tag: level.id, at: START + ms, value: 5, quality: quality.good })
  conditioner.take([good(0)])
  return {
    ...{ conditioner, at, good },
    shown: () => told.map((it) => [it.at - START, it.quality]),
  }
}

test('a calm tag is repeated up to the last sign of life, and on a mute line the bad mark begins right there', () => {
  const { conditioner, at, shown } = startCalm()
  for (const ms of [30_000, 62_000, 123_000]) {
    at(ms)
    conditioner.hear(0, START + ms - 20)
    at(ms + 500)
    conditioner.check()
  }
  // From here on the line is mute; the watchdog needs its time.
  for (const ms of [150_000, 186_000, 187_000]) {
    at(ms)
    conditioner.check()
  }
  conditioner.lose()
  expect(shown()).toEqual([
    [0, quality.good],
    [61_980, quality.good],
    [122_980, quality.good],
    [122_981, quality.bad],
  ])
})

test('a server that looks once a minute says of calm no more than a minute ago, and the bad mark begins there', () => {
  const { conditioner, at, shown } = startCalm()
  for (const ms of [60_000, 122_000, 140_000]) {
    at(ms)
    conditioner.hear(0, START + ms - 60_000)
    conditioner.check()
  }
  at(150_000)
  conditioner.lose()
  expect(shown()).toEqual([
    [0, quality.good],
    [62_000, quality.good],
    [80_000, quality.bad],
  ])
})

test('a mark of changes that got lost lies before them, though the value was repeated after its own time', () => {
  const { conditioner, at, good, shown } = startCalm()
  at(61_000)
  conditioner.hear(0, START + 61_000)
  conditioner.check()
  at(70_000)
  // The driver knows the times of the source only: one millisecond after the last value.
  conditioner.take([{ ...good(1), value: null, quality: quality.bad, status: 0x809d0000 }])
  conditioner.take([{ ...good(69_000), value: 9 }])
  expect(shown().slice(2)).toEqual([
    [61_001, quality.bad],
    [69_000, quality.good],
  ])
})

test('nor does a source without a clock move such a mark behind what got lost', () => {
  const { conditioner, at, good, shown } = startCalm()
  at(2000)
  conditioner.take([{ ...good(0), at: 0, value: 6 }])
  at(4000)
  const lost = { ...good(0), at: 1, value: null, quality: quality.bad }
  conditioner.take([lost, { ...good(0), at: 0, value: 9 }])
  expect(shown().slice(1)).toEqual([
    [2000, quality.good],
    [2001, quality.bad],
    [4000, quality.good],
  ])
})

test('a polled tag whose request brought no answer is bad since its last reading, not since that was noticed', () => {
  const told: Sample[] = []
  const clocks = { wallMs: START, monoMs: 0 }
  const counters = createLinkCounters()
  const level = { ...tag, id: 's/g/plc/Level', name: 'Level', type: 'Double' } as const
  const conditioner = createConditioner({
    device: 'plc',
    groups: [{ name: 'g', intervalMs: 1000, mode: 'poll', tags: [{ tag }, { tag: level }] }],
    isPushed: () => false,
    emit: (_, samples) => void told.push(...samples),
    counters,
    readClocks: () => ({ ...clocks }),
  })
  const take = (values: (number | boolean | null)[], unheard?: Set<number>) => {
    const statuses = Float64Array.from(values, (value) => (value === null ? 11 : GOOD))
    conditioner.takeColumns(0, { at: clocks.wallMs, values, statuses, unheard })
  }
  take([true, 1])
  Object.assign(clocks, { wallMs: START + 1000, monoMs: 1000 })
  take([true, 2])
  Object.assign(clocks, { wallMs: START + 3500, monoMs: 3500 })
  told.length = 0
  take([null, null], new Set([1]))
  expect(told.map(({ tag: id, at, status }) => [id, at - START, status])).toEqual([
    [tag.id, 3500, 11],
    [level.id, 1001, 11],
  ])
  expect(counters.clockRepairs).toBe(0)
})
