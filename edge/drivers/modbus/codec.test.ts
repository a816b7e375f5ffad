/** Golden bytes of every encoding and order, the round trip, and the words of an address. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { DataType, Tag, Value } from '../../../protocol/model.ts'
import { type Point, resolvePoint } from './address.ts'
import { type ByteOrder, byteOrders, type Encoding } from './address-schema.ts'
import { decodePoint, encodePoint } from './codec.ts'
import { lintTag } from './modbus.ts'

function createPoint(encoding: Encoding, count: number, byteOrder: ByteOrder = 'ABCD'): Point {
  return { unit: 1, table: 'holding', address: 0, count, encoding, bit: 0, byteOrder }
}

const golden: [Encoding, number, ByteOrder, string, Value][] = [
  ['uint16', 1, 'ABCD', 'fffe', 65_534],
  ['int16', 1, 'ABCD', 'fffe', -2],
  ['int16', 1, 'BADC', 'feff', -2],
  ['uint32', 2, 'ABCD', '01020304', 0x01020304],
  ['uint32', 2, 'CDAB', '03040102', 0x01020304],
  ['uint32', 2, 'BADC', '02010403', 0x01020304],
  ['uint32', 2, 'DCBA', '04030201', 0x01020304],
  ['int32', 2, 'CDAB', 'fffeffff', -2],
  ['float32', 2, 'ABCD', '41200000', 10],
  ['float32', 2, 'CDAB', '00004120', 10],
  ['float64', 4, 'ABCD', '3ff8000000000000', 1.5],
  ['float64', 4, 'CDAB', '0000000000003ff8', 1.5],
  ['uint64', 4, 'ABCD', '0102030405060708', 0x0102030405060708n],
  ['uint64', 4, 'CDAB', '0708050603040102', 0x0102030405060708n],
  ['uint64', 4, 'DCBA', '0807060504030201', 0x0102030405060708n],
  ['int64', 4, 'ABCD', 'ffffffffffffffff', -1n],
  ['string', 3, 'ABCD', '414220200000', 'AB'],
  ['string', 2, 'BADC', '42414443', 'ABCD'],
  ['string', 2, 'CDAB', '41424344', 'ABCD'],
]

describe('bytes', () => {
  for (const [encoding, count, order, hex, value] of golden) {
    test(`${encoding} in ${order}: ${hex} is ${value}`, () => {
      const point = createPoint(encoding, count, order)
      expect(decodePoint(point, Buffer.from(hex, 'hex'))).toBe(value)
      if (encoding !== 'string') expect(encodePoint(point, value).toString('hex')).toBe(hex)
    })
  }

  test('each bit of a register is told from the others, the low byte first where the order says so', () => {
    for (let bit = 0; bit < 16; bit++) {
      const bytes = Buffer.alloc(2)
      bytes.writeUInt16BE(1 << bit)
      const point = (at: number) => ({ ...createPoint('bool', 1), bit: at })
      const read = Array.from({ length: 16 }, (_, at) => decodePoint(point(at), bytes))
      expect(read).toEqual(read.map((_, at) => at === bit))
    }
    const swapped = { ...createPoint('bool', 1, 'BADC'), bit: 0 }
    expect(decodePoint(swapped, Buffer.of(1, 0))).toBe(true)
  })

  test('what is encoded is decoded again, in every order', () => {
    const order = fc.constantFrom(...byteOrders)
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), order, (value, it) => {
        const point = createPoint('int64', 4, it)
        expect(decodePoint(point, encodePoint(point, value))).toBe(value)
      }),
    )
    fc.assert(
      fc.property(fc.float({ noNaN: true }), order, (value, it) => {
        const point = createPoint('float32', 2, it)
        expect(decodePoint(point, encodePoint(point, value))).toBe(value)
      }),
    )
  })

  test('a value that does not fit is an error, never a truncated write', () => {
    expect(() => encodePoint(createPoint('int16', 1), 40_000)).toThrow(RangeError)
    expect(() => encodePoint(createPoint('uint16', 1), 1.5)).toThrow(RangeError)
    expect(() => encodePoint(createPoint('float32', 2), 1e300)).toThrow(RangeError)
    expect(() => encodePoint(createPoint('string', 1), 'ABC')).toThrow(RangeError)
    expect(() => encodePoint(createPoint('uint16', 1), 'x')).toThrow(TypeError)
  })
})

describe('addresses', () => {
  const resolve = (address: Record<string, unknown>, type: DataType = 'UInt16') => {
    const tag: Tag = { id: 's/g/d/t', name: 't', type, address }
    return resolvePoint(tag, { unit: 9, byteOrder: 'CDAB' })
  }

  test('a zero-based address and a one-based reference meet at the same register', () => {
    const zeroBased = resolve({ table: 'holding', address: 0 })
    for (const ref of [40001, '40001', 400001, '400001'])
      expect(resolve({ ref })).toEqual(zeroBased)
    expect(zeroBased).toMatchObject({ table: 'holding', address: 0, unit: 9, byteOrder: 'CDAB' })
    expect(resolve({ ref: 30010 })).toMatchObject({ table: 'input', address: 9 })
    expect(resolve({ ref: 10001 }, 'Boolean')).toMatchObject({ table: 'discrete', address: 0 })
    expect(resolve({ ref: '00017' }, 'Boolean')).toMatchObject({ table: 'coil', address: 16 })
    expect(resolve({ ref: 465_536 })).toMatchObject({ table: 'holding', address: 65_535 })
  })

  test('what could be guessed is refused with words instead', () => {
    const refused: [Record<string, unknown>, DataType, RegExp][] = [
      [{ address: 5 }, 'UInt16', /needs "table"/],
      [{}, 'UInt16', /missing/],
      [{ ref: 40001, address: 0 }, 'UInt16', /exclude/],
      [{ ref: 40001, table: 'holding' }, 'UInt16', /leave "table" out/],
      [{ ref: 40000 }, 'UInt16', /start at 1/],
      [{ ref: 20001 }, 'UInt16', /no reference/],
      [{ ref: 465_536 }, 'UInt32', /beyond/],
      [{ table: 'holding', address: 0 }, 'Boolean', /needs "bit"/],
      [{ table: 'holding', address: 0, bit: 1 }, 'UInt16', /encoding bool/],
      [{ table: 'holding', address: 0 }, 'String', /"registers"/],
      [{ table: 'coil', address: 0, encoding: 'int16' }, 'UInt16', /one bit/],
    ]
    for (const [address, type, words] of refused) {
      expect(resolve(address, type)).toMatch(words)
      expect(lintTag({ id: 's/g/d/t', name: 't', type, address })).toMatch(words)
    }
  })
})
