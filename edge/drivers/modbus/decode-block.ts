/** Decodes a whole reply into columns: where each point's bytes lie is worked out once a plan, not once a reading. */
import { type Columns, GOOD, NO_VALUE } from '../driver.ts'
import type { Point } from './address.ts'
import type { ByteOrder } from './address-schema.ts'
import { decodePoint } from './codec.ts'
import type { Block } from './planner.ts'

/** Takes the data of a reply (two bytes a register, or bits with the lowest first). */
export type DecodeBlock = (data: Buffer, columns: Columns) => void

/** How a point is read in the loop; `other` goes through the codec, which knows all. */
const kinds = { other: 0, uint16: 1, int16: 2, uint32: 3, int32: 4, float32: 5, bit: 6, coil: 7 }

/** Where the bytes of a number lie, the highest first. */
const places = {
  ABCD: [0, 1, 2, 3],
  BADC: [1, 0, 3, 2],
  CDAB: [2, 3, 0, 1],
  DCBA: [3, 2, 1, 0],
} as const satisfies Record<ByteOrder, readonly number[]>

/** Bytes of one number each, so that a float is read without a view made for it. */
const word = new Uint32Array(1)
const float = new Float32Array(word.buffer)

/** What the loop looks up of each point, one after the other. */
interface Table {
  kinds: Uint8Array
  /** Four a point: offsets into the data of its bytes, the highest first; of a bit its byte and its number. */
  offsets: Uint16Array
  /** The points' places in the columns. */
  indexes: Int32Array
}

export function compileBlock(block: Block, points: readonly (Point | undefined)[]): DecodeBlock {
  const covered = block.points.map((index) => points[index] as Point)
  const table = createTable(block, covered)
  return (data, columns) => {
    const { kinds: kindOf, indexes } = table
    for (let i = 0; i < kindOf.length; i++) {
      const index = indexes[i] as number
      const value =
        kindOf[i] === kinds.other
          ? decodeOther(covered[i] as Point, block, data)
          : decodeSimple(table, i, data)
      const isValue = typeof value === 'number' ? Number.isFinite(value) : value !== undefined
      // A float register may hold NaN, the usual mark of a broken sensor: no value, whoever reads it.
      columns.values[index] = isValue ? (value as NonNullable<typeof value>) : null
      columns.statuses[index] = isValue ? GOOD : NO_VALUE
    }
  }
}

function createTable(block: Block, covered: readonly Point[]): Table {
  const table = {
    kinds: new Uint8Array(covered.length),
    offsets: new Uint16Array(covered.length * 4),
    indexes: Int32Array.from(block.points),
  }
  for (const [i, point] of covered.entries()) {
    table.kinds[i] = kindOfPoint(point)
    table.offsets.set(offsetsOf(point, block), i * 4)
  }
  return table
}

function kindOfPoint({ table, encoding, field, words, clamp }: Point): number {
  if (field || words || clamp) return kinds.other
  if (table === 'coil' || table === 'discrete') return kinds.coil
  if (encoding === 'bool') return kinds.bit
  return Object.hasOwn(kinds, encoding) ? kinds[encoding as keyof typeof kinds] : kinds.other
}

function offsetsOf(point: Point, block: Block): number[] {
  const at = point.address - block.address
  if (point.table === 'coil' || point.table === 'discrete') return [at >> 3, at & 7]
  const order = places[point.byteOrder]
  if (point.count === 2) return order.map((place) => at * 2 + place)
  // Of one register only the order of its two bytes matters.
  const [high, low] = (order[0] & 1) === 1 ? [at * 2 + 1, at * 2] : [at * 2, at * 2 + 1]
  if (point.encoding !== 'bool') return [high, low]
  return point.bit < 8 ? [low, point.bit] : [high, point.bit - 8]
}

function decodeSimple({ kinds: kindOf, offsets }: Table, i: number, data: Buffer) {
  const kind = kindOf[i]
  const at = i * 4
  const first = data[offsets[at] as number] as number
  const second = offsets[at + 1] as number
  if (kind === kinds.uint16) return (first << 8) | (data[second] as number)
  if (kind === kinds.int16) return (((first << 8) | (data[second] as number)) << 16) >> 16
  if (kind === kinds.bit || kind === kinds.coil) return ((first >> second) & 1) === 1
  const low =
    ((data[offsets[at + 2] as number] as number) << 8) | (data[offsets[at + 3] as number] as number)
  const bits = (first << 24) | ((data[second] as number) << 16) | low
  if (kind === kinds.int32) return bits
  word[0] = bits
  return kind === kinds.uint32 ? word[0] : float[0]
}

function decodeOther(point: Point, block: Block, data: Buffer) {
  const at = point.address - block.address
  if (point.table !== 'coil' && point.table !== 'discrete') {
    return decodePoint(point, data.subarray(at * 2, (at + point.count) * 2))
  }
  return decodePoint(point, Buffer.of(((data[at >> 3] ?? 0) >> (at & 7)) & 1))
}
