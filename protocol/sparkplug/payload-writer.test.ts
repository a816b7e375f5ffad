/** Data written straight from samples is, byte for byte, what the metrics of these samples give. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type DataType, dataTypes, quality, type Sample } from '../model.ts'
import { encodePayload, type Metric } from './payload.ts'
import { writeData } from './payload-writer.ts'
import { encodeValue } from './values.ts'
import { areAllPlain, createFormColumns, createWireForm, isPlain } from './wire-form.ts'

const anyValue = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.string(),
  fc.double(),
  fc.maxSafeInteger(),
  fc.integer({ min: -200, max: 70_000 }),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n }),
)
const anyEntry = fc
  .record({
    type: fc.constantFrom(...dataTypes),
    alias: fc.nat(100_000),
    value: anyValue,
    at: fc.integer({ min: 0, max: 4_000_000_000_000 }),
    quality: fc.constantFrom(quality.good, quality.good, quality.bad, quality.stale),
    status: fc.option(fc.nat(), { nil: undefined }),
  })
  .filter(({ value, type }) => value === null || encodeValue(value, type) !== undefined)

function toMetric(entry: Omit<Sample, 'tag'> & { alias: number; type: DataType }): Metric {
  return { ...entry, quality: entry.quality === quality.good ? undefined : entry.quality }
}

test('samples of every type, value, quality and status', () => {
  fc.assert(
    fc.property(fc.array(anyEntry), fc.boolean(), fc.nat(255), (entries, historical, seq) => {
      const head = { at: 1_790_000_000_000, seq }
      const metrics = entries.map((it) => ({ ...toMetric(it), historical }))
      const samples = entries.map(({ value, at, quality: rating, status }): Sample => {
        return { tag: 's/g/d/T', value, at, quality: rating, status }
      })
      const forms = entries.map(({ alias, type }) => createWireForm(alias, type))
      const written = writeData(head, { parts: [{ samples, forms }], historical })
      const expected = encodePayload({ ...head, metrics }, { omitTypes: true })
      expect(Buffer.from(written).toString('hex')).toBe(Buffer.from(expected).toString('hex'))
    }),
  )
})

test('rows take the very bytes of their metrics', () => {
  const types = ['Int8', 'UInt8', 'Int16', 'UInt16', 'Int32', 'UInt32', 'Float', 'Double'] as const
  const anyAlias = fc.oneof(fc.nat(300), fc.constantFrom(2 ** 21, 2 ** 31, 2 ** 31 + 5))
  const anyValue = fc.oneof(fc.integer({ min: -200, max: 70_000 }), fc.double({ noNaN: true }))
  const anyTag = fc.record({ type: fc.constantFrom(...types), alias: anyAlias, value: anyValue })
  const anyAt = fc.oneof(fc.nat(), fc.constantFrom(2 ** 31, 1_790_000_000_000, 2 ** 53 - 1))
  fc.assert(
    fc.property(fc.array(anyTag), anyAt, fc.boolean(), (tags, at, historical) => {
      const forms = tags.map(({ alias, type }) => createWireForm(alias, type))
      const places = [...tags.keys()].filter((i) => isPlain(tags[i]!.value, forms[i]!))
      const row = {
        ...{ at, forms: createFormColumns(forms), places: Int32Array.from(places) },
        values: Float64Array.from(places, (i) => tags[i]!.value),
      }
      expect(areAllPlain(row)).toBe(true)
      const metrics = places.map((i) => ({ ...tags[i]!, at, historical }))
      const written = writeData({ seq: 1 }, { parts: [row], historical })
      const expected = encodePayload({ seq: 1, metrics }, { omitTypes: true })
      expect(Buffer.from(written).toString('hex')).toBe(Buffer.from(expected).toString('hex'))
    }),
  )
})
