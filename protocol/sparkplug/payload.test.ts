/** The payload codec: round trips, Sparkplug's integer rules, and what hostile bytes get. */
import { deflateSync, gzipSync } from 'node:zlib'
import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type DataType, dataTypes, quality } from '../model.ts'
import { PayloadSchema } from './generated/sparkplug_b_pb.js'
import { decodePayload, encodePayload, type Metric } from './payload.ts'
import { encodeValue, typeCodes, typeValue } from './values.ts'
import { payloadLimits } from './wire-guard.ts'

const valueArbitraries: Record<DataType, fc.Arbitrary<Metric['value']>> = {
  Int8: fc.integer({ min: -128, max: 127 }),
  Int16: fc.integer({ min: -32768, max: 32767 }),
  Int32: fc.integer(),
  Int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  UInt8: fc.integer({ min: 0, max: 255 }),
  UInt16: fc.integer({ min: 0, max: 65535 }),
  UInt32: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  UInt64: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  Float: fc.float(),
  Double: fc.double(),
  Boolean: fc.boolean(),
  String: fc.string({ unit: 'grapheme' }),
}
const metricOf = fc.constantFrom(...dataTypes).chain((type) =>
  fc.record<Metric>(
    {
      name: fc.string({ minLength: 1 }),
      alias: fc.nat(),
      at: fc.nat({ max: 8.64e15 }),
      type: fc.constant(type),
      value: fc.option(valueArbitraries[type], { nil: null }),
      historical: fc.constant(true),
      quality: fc.constantFrom(...Object.values(quality)),
      status: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      unit: fc.string(),
    },
    { requiredKeys: ['type', 'value'] },
  ),
)

test('what is encoded is decoded, for every type, property and flag', () => {
  fc.assert(
    fc.property(fc.array(metricOf, { maxLength: 20 }), fc.nat({ max: 255 }), (metrics, seq) => {
      const payload = { at: 1_700_000_000_000, seq, metrics }
      expect(decodePayload(encodePayload(payload))).toEqual(payload)
    }),
  )
})

test('the bytes are those of the protobuf library, field by field', () => {
  fc.assert(
    fc.property(fc.array(metricOf, { maxLength: 20 }), fc.nat({ max: 255 }), (metrics, seq) => {
      const bytes = encodePayload({ at: 1_700_000_000_000, seq, metrics })
      const library = toBinary(PayloadSchema, fromBinary(PayloadSchema, bytes))
      expect(Buffer.from(bytes).equals(library)).toBe(true)
    }),
  )
})

test('a text longer than one, two and three length bytes arrives whole', () => {
  for (const size of [0, 127, 128, 16_383, 16_384, 3_000_000]) {
    const metrics: Metric[] = [{ name: 'T', type: 'String', value: 'あ'.repeat(size) }]
    const bytes = encodePayload({ metrics })
    const [back] = fromBinary(PayloadSchema, bytes).metrics
    expect(back!.value.value).toBe(metrics[0]!.value)
  }
})

test('tck-id-payloads-metric-datatype-not-req: data goes without datatypes and is read by those of the birth', () => {
  fc.assert(
    fc.property(metricOf, (metric) => {
      const bytes = encodePayload({ metrics: [metric] }, { omitTypes: true })
      const [back] = decodePayload(bytes).metrics
      expect(back!.type).toBeUndefined()
      const value = back!.value === null ? null : typeValue(back!.value, metric.type!)
      expect(value).toEqual(metric.value)
    }),
  )
})

test.each([
  ['Int8', 0xff, -1],
  ['Int8', 0xffffffff, -1],
  ['Int16', 0xfffe, -2],
  ['Int16', 0xfffffffe, -2],
  ['Int32', 0xfffffffd, -3],
  ['Int64', 2n ** 64n - 1n, -1n],
  ['Int8', 0x1ff, undefined],
  ['UInt8', 256, undefined],
  ['Boolean', 1, undefined],
  ['Double', 'x', undefined],
] as const)('%s from the wire value %s is %s', (type, raw, value) => {
  expect(typeValue(raw, type)).toBe(value)
})

test('bits beyond a type that are neither its sign nor nothing make another number, and none of that type', () => {
  for (const [raw, type] of [
    [70_000, 'Int16'],
    [300, 'Int8'],
    [2 ** 32 + 5, 'Int32'],
    [0x1_00_05, 'Int16'],
    [65_536, 'UInt16'],
  ] as const) {
    expect(typeValue(raw, type), `${raw} as ${type}`).toBeUndefined()
  }
})

test.each([
  ['Int8', 128],
  ['Int16', 1.5],
  ['UInt32', -1],
  ['Int64', 2n ** 63n],
  ['Float', 1n],
  ['Boolean', 1],
] as const)('a value is never wrapped or cut to fit: %s refuses %s', (type, value) => {
  expect(encodeValue(value, type)).toBeUndefined()
  expect(() => encodePayload({ metrics: [{ name: 'x', type, value }] })).toThrow(/does not fit/)
})

