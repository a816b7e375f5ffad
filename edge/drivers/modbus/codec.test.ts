/** Golden bytes of every encoding and order, the round trip, and the words of an address. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { DataType, Tag, Value } from '../../../protocol/model.ts'
import { type Point, resolvePoint } from './address.ts'
import { type ByteOrder, byteOrders, type Charset, type Encoding } from './address-schema.ts'
import { decodePoint, encodeMasks, encodePoint } from './codec.ts'
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
  ['float16', 1, 'ABCD', '3c00', 1],
  ['float16', 1, 'BADC', '00c0', -2],
  ['float16', 1, 'ABCD', '7bff', 65_504],
  ['float16', 1, 'ABCD', '0001', 2 ** -24],
  ['float16', 1, 'ABCD', '8000', -0],
  ['float16', 1, 'ABCD', '3555', 0.333251953125],
  ['float16', 1, 'ABCD', 'fc00', Number.NEGATIVE_INFINITY],
  ['float16', 1, 'ABCD', '7e00', Number.NaN],
  ['bcd16', 1, 'ABCD', '1234', 1234],
  ['bcd16', 1, 'BADC', '3412', 1234],
  ['bcd32', 2, 'ABCD', '12345678', 12_345_678],
  ['bcd32', 2, 'CDAB', '56781234', 12_345_678],
  ['bcd32', 2, 'DCBA', '78563412', 12_345_678],
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

  test('float16 is what Node itself reads and writes, for every one of its 65536 words', () => {
    const view = new DataView(new ArrayBuffer(2))
    const point = createPoint('float16', 1)
    for (let word = 0; word < 65_536; word++) {
      view.setUint16(0, word)
      const bytes = Buffer.of(word >> 8, word & 255)
      const value = decodePoint(point, bytes) as number
      if (!Object.is(value, view.getFloat16(0))) throw new Error(`${word.toString(16)}: ${value}`)
      if (!Number.isNaN(value) && !encodePoint(point, value).equals(bytes)) {
        throw new Error(`${value} is not written as ${word.toString(16)}`)
      }
    }
  })

  test('a number between two 16-bit floats is rounded as Node rounds it', () => {
    const view = new DataView(new ArrayBuffer(2))
    const point = createPoint('float16', 1)
    fc.assert(
      fc.property(fc.double({ min: -65_519, max: 65_519, noNaN: true }), (value) => {
        view.setFloat16(0, value)
        expect(encodePoint(point, value).readUInt16BE()).toBe(view.getUint16(0))
      }),
    )
    expect(() => encodePoint(point, 65_520)).toThrow(RangeError)
  })

  test('decimal digits go round, and what is no digit is no value', () => {
    const order = fc.constantFrom(...byteOrders)
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 99_999_999 }), order, (value, it) => {
        const point = createPoint('bcd32', 2, it)
        expect(decodePoint(point, encodePoint(point, value))).toBe(value)
      }),
    )
    expect(decodePoint(createPoint('bcd16', 1), Buffer.of(0x12, 0x3a))).toBeUndefined()
    expect(() => encodePoint(createPoint('bcd16', 1), 10_000)).toThrow(RangeError)
    expect(() => encodePoint(createPoint('bcd16', 1), -1)).toThrow(RangeError)
  })

  test('a field of bits is cut out of one register or two', () => {
    const field = (from: number, count: number, width = 1) => ({
      ...createPoint(width === 1 ? 'uint16' : 'uint32', width),
      field: { from, count },
    })
    expect(decodePoint(field(4, 3), Buffer.of(0x00, 0x50))).toBe(5)
    expect(decodePoint(field(0, 16), Buffer.of(0xff, 0xfe))).toBe(0xfffe)
    expect(decodePoint(field(0, 32, 2), Buffer.of(255, 255, 255, 255))).toBe(2 ** 32 - 1)
    expect(decodePoint(field(31, 1, 2), Buffer.of(0x80, 0, 0, 0))).toBe(1)
    expect(encodeMasks(field(4, 3), 5)).toEqual({ and: 0xff8f, or: 0x0050 })
    expect(() => encodeMasks(field(4, 3), 8)).toThrow(RangeError)
    const ranges = fc.record({ from: fc.nat(15), count: fc.integer({ min: 1, max: 16 }) })
    const sane = ranges.filter((it) => it.from + it.count <= 16)
    fc.assert(
      fc.property(sane, fc.nat(65_535), fc.nat(65_535), (it, before, wish) => {
        for (const byteOrder of ['ABCD', 'BADC'] as const) {
          const point = { ...field(it.from, it.count), byteOrder }
          const value = wish % 2 ** it.count
          const { and, or } = encodeMasks(point, value)
          const after = Buffer.alloc(2)
          after.writeUInt16BE((before & and) | (or & ~and & 0xffff))
          expect(decodePoint(point, after)).toBe(value)
          expect((before & and) ^ (after.readUInt16BE() & and)).toBe(0)
        }
      }),
    )
  })

  test('words stand for numbers both ways; an unknown number reads as its digits', () => {
    const words = { 0: 'stopped', 1: 'running', '-1': 'fault' }
    const point = { ...createPoint('int16', 1), words }
    expect(decodePoint(point, Buffer.of(0, 1))).toBe('running')
    expect(decodePoint(point, Buffer.of(255, 255))).toBe('fault')
    expect(decodePoint(point, Buffer.of(0, 9))).toBe('9')
    expect(encodePoint(point, 'fault').toString('hex')).toBe('ffff')
    expect(() => encodePoint(point, 'asleep')).toThrow(/stopped, running, fault/)
    const coil = { ...createPoint('bool', 1), table: 'coil' as const, words }
    expect(decodePoint(coil, Buffer.of(1))).toBe('running')
  })

  test('a clamp reads the limit, leaves a broken sensor broken, and refuses a write beyond it', () => {
    const point = { ...createPoint('int16', 1), clamp: { low: 0, high: 1000 } }
    const read = (value: number) => decodePoint(point, encodePoint(createPoint('int16', 1), value))
    expect([-1, 0, 500, 1000, 1001].map(read)).toEqual([0, 0, 500, 1000, 1000])
    expect(() => encodePoint(point, 1001)).toThrow(RangeError)
    const float = { ...createPoint('float32', 2), clamp: { low: 0, high: 1 } }
    expect(decodePoint(float, Buffer.from('7fc00000', 'hex'))).toBeNaN()
    expect(decodePoint(float, Buffer.from('7f800000', 'hex'))).toBe(Number.POSITIVE_INFINITY)
    const named = { ...createPoint('float32', 2), words: { 1: 'on' } }
    expect(decodePoint(named, Buffer.from('7fc00000', 'hex'))).toBeNaN()
    const wide = { ...createPoint('int64', 4), words: { '9007199254740992': 'full' } }
    expect(decodePoint(wide, Buffer.from('0020000000000001', 'hex'))).toBe('9007199254740993')
    const long = { ...createPoint('int64', 4), clamp: { low: 0, high: 10 } }
    expect(decodePoint(long, Buffer.from('ffffffffffffffff', 'hex'))).toBe(0n)
  })

  test('Shift_JIS and ASCII text is read, bytes that are no text are no value', () => {
    const text = (charset: Charset, hex: string, byteOrder: ByteOrder = 'ABCD') => {
      const bytes = Buffer.from(hex, 'hex')
      const point = { ...createPoint('string', bytes.length / 2, byteOrder), charset }
      return decodePoint(point, bytes)
    }
    expect(text('shift_jis', '93fa967bced90000')).toBe('日本ﾎﾙ')
    expect(text('shift_jis', '93fa967b')).toBe('日本')
    expect(text('shift_jis', 'fa937b96', 'BADC')).toBe('日本')
    expect(text('shift_jis', '8300')).toBeUndefined()
    expect(text('shift_jis', 'ffff')).toBeUndefined()
    expect(text('ascii', '41420000')).toBe('AB')
    expect(text('ascii', '41e90000')).toBeUndefined()
    expect(text('latin1', '41e90000')).toBe('Aé')
    const point = (charset: Charset) => ({ ...createPoint('string', 2), charset })
    expect(() => encodePoint(point('shift_jis'), '日本')).toThrow(/read, not written/)
    expect(() => encodePoint(point('ascii'), 'é')).toThrow(RangeError)
    // The low byte of this character is a letter: cut off, it would be a wrong word.
    expect(() => encodePoint(point('latin1'), '\u0141')).toThrow(RangeError)
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
      [{ ref: 40001, encoding: 'uint16', bits: [12, 5] }, 'UInt16', /beyond bit 15/],
      [{ ref: 40001, encoding: 'int16', bits: [0, 5] }, 'UInt16', /uint16 or uint32/],
      [{ ref: 40001, encoding: 'bool', bits: [3, 1] }, 'Boolean', /write "bit"/],
      [{ ref: 40001, enum: { 0: 'a' } }, 'UInt16', /type of the tag is String/],
      [{ ref: 40001, enum: { 0: 'a', 1: 'a' } }, 'String', /one word for two/],
      [{ ref: 40001, encoding: 'string', registers: 2, enum: { 0: 'a' } }, 'String', /numbers/],
      [{ ref: 40001, charset: 'ascii' }, 'UInt16', /strings/],
      [{ ref: 40001, encoding: 'string', registers: 2 }, 'UInt16', /type String/],
      [{ ref: 40001, clamp: [5, 1] }, 'UInt16', /lowest, highest/],
      [{ ref: 40001, registers: 2, clamp: [0, 1] }, 'String', /"clamp" is for numbers/],
    ]
    for (const [address, type, words] of refused) {
      expect(resolve(address, type)).toMatch(words)
      expect(lintTag({ id: 's/g/d/t', name: 't', type, address })).toMatch(words)
    }
  })
})
