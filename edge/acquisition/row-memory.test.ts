/** A poll judged in columns says the same as each of its tags judged by itself. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { quality, type Sample, type Tag } from '../../protocol/model.ts'
import { type Columns, GOOD, NO_VALUE } from '../drivers/driver.ts'
import { toSamples } from '../readings.ts'
import { createConditioner, type GroupPlan, type TagPlan } from './conditioner.ts'
import { createLinkCounters } from './counters.ts'

const START = Date.UTC(2026, 5, 1)

const tagOf = (name: string, type: Tag['type']): Tag => {
  return { id: `s/g/plc/${name}`, name, type, address: {} }
}

const plans: TagPlan[] = [
  { tag: tagOf('Whole', 'UInt16') },
  { tag: tagOf('Damped', 'Int32'), deadband: 3 },
  { tag: tagOf('Scaled', 'Double'), scale: 0.1, offset: -5 },
  { tag: tagOf('Narrow', 'Float'), min: 0, max: 10 },
  { tag: tagOf('Flag', 'Boolean') },
  { tag: tagOf('Text', 'String') },
]

const group: GroupPlan = {
  name: 'all',
  intervalMs: 100,
  mode: 'poll',
  maxSilenceMs: 1000,
  tags: plans,
}

function openConditioner(clocks: { wallMs: number; monoMs: number }, inRows: boolean) {
  const told: Sample[] = []
  const rows: number[] = []
  const counters = createLinkCounters()
  const conditioner = createConditioner({
    device: 'plc',
    groups: [group],
    isPushed: () => false,
    emit: (_, samples) => void told.push(...samples),
    emitRow: inRows
      ? (_, row) => {
          told.push(...toSamples(row))
          rows.push(row.values.length)
        }
      : undefined,
    counters,
    readClocks: () => ({ ...clocks }),
  })
  return { told, rows, counters, conditioner }
}

const anyValue = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -2, max: 12 }) },
  { weight: 1, arbitrary: fc.constantFrom(0.5, -0, 70_000, Number.NaN, 1e300) },
  { weight: 1, arbitrary: fc.constantFrom('text', true, false, 5n) },
)
const anyPoll = fc.record({
  what: fc.constant('poll' as const),
  values: fc.array(anyValue, { minLength: plans.length, maxLength: plans.length }),
  bad: fc.array(fc.constantFrom(GOOD, GOOD, GOOD, GOOD, GOOD, NO_VALUE, 2), {
    minLength: plans.length,
    maxLength: plans.length,
  }),
  // The source's clock: right, behind, far ahead, never set.
  offMs: fc.constantFrom(0, 0, 0, 0, 0, 0, -100_000, 30_000, 90_000, Number.NaN),
})
const anyStep = fc.record({
  after: fc.constantFrom(0, 1, 100, 100, 100, 100, 290, 310, 1000),
  wallJumpMs: fc.constantFrom(0, 0, 0, 0, 0, 0, 0, -5000, 200_000),
  act: fc.oneof(
    { weight: 8, arbitrary: anyPoll },
    { weight: 2, arbitrary: fc.constant({ what: 'check' as const }) },
    { weight: 1, arbitrary: fc.constant({ what: 'lose' as const }) },
  ),
})

function createColumns(poll: { values: unknown[]; bad: number[]; offMs: number }, wallMs: number) {
  const statuses = Float64Array.from(poll.bad)
  const values = poll.values.map((it, i) => (poll.bad[i] === GOOD ? it : null))
  return { at: wallMs + poll.offMs, values, statuses } as Columns
}

function samplesOf({ at, values, statuses }: Columns): Sample[] {
  return plans.map(({ tag }, i) => {
    const status = statuses[i] as number
    if (status === GOOD) return { tag: tag.id, at, value: values[i]!, quality: quality.good }
    const bad = { tag: tag.id, at, value: null, quality: quality.bad }
    return status === NO_VALUE ? bad : { ...bad, status }
  })
}

const byTag = (samples: readonly Sample[]) =>
  Object.groupBy(samples, ({ tag }) => tag) as Record<string, Sample[]>

test('whatever is read, missed, checked and lost, whatever the clocks do', () => {
  let inRows = 0
  fc.assert(
    fc.property(fc.array(anyStep, { minLength: 5, maxLength: 40 }), (steps) => {
      const clocks = { wallMs: START, monoMs: 0 }
      const columns = openConditioner(clocks, true)
      const plain = openConditioner(clocks, false)
      for (const { after, wallJumpMs, act } of steps) {
        clocks.monoMs += after
        clocks.wallMs += after + wallJumpMs
        if (act.what === 'poll') {
          const read = createColumns(act, clocks.wallMs)
          columns.conditioner.takeColumns(0, read)
          // Without the time of the newest: a source's wrong clock says nothing of how long it has been silent.
          plain.conditioner.take(samplesOf(read), clocks.wallMs)
        } else if (act.what === 'check') {
          columns.conditioner.check()
          plain.conditioner.check()
        } else {
          columns.conditioner.lose()
          plain.conditioner.lose()
        }
        expect(byTag(columns.told)).toEqual(byTag(plain.told))
      }
      inRows += columns.rows.reduce((sum, size) => sum + size, 0)
      expect(columns.counters).toEqual({
        ...plain.counters,
        // Fractions of a millisecond are cut from a row's time without being counted as a repair.
        clockRepairs: columns.counters.clockRepairs,
      })
    }),
    { numRuns: 500 },
  )
  expect(inRows).toBeGreaterThan(1000)
})

test('news only are in the row, and an unchanged poll makes none', () => {
  const clocks = { wallMs: START, monoMs: 0 }
  const { told, rows, conditioner } = openConditioner(clocks, true)
  const poll = (whole: number) => {
    clocks.monoMs += 100
    clocks.wallMs += 100
    const values = [whole, 1, 1, 1, 1, 1]
    const statuses = new Float64Array(plans.length).fill(GOOD)
    conditioner.takeColumns(0, { at: clocks.wallMs, values, statuses } as Columns)
  }
  poll(1)
  poll(1)
  expect(rows).toEqual([])
  told.length = 0
  poll(2)
  expect(rows).toEqual([1])
  expect(told).toEqual([
    { tag: 's/g/plc/Whole', at: clocks.wallMs, value: 2, quality: quality.good },
  ])
})
