/** What odd but legal values of a server become: exact, or bad; never something that only looks like a value. */
import {
  DataType,
  DataValue,
  StatusCodes,
  Variant,
  VariantArrayType,
  type VariantOptions,
} from 'node-opcua-client'
import { describe, expect, test } from 'vitest'
import { type DataType as OurType, quality, type Tag } from '../../../protocol/model.ts'
import { codes } from './node-ids.ts'
import { toSample } from './values.ts'

const tagOf = (type: OurType, address = {}): Tag => ({ id: 's/g/d/x', name: 'x', type, address })
const { Array: LIST, Scalar, Matrix } = VariantArrayType

function read(value: object | undefined, type: OurType, statusCode = StatusCodes.Good) {
  const variant = value && new Variant(value as VariantOptions)
  const data = new DataValue({ value: variant, statusCode })
  return toSample(tagOf(type), data, { timestamp: 'gather' as never, arrivedAt: 1 })
}

describe('no value of ours', () => {
  const list = (dataType: DataType, value: unknown[]) => ({ dataType, arrayType: LIST, value })
  const inner = new Variant({ dataType: DataType.Double, value: 1 })
  const cases: Record<string, [object | undefined, OurType]> = {
    'a good status without a value': [undefined, 'Double'],
    'a null variant': [{ dataType: DataType.Null }, 'Double'],
    'a null text': [{ dataType: DataType.String, value: null }, 'String'],
    bytes: [{ dataType: DataType.ByteString, value: Buffer.from('a') }, 'String'],
    'a list of bytes': [list(DataType.ByteString, [Buffer.from('a')]), 'String'],
    'a list of variants': [list(DataType.Variant, [inner]), 'String'],
    'a date that is none': [
      { dataType: DataType.DateTime, value: new Date(-11_644_473_600_000) },
      'Int64',
    ],
    'a list for one number': [list(DataType.Double, [5]), 'Double'],
  }
  for (const [name, [value, type]] of Object.entries(cases)) {
    test(`${name} is bad, with the reason`, () => {
      expect(read(value, type)).toMatchObject({
        value: null,
        quality: quality.bad,
        status: codes.badTypeMismatch,
      })
    })
  }
})

describe('a value', () => {
  test('of 64 bits is exact at both ends', () => {
    const int = (dataType: DataType, words: number[]) =>
      read({ dataType, arrayType: Scalar, value: words }, 'Int64').value
    expect(int(DataType.Int64, [0x200000, 1])).toBe(9_007_199_254_740_993n)
    expect(int(DataType.Int64, [0x80000000, 0])).toBe(-(1n << 63n))
    expect(int(DataType.UInt64, [0xffffffff, 0xffffffff])).toBe((1n << 64n) - 1n)
  })

  test('may be an empty text or an empty list', () => {
    expect(read({ dataType: DataType.String, value: '' }, 'String').value).toBe('')
    const empty = { dataType: DataType.Double, arrayType: LIST, value: [] }
    expect(read(empty, 'String').value).toBe('[]')
    const flat = { dataType: DataType.Int16, arrayType: Matrix, dimensions: [2, 1], value: [1, 2] }
    expect(read(flat, 'String').value).toBe('[1,2]')
  })

  test('that is uncertain is kept as stale, with its whole status', () => {
    const value = { dataType: DataType.Double, value: 7 }
    expect(read(value, 'Double', StatusCodes.UncertainLastUsableValue)).toMatchObject({
      value: 7,
      quality: quality.stale,
      status: 0x40900000,
    })
    expect(read(value, 'Double', StatusCodes.BadDeviceFailure)).toMatchObject({
      value: null,
      status: 0x808b0000,
    })
  })
})
