/** The compiled decoder says of every point what the codec says, point for point. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { GOOD, NO_VALUE } from '../driver.ts'
import type { Point } from './address.ts'
import { byteOrders, type Encoding } from './address-schema.ts'
import { decodePoint } from './codec.ts'
import { compileBlock } from './decode-block.ts'

const widths: Partial<Record<Encoding, number>> = {
  bool: 1,
  int16: 1,
  uint16: 1,
  int32: 2,
  uint32: 2,
  int64: 4,
  uint64: 4,
  float16: 1,
  float32: 2,
  float64: 4,
  bcd16: 1,
  bcd32: 2,
  string: 3,
}
const REGISTERS = 40

const anyRegisterPoint = fc
  .record({
    encoding: fc.constantFrom(...(Object.keys(widths) as Encoding[])),
    byteOrder: fc.constantFrom(...byteOrders),
    address: fc.nat(REGISTERS - 5),
    bit: fc.nat(15),
    meaning: fc.constantFrom({}, {}, { words: { 1: 'on' } }, { clamp: { low: 5, high: 900 } }),
  })
  .map(({ meaning, ...it }): Point => {
    const point = { unit: 1, table: 'holding', count: widths[it.encoding] ?? 1, ...it } as const
    return it.encoding === 'bool' || it.encoding === 'string' ? point : { ...point, ...meaning }
  })

/** What a reading of this one point is, by the codec. */
function expected(point: Point, bytes: Buffer): { value: unknown; status: number } {
  const value = decodePoint(point, bytes)
  const isNone = value === undefined || (typeof value === 'number' && !Number.isFinite(value))
  return isNone ? { value: null, status: NO_VALUE } : { value, status: GOOD }
}

test('registers in every encoding and order, from any address of the block', () => {
  const bytes = fc.uint8Array({ minLength: REGISTERS * 2, maxLength: REGISTERS * 2 })
  fc.assert(
    fc.property(
      fc.array(anyRegisterPoint, { minLength: 1 }),
      bytes,
      fc.nat(999),
      (all, raw, from) => {
        const data = Buffer.from(raw)
        const points = all.map((it) => ({ ...it, address: it.address + from }))
        const block = { unit: 1, table: 'holding', address: from, count: REGISTERS } as const
        const columns = createColumns(points.length)
        compileBlock({ ...block, points: points.map((_, i) => i) }, points)(data, columns)
        for (const [i, point] of points.entries()) {
          const at = (point.address - from) * 2
          const { value, status } = expected(point, data.subarray(at, at + point.count * 2))
          expect([columns.values[i], columns.statuses[i]]).toEqual([value, status])
        }
      },
    ),
  )
})

test('coils, packed with the lowest first', () => {
  const data = Buffer.of(0b1010_0110, 0b01)
  const points = Array.from({ length: 10 }, (_, i): Point => {
    const place = { unit: 1, table: 'coil', address: 30 + i, count: 1 } as const
    return { ...place, encoding: 'bool', bit: 0, byteOrder: 'ABCD' }
  })
  const columns = createColumns(10)
  const block = { unit: 1, table: 'coil', address: 30, count: 10 } as const
  compileBlock({ ...block, points: points.map((_, i) => i) }, points)(data, columns)
  expect(columns.values.map(Number).join('')).toBe('0110010110')
})

function createColumns(length: number) {
  return { at: 0, values: Array(length).fill(null), statuses: new Float64Array(length) }
}