test('tck-id-payloads-propertyset-quality-value-type: Quality travels as Int32, tck-id-payloads-propertyset-values-array-size', () => {
  const bytes = encodePayload({
    metrics: [{ name: 'x', value: 1, quality: 500, status: 0x80340000 }],
  })
  const properties = create(PayloadSchema, {
    metrics: [
      {
        name: 'x',
        datatype: typeCodes.Double,
        properties: {
          keys: ['Quality', 'StatusCode'],
          values: [
            { type: 3, value: { case: 'intValue', value: 500 } },
            { type: 7, value: { case: 'intValue', value: 0x80340000 } },
          ],
        },
        value: { case: 'doubleValue', value: 1 },
      },
    ],
  })
  expect(Buffer.from(bytes)).toEqual(Buffer.from(toBinary(PayloadSchema, properties)))
})

describe('hostile payloads', () => {
  const refused = (bytes: Uint8Array) =>
    expect(() => decodePayload(bytes)).toThrow(
      expect.objectContaining({ code: 'sparkplug.invalid' }),
    )
  /** A length-delimited field around some bytes. */
  const wrap = (field: number, inner: Buffer): Buffer => {
    const varint = (value: number): number[] =>
      value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))]
    return Buffer.concat([Buffer.from([...varint(field * 8 + 2), ...varint(inner.length)]), inner])
  }

  test('49 kB of nested templates are refused before any decoder recurses', () => {
    let bytes: Buffer = Buffer.alloc(0)
    while (bytes.length < 49_000) bytes = wrap(18, wrap(2, bytes))
    refused(wrap(2, bytes))
  })
  test('400 kB of empty metrics are refused by their count', () => {
    refused(Buffer.alloc(400_000, Buffer.from([0x12, 0])))
  })
  test('nested empty properties are refused by the count of fields', () => {
    refused(wrap(2, wrap(9, Buffer.alloc(500_000, Buffer.from([0x0a, 0])))))
  })
  test('a payload beyond the byte limit is refused', () => {
    refused(new Uint8Array(payloadLimits.maxBytes + 1))
  })
  test('a metric that claims to be longer than its payload is refused', () => {
    refused(Buffer.from([0x12, 0x7f, 0x0a]))
  })
  test('invalid UTF-8 in a name is refused, not replaced silently into another name', () => {
    refused(wrap(2, wrap(1, Buffer.from([0xff, 0xfe]))))
  })
  test('a sequence number of 256 is refused', () => {
    refused(toBinary(PayloadSchema, create(PayloadSchema, { seq: 256n })))
  })
  test('a timestamp no Date can hold is refused', () => {
    refused(toBinary(PayloadSchema, create(PayloadSchema, { timestamp: 2n ** 63n })))
  })
  test('a 1 MB zero bomb in a compressed body is refused by its inflated size', () => {
    const body = deflateSync(Buffer.alloc(payloadLimits.maxInflatedBytes + 1))
    refused(toBinary(PayloadSchema, create(PayloadSchema, { uuid: 'SPBV1.0_COMPRESSED', body })))
  })
  test('a body compressed twice is opened once: what is inside is a message like any other', () => {
    const bomb = deflateSync(Buffer.alloc(payloadLimits.maxInflatedBytes + 1))
    const marked = { uuid: 'SPBV1.0_COMPRESSED', body: bomb }
    const inner = toBinary(PayloadSchema, create(PayloadSchema, marked))
    const outer = { uuid: 'SPBV1.0_COMPRESSED', body: deflateSync(inner) }
    expect(decodePayload(toBinary(PayloadSchema, create(PayloadSchema, outer)))).toEqual({
      metrics: [],
    })
  })
  test.each([
    [1, { case: 'intValue', value: 2 ** 31 }],
    [11, { case: 'intValue', value: 1 }],
    [12, { case: 'doubleValue', value: 1 }],
    [4, { case: 'stringValue', value: '1' }],
    [3, { case: 'bytesValue', value: Uint8Array.of(1) }],
  ] as const)('a value that is not of its datatype %i is refused', (datatype, value) => {
    const message = create(PayloadSchema, { metrics: [{ name: 'x', datatype, value }] })
    refused(toBinary(PayloadSchema, message))
  })
  test('random and damaged bytes are decoded or refused, never anything else', () => {
    const good = encodePayload({
      at: 1,
      seq: 1,
      metrics: [{ name: 'a', alias: 1, at: 2, type: 'Int32', value: -5, quality: 0 }],
    })
    const damaged = fc
      .tuple(fc.nat({ max: good.length - 1 }), fc.nat({ max: 255 }))
      .map(([at, byte]) => {
        const bytes = Uint8Array.from(good)
        bytes[at] = byte
        return bytes
      })
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged), (bytes) => {
        try {
          decodePayload(bytes)
        } catch (error) {
          expect(error).toMatchObject({ code: 'sparkplug.invalid' })
        }
      }),
      { numRuns: 2_000 },
    )
  })
})

test.each([
  ['DEFLATE', deflateSync],
  ['GZIP', gzipSync],
] as const)('a body compressed by %s is accepted', (algorithm, compress) => {
  const payload = { at: 5, seq: 3, metrics: [{ name: 'x', type: 'Int32' as const, value: 42 }] }
  const message = create(PayloadSchema, {
    uuid: 'SPBV1.0_COMPRESSED',
    seq: 3n,
    body: compress(encodePayload(payload)),
    metrics: [
      { name: 'algorithm', datatype: 12, value: { case: 'stringValue', value: algorithm } },
    ],
  })
  expect(decodePayload(toBinary(PayloadSchema, message))).toEqual(payload)
})
