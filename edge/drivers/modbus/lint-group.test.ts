/** What a poll costs, which tags share registers, and when a bus is asked for too much. */
import fc from 'fast-check'
import { Value as Schema } from 'typebox/value'
import { describe, expect, test } from 'vitest'
import { createTag, holding } from './bench-tags.ts'
import { busShare, lintGroup, lintOptions, optionsSchema, planSummary } from './modbus.ts'
import type { ModbusOptions } from './options.ts'

const create = (given: Record<string, unknown>): ModbusOptions =>
  Schema.Parse(optionsSchema, Schema.Default(optionsSchema, given))
const tcp = create({ host: 'plc' })
const slow = create({ transport: 'rtu', serialPort: '/dev/ttyS0', baudRate: 9600, parity: 'even' })

const register = (name: string, address: number, more = {}) =>
  createTag(name, 'UInt16', holding(address, more))

describe('the plan of a poll', () => {
  test('counts requests, what is wanted, what is read over, and bytes', () => {
    const tags = [register('A', 0), register('B', 5), register('C', 100)]
    const coil = createTag('D', 'Boolean', { table: 'coil', address: 9 })
    expect(planSummary([...tags, coil], tcp)).toEqual({
      requests: [
        { unit: 1, table: 'coil', address: 9, count: 1, tags: ['D'] },
        { unit: 1, table: 'holding', address: 0, count: 6, tags: ['A', 'B'] },
        { unit: 1, table: 'holding', address: 100, count: 1, tags: ['C'] },
      ],
      wanted: 4,
      read: 8,
      bytes: 3 * (12 + 9) + 1 + 12 + 2,
      busMs: undefined,
    })
  })

  test('on a bus the time is bytes times bits by baud, and the silences', () => {
    // 8 bytes out, 5 + 20 back, 11 bits each at 9600 baud, and twice 3.5 characters of silence.
    const { busMs, bytes } = planSummary(
      [createTag('A', 'String', holding(0, { registers: 10 }))],
      slow,
    )
    expect(bytes).toBe(33)
    expect(busMs).toBeCloseTo(((33 + 7) * 11 * 1000) / 9600, 6)
    const rested = create({ ...slow, turnaroundMs: 30, interFrameMs: 10 })
    const more = planSummary([register('A', 0)], rested).busMs ?? 0
    const less = planSummary([register('A', 0)], slow).busMs ?? 0
    expect(more - less).toBeCloseTo(30 + 10 - (3.5 * 11 * 1000) / 9600, 6)
  })

  test('every tag is in exactly one request, whatever the tags are', () => {
    const addresses = fc.array(fc.integer({ min: 0, max: 2000 }), { maxLength: 80 })
    fc.assert(
      fc.property(addresses, (list) => {
        const tags = list.map((address, i) => register(`T${i}`, address))
        const { requests, wanted, read } = planSummary(tags, tcp)
        const named = requests.flatMap((it) => it.tags).sort()
        expect(named).toEqual(tags.map((it) => it.name).sort())
        expect(wanted).toBe(new Set(list).size)
        expect(read).toBeGreaterThanOrEqual(wanted)
      }),
    )
  })
})

describe('problems of a group', () => {
  const lint = (tags: ReturnType<typeof register>[], options = tcp, intervalMs = 1000) =>
    lintGroup({ name: 'g', intervalMs, tags }, options)

  test('two tags on the same register are named, declared ones and different bits are not', () => {
    const wide = createTag('Wide', 'UInt32', holding(7))
    expect(lint([wide, register('Narrow', 8)])).toEqual([
      {
        tag: 'Narrow',
        say: 'shares holding 8 of unit 1 with "Wide"; if that is meant, write "overlap: true"',
      },
    ])
    expect(lint([wide, register('Narrow', 8, { overlap: true })])).toEqual([])
    expect(lint([wide, register('After', 9), register('Other', 8, { unitId: 2 })])).toEqual([])
    const bit = (name: string, at: number) => createTag(name, 'Boolean', holding(3, { bit: at }))
    const field = createTag('Mode', 'UInt8', holding(3, { bits: [4, 3] }))
    expect(lint([bit('B3', 3), bit('B7', 7), field])).toEqual([])
    expect(lint([bit('B4', 4), field])).toHaveLength(1)
    expect(lint([bit('B4', 4), bit('B4 again', 4)])).toHaveLength(1)
    expect(lint([bit('B4', 4), register('Word', 3)])).toHaveLength(1)
  })

  test('a broadcast is nothing to read on a bus, while over TCP unit 0 is the device itself', () => {
    const tag = register('A', 0, { unitId: 0 })
    expect(lint([tag], slow)).toMatchObject([{ tag: 'A', say: expect.stringMatching(/broadcast/) }])
    expect(lint([tag])).toEqual([])
  })

  test('a long string is found to overlap with a tag far behind it', () => {
    const text = createTag('Text', 'String', holding(0, { registers: 50 }))
    expect(lint([text, register('A', 60), register('B', 40)])).toMatchObject([{ tag: 'B' }])
  })

  test('a group that asks a bus for more than it can carry is told so with its numbers', () => {
    const tags = Array.from({ length: 60 }, (_, i) => register(`T${i}`, i * 20))
    const [problem] = lint(tags, slow)
    expect(problem?.say).toMatch(/at least \d{4} ms on the bus \(60 requests, 900 bytes of 11 bits/)
    expect(lint(tags, slow, 10_000)).toEqual([])
    expect(lint(tags, tcp, 50)).toEqual([])
  })

  test('groups add up on one bus; without a speed nothing is claimed', () => {
    const group = { name: 'g', intervalMs: 1000, tags: [register('A', 0)] }
    const one = busShare([group], slow) ?? 0
    expect(one).toBeGreaterThan(0)
    expect(busShare([group, group, group], slow)).toBeCloseTo(3 * one, 9)
    expect(busShare([group], tcp)).toBeUndefined()
  })
})

test('options that cannot work together are refused with words', () => {
  const refused: [Record<string, unknown>, RegExp][] = [
    [{}, /tcp needs "host"/],
    [{ transport: 'rtu-over-tcp' }, /rtu-over-tcp needs "host"/],
    [{ transport: 'rtu', baudRate: 9600 }, /needs "serialPort"/],
    [{ transport: 'rtu', serialPort: '/dev/ttyS0' }, /needs "baudRate"/],
    [{ transport: 'rtu', serialPort: '/dev/ttyS0', baudRate: 9600, host: 'plc' }, /"host" is not/],
    [{ host: 'plc', serialPort: '/dev/ttyS0' }, /needs transport rtu/],
    [{ host: 'plc', turnaroundMs: 5 }, /for a bus/],
  ]
  for (const [given, words] of refused) expect(lintOptions(create(given))).toMatch(words)
  for (const good of [tcp, slow, create({ transport: 'rtu-over-tcp', host: 'x', baudRate: 9600 })])
    expect(lintOptions(good)).toBeUndefined()
})
