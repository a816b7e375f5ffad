/** Packing: nothing changes on the way, damage is noticed, and a sample takes few bytes. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { quality, type Sample, type TagId } from '../../protocol/model.ts'
import { Parts, type RowTags } from '../readings.ts'
import { packBatch } from './pack.ts'
import { unpackBatch } from './unpack.ts'

const tags = Array.from({ length: 50 }, (_, index): TagId => `plant/gw1/plc/Tag${index}`)
const numberOf = (tag: TagId) => tags.indexOf(tag)
const numbers = { numberOf, numbersOf: (of: RowTags) => Int32Array.from(of.tags, numberOf) }
const tagOf = (number: number) => tags[number]

const sampleOf = fc.record<Sample>(
  {
    tag: fc.constantFrom(...tags),
    at: fc.oneof(fc.nat({ max: 8.64e15 }), fc.double({ min: 0, max: 2e12, noNaN: true })),
    value: fc.oneof(
      fc.constant(null),
      fc.double(),
      fc.float(),
      fc.integer(),
      fc.maxSafeInteger(),
      fc.integer({ min: -1e6, max: 1e6 }).map((whole) => whole / 100),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n - 1n }),
      fc.boolean(),
      fc.string({ unit: 'grapheme' }),
    ),
    quality: fc.constantFrom(...Object.values(quality)),
    status: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  },
  { requiredKeys: ['tag', 'at', 'value', 'quality'] },
)
const gapOf = fc.record({
  gateway: fc.constant('gw1'),
  from: fc.nat(),
  to: fc.nat(),
  reason: fc.constantFrom('gateway-down' as const, 'outbox-full' as const),
})

test('what is packed is unpacked, to the bit of a double and the digit of a bigint', () => {
  fc.assert(
    fc.property(
      fc.array(sampleOf, { maxLength: 60 }),
      fc.array(gapOf, { maxLength: 3 }),
      (samples, gaps) => {
        const back = unpackBatch(packBatch({ samples, gaps }, numbers), tagOf)
        expect(back).toEqual({ samples, gaps })
        for (const [index, { value }] of samples.entries()) {
          expect(Object.is(back!.samples[index]!.value, value)).toBe(true)
        }
      },
    ),
    { numRuns: 500 },
  )
})

test('a flipped bit anywhere is noticed', () => {
  const samples = tags.map((tag, index) => ({
    tag,
    at: 1e12 + index,
    value: index / 10,
    quality: 192 as const,
  }))
  const bytes = packBatch({ samples, gaps: [] }, numbers)
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const damaged = Uint8Array.from(bytes)
    damaged[bit >> 3]! ^= 1 << (bit & 7)
    expect(unpackBatch(damaged, tagOf)).toBeUndefined()
  }
})

test('a poll of 50 tags with decimals takes less than 8 bytes a sample, 5 for counters', () => {
  const at = 1_790_000_000_000
  const size = (value: (index: number) => number) => {
    const samples = tags.map((tag, index) => ({
      tag,
      at,
      value: value(index),
      quality: 192 as const,
    }))
    return packBatch({ samples, gaps: [] }, numbers).length / samples.length
  }
  expect(size((index) => Math.round(Math.sin(index) * 10_000) / 100)).toBeLessThan(8)
  expect(size((index) => 10_000 + index)).toBeLessThanOrEqual(5.5)
})

test('rows take the very bytes of their samples', () => {
  const numberArb = fc.oneof(fc.integer(), fc.double(), fc.float(), fc.constantFrom(-0, 23.4))
  const rowOf = fc
    .record({
      at: fc.nat({ max: 8.64e15 }),
      values: fc.array(fc.option(numberArb, { nil: undefined }), { maxLength: tags.length }),
    })
    // Nobody makes a row without a value.
    .filter(({ values }) => values.some((value) => value !== undefined))
  fc.assert(
    fc.property(fc.array(fc.oneof(rowOf, fc.array(sampleOf, { maxLength: 5 }))), (list) => {
      const of: RowTags = { tags }
      const parts = list.map((part) => {
        if (Array.isArray(part)) return part
        const places = part.values.flatMap((value, i) => (value === undefined ? [] : [i]))
        const values = part.values.filter((value) => value !== undefined)
        return {
          of,
          at: part.at,
          places: Int32Array.from(places),
          values: Float64Array.from(values),
        }
      })
      const packed = packBatch({ samples: new Parts(parts), gaps: [] }, numbers)
      const samples = [...new Parts(parts)]
      expect(packed).toEqual(packBatch({ samples, gaps: [] }, numbers))
    }),
  )
})
