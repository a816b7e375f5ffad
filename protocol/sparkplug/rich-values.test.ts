/** DataSets, Templates, arrays, bytes, property sets and metadata: round trips, the standard's rules, hostile bytes. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type DataType, dataTypes, type Value } from '../model.ts'
import { decodePayload, type Metric } from './payload.ts'
import { encodeWire, formMetric, formRich, packArray, type WireMetric } from './rich.fixture.ts'
import type { RichValue, Template } from './rich-values.ts'
import { payloadLimits } from './wire-guard.ts'

const arbitraryOf: Record<DataType, fc.Arbitrary<Value>> = {
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
  String: fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0')),
}
const type = fc.constantFrom(...dataTypes)
const cellOf = (of: DataType) => fc.option(arbitraryOf[of], { nil: null })
const name = fc.string({ minLength: 1 })
const dataSet: fc.Arbitrary<RichValue> = fc
  .array(fc.tuple(name, type), { maxLength: 5 })
  .chain((columns) =>
    fc.record({
      kind: fc.constant('DataSet'),
      columns: fc.constant(columns.map(([column]) => column)),
      types: fc.constant(columns.map(([, of]) => of)),
      rows: fc.array(fc.tuple(...columns.map(([, of]) => cellOf(of))), { maxLength: 5 }),
    }),
  ) as never
const array: fc.Arbitrary<RichValue> = type.chain((of) =>
  fc.record({
    kind: fc.constant('Array'),
    type: fc.constant(of),
    values: fc.array(arbitraryOf[of], { maxLength: 20 }),
  }),
) as never
const bytes: fc.Arbitrary<RichValue> = fc.record({
  kind: fc.constantFrom('Bytes', 'File'),
  bytes: fc.uint8Array({ maxLength: 50 }),
}) as never
const parameter = type.chain((of) => fc.record({ name, type: fc.constant(of), value: cellOf(of) }))
const plainMetric: fc.Arbitrary<Metric> = type.chain((of) =>
  fc.record({ name, type: fc.constant(of), value: cellOf(of) }),
)
const asMetric = (rich: RichValue): Metric => ({
  value: null,
  unsupported: rich.kind === 'Array' ? `${rich.type}Array` : rich.kind,
  rich,
})
const templateOf = (depth: number): fc.Arbitrary<RichValue> =>
  fc
    .record({
      ref: fc.option(name, { nil: undefined }),
      version: fc.string(),
      parameters: fc.array(parameter, { maxLength: 3 }),
      metrics: fc.array(
        depth > 0 ? fc.oneof(plainMetric, templateOf(depth - 1).map(asMetric)) : plainMetric,
        { maxLength: 3 },
      ),
    })
    .map(({ ref, ...rest }) => ({
      kind: 'Template',
      isDefinition: ref === undefined,
      ...(ref === undefined ? {} : { ref }),
      ...rest,
    }))
const rich = fc.oneof(dataSet, array, bytes, templateOf(1))
const decodeOne = (metric: WireMetric) => decodePayload(encodeWire([metric])).metrics[0]!
const refused = (metric: WireMetric, say: RegExp) =>
  expect(() => decodeOne(metric)).toThrow(
    expect.objectContaining({ code: 'sparkplug.invalid', message: expect.stringMatching(say) }),
  )

test('tck-id-payloads-dataset-column-size, tck-id-payloads-dataset-types-def, tck-id-payloads-template-dataset-value, tck-id-payloads-template-version: what a sender forms is read again, every type, rows, parameters, nested metrics', () => {
  fc.assert(
    fc.property(rich, (value) => {
      expect(decodeOne(formMetric({ ...asMetric(value), name: 'm' }))).toEqual({
        ...asMetric(value),
        name: 'm',
      })
    }),
  )
})

test.each([
  ['BooleanArray', 32, [0x0c, 0, 0, 0, 0x34, 0xd0], '001101001101'],
  ['StringArray', 33, [0x41, 0x42, 0x43, 0, 0x68, 0x65, 0x6c, 0x6c, 0x6f, 0], 'ABC,hello'],
  ['Int8Array', 22, [0xef, 0x7b], '-17,123'],
  ['Int16Array', 23, [0xd0, 0x8a, 0x30, 0x75], '-30000,30000'],
  ['UInt32Array', 28, [0x3b, 0, 0, 0], '59'],
  ['DateTimeArray', 34, [0xc7, 0xd0, 0x90, 0x75, 0x24, 1, 0, 0], '1256102875335'],
] as const)('an example of the standard: %s', (unsupported, datatype, value, text) => {
  const wire = { datatype, value: { case: 'bytesValue', value: Uint8Array.from(value) } } as const
  const metric = decodeOne(wire)
  expect(metric).toMatchObject({ unsupported, value: null, rich: { kind: 'Array' } })
  const values = (metric.rich as { values: Value[] }).values
  const shown = typeof values[0] === 'boolean' ? values.map(Number).join('') : values.join(',')
  expect(shown).toBe(text)
})

test.each([
  ['a DateTime', 13, { case: 'longValue', value: 5n }, { type: 'UInt64', value: 5n }],
  ['a Text', 14, { case: 'stringValue', value: 'x' }, { type: 'String', value: 'x' }],
  ['a UUID', 15, { case: 'stringValue', value: 'u' }, { type: 'String', value: 'u' }],
  ['a null DataSet', 16, undefined, { unsupported: 'DataSet', value: null }],
  ['an unknown type', 99, { case: 'intValue', value: 1 }, { unsupported: 'type 99', value: null }],
] as const)(
  'tck-id-payloads-metric-datatype-value, -type: %s is read',
  (_, datatype, value, told) => {
    const wire = {
      datatype,
      isNull: value === undefined,
      ...(value ? { value } : {}),
    } as WireMetric
    expect(decodeOne(wire)).toMatchObject(told)
  },
)

test('property sets, sets within sets, and metadata are read; keys come as they are, even those of an object', () => {
  const [metric] = decodePayload(
    encodeWire([
      {
        name: 'm',
        isTransient: true,
        metadata: { isMultiPart: true, size: 7n, fileName: 'a.bin', md5: 'x', description: '' },
        properties: {
          keys: ['Quality', '__proto__', 'low', 'set', 'list', 'none'],
          values: [
            { type: 3, value: { case: 'intValue', value: 500 } },
            { type: 12, value: { case: 'stringValue', value: 'p' } },
            { type: 1, value: { case: 'intValue', value: 0xff } },
            { value: { case: 'propertysetValue', value: { keys: ['k'], values: [{}] } } },
            { value: { case: 'propertysetsValue', value: { propertyset: [{ keys: [] }] } } },
            { type: 10, isNull: true },
          ],
        },
      },
    ]),
  ).metrics
  expect(metric).toMatchObject({
    ...{ transient: true, quality: 500 },
    metadata: { isMultiPart: true, size: 7, fileName: 'a.bin', md5: 'x', description: '' },
  })
  expect([...metric!.properties!]).toEqual([
    ...[['Quality', 500] as const, ['__proto__', 'p'] as const, ['low', -1] as const],
    ...[['set', new Map([['k', null]])] as const, ['list', [new Map()]] as const, ['none', null]],
  ])
})

const set = (value: object): WireMetric =>
  ({ datatype: 16, value: { case: 'datasetValue', value } }) as never
const template = (value: object): WireMetric =>
  ({ datatype: 19, value: { case: 'templateValue', value } }) as never
const row = { elements: [{ value: { case: 'intValue', value: 1 } }] }

test.each<[string, WireMetric, RegExp]>([
  [
    'tck-id-payloads-dataset-column-num-headers, tck-id-payloads-dataset-types-num: columns without as many types',
    set({ columns: ['a', 'b'], types: [3] }),
    /without its types/,
  ],
  [
    'tck-id-payloads-dataset-parameter-type-req: no types',
    set({ columns: ['a'] }),
    /without its types/,
  ],
  [
    'tck-id-payloads-dataset-types-type, tck-id-payloads-dataset-types-value: a column of a type that is not basic',
    set({ columns: ['a'], types: [19] }),
    /column of type 19/,
  ],
  ['a column of UUIDs, which are not basic', set({ columns: ['a'], types: [15] }), /of type 15/],
  ['another number of columns than said', set({ numOfColumns: 9n, columns: [] }), /9 columns/],
  ['a row too long', set({ columns: [], rows: [row] }), /row of another length/],
  ['a row too short', set({ columns: ['a'], types: [3], rows: [{}] }), /row of another length/],
  ['a cell of another type', set({ columns: ['a'], types: [12], rows: [row] }), /not String/],
  [
    'tck-id-payloads-template-definition-ref, tck-id-payloads-template-ref-definition, tck-id-payloads-template-is-definition-definition: a definition that refers to one',
    template({ isDefinition: true, templateRef: 'x' }),
    /neither a definition/,
  ],
  [
    'tck-id-payloads-template-instance-ref, tck-id-payloads-template-ref-instance, tck-id-payloads-template-is-definition, tck-id-payloads-template-is-definition-instance: an instance of nothing',
    template({ isDefinition: false }),
    /neither a definition/,
  ],
  [
    'tck-id-payloads-template-parameter-name-required, tck-id-payloads-template-parameter-name-type: a parameter without a name',
    template({ isDefinition: true, parameters: [{ type: 3 }] }),
    /without a name/,
  ],
  [
    'tck-id-payloads-template-parameter-value-type, tck-id-payloads-template-parameter-type-value: a parameter of a type that is not basic',
    template({ isDefinition: true, parameters: [{ name: 'p', type: 16 }] }),
    /parameter of type 16/,
  ],
  [
    'tck-id-payloads-template-parameter-value: a parameter that is not of its type',
    template({
      isDefinition: true,
      parameters: [{ name: 'p', type: 12, value: { case: 'intValue', value: 1 } }],
    }),
    /not String/,
  ],
  [
    'tck-id-payloads-propertyset-keys-array-size, tck-id-payloads-propertyset-values-array-size: more keys than values',
    { properties: { keys: ['a', 'b'], values: [{}] } },
    /2 property keys for 1 values/,
  ],
  [
    'tck-id-payloads-metric-propertyvalue-type-value: a property that is not of its type',
    { properties: { keys: ['a'], values: [{ type: 12, value: { case: 'intValue', value: 1 } }] } },
    /not String/,
  ],
  ['a DataSet that calls itself Int32', { ...set({}), datatype: 3 }, /no Int32/],
  ['a template that calls itself a DataSet', { ...template({}), datatype: 16 }, /no DataSet/],
  ['half an Int32', { datatype: 24, ...bytesOf(new Uint8Array(6)) }, /array of Int32/],
  [
    'four billion booleans in five bytes',
    { datatype: 32, ...bytesOf(255, 255, 255, 255, 1) },
    /Boolean/,
  ],
  ['a text without its end', { datatype: 33, ...bytesOf(65) }, /without its end/],
  ['a text that is not UTF-8', { datatype: 33, ...bytesOf(0xff, 0) }, /UTF-8/],
])('refused in words: %s', (_, metric, say) => refused(metric, say))

function bytesOf(...value: [Uint8Array] | number[]): WireMetric {
  const [first] = value
  const bytes = first instanceof Uint8Array ? first : Uint8Array.from(value as number[])
  return { value: { case: 'bytesValue', value: bytes } }
}

describe('hostile rich values', () => {
  test('columns and rows are counted before anything is decoded', () => {
    const columns = Array.from({ length: payloadLimits.maxColumns + 1 }, () => '')
    refused(set({ columns, types: columns.map(() => 3) }), /too many columns/)
    const rows = Array.from({ length: payloadLimits.maxRows + 1 }, () => ({}))
    refused(set({ rows }), /too many rows/)
    // In many DataSets together, too.
    const metrics = Array.from({ length: 11 }, () => set({ rows: rows.slice(0, 1_000) }))
    expect(() => decodePayload(encodeWire(metrics))).toThrow(/too many rows/)
  })
  test('templates in templates end at the depth that is read', () => {
    const nest = (depth: number): Template => ({
      ...{ kind: 'Template', isDefinition: false, ref: 'T', parameters: [] },
      metrics: depth === 0 ? [] : [asMetric(nest(depth - 1))],
    })
    expect(decodeOne(formRich(nest(2))).rich).toEqual(nest(2))
    refused(formRich(nest(4)), /nested too deeply/)
  })
  test('damaged rich payloads are read or refused, never anything else', () => {
    const damaged = fc
      .tuple(fc.array(rich, { minLength: 1, maxLength: 3 }), fc.nat(), fc.nat({ max: 255 }))
      .map(([values, at, byte]) => {
        const good = encodeWire(values.map(formRich))
        good[at % good.length] = byte
        return good
      })
    fc.assert(
      fc.property(damaged, (payload) => {
        try {
          decodePayload(payload)
        } catch (error) {
          expect(error).toMatchObject({ code: 'sparkplug.invalid' })
        }
      }),
      { numRuns: 1_000 },
    )
  })
})

test('the fixture packs as the standard shows', () => {
  expect([...packArray('Boolean', [false, false, true, true, false, true])]).toEqual([
    6, 0, 0, 0, 0x34,
  ])
})
