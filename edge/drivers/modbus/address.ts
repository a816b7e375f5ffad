/** Where a Modbus tag stands: the configuration's words turned into a table, an address and a width. */
import { type Static, Type } from 'typebox'
import type { DataType, Tag } from '../../../protocol/model.ts'

export const tables = ['coil', 'discrete', 'input', 'holding'] as const
export type Table = (typeof tables)[number]

export const encodings = [
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'uint64',
  'float32',
  'float64',
  'bool',
  'string',
] as const
export type Encoding = (typeof encodings)[number]

export const byteOrders = ['ABCD', 'CDAB', 'BADC', 'DCBA'] as const
export type ByteOrder = (typeof byteOrders)[number]

/** A string longer than this does not fit one read with its neighbours and is no nameplate either. */
const MAX_STRING_REGISTERS = 120

export const ByteOrderSchema = Type.Union(
  byteOrders.map((order) => Type.Literal(order)),
  {
    description:
      'Order of the bytes of a 32-bit value on the wire, A the highest. CDAB and DCBA have the low register first, BADC and DCBA the low byte first in each register.',
  },
)

export const addressSchema = Type.Object(
  {
    unitId: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 255,
        description: 'Unit (slave) id; default: the one of the device.',
      }),
    ),
    table: Type.Optional(
      Type.Union(
        tables.map((table) => Type.Literal(table)),
        { description: 'Table of `address`; not with `ref`, which names its own.' },
      ),
    ),
    address: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 65_535,
        description: 'Zero-based address as it goes over the wire; needs `table`. Or use `ref`.',
      }),
    ),
    ref: Type.Optional(
      Type.Union(
        [
          Type.Integer({ minimum: 10_001, maximum: 465_536 }),
          Type.String({ pattern: '^[0134][0-9]{4,5}$' }),
        ],
        {
          description:
            'One-based reference as in manuals: 40001 or 400001 is holding register 0, 30001 input, 10001 discrete, "00001" (in quotes) coil. Or use `table` and `address`.',
        },
      ),
    ),
    encoding: Type.Optional(
      Type.Union(
        encodings.map((encoding) => Type.Literal(encoding)),
        {
          description:
            'How the registers hold the value; default: after the tag type (Int16 int16, Float float32, Double float64, Boolean bool).',
        },
      ),
    ),
    bit: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 15,
        description: 'Bit of the register, 0 the lowest, for encoding bool of a register.',
      }),
    ),
    registers: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MAX_STRING_REGISTERS,
        description: 'Length of a string in registers (two characters each).',
      }),
    ),
    byteOrder: Type.Optional(ByteOrderSchema),
  },
  { additionalProperties: false },
)
export type ModbusAddress = Static<typeof addressSchema>

/** A tag's place on the wire; `count` is registers, or bits of a coil table. */
export interface Point {
  unit: number
  table: Table
  address: number
  count: number
  encoding: Encoding
  bit: number
  byteOrder: ByteOrder
}

export interface PointDefaults {
  unit: number
  byteOrder: ByteOrder
}

const typeEncodings = {
  Int8: 'int16',
  Int16: 'int16',
  Int32: 'int32',
  Int64: 'int64',
  UInt8: 'uint16',
  UInt16: 'uint16',
  UInt32: 'uint32',
  UInt64: 'uint64',
  Float: 'float32',
  Double: 'float64',
  Boolean: 'bool',
  String: 'string',
} as const satisfies Record<DataType, Encoding>

const widths = {
  int16: 1,
  uint16: 1,
  int32: 2,
  uint32: 2,
  int64: 4,
  uint64: 4,
  float32: 2,
  float64: 4,
  bool: 1,
} as const satisfies Record<Exclude<Encoding, 'string'>, number>

const refTables: Readonly<Record<string, Table>> = {
  0: 'coil',
  1: 'discrete',
  3: 'input',
  4: 'holding',
}

/** The place of a tag, or a sentence saying why it has none. */
export function resolvePoint(tag: Tag, defaults: PointDefaults): Point | string {
  const given = tag.address as ModbusAddress
  const place = resolvePlace(given)
  if (typeof place === 'string') return place
  const isBits = place.table === 'coil' || place.table === 'discrete'
  const encoding = given.encoding ?? (isBits ? 'bool' : typeEncodings[tag.type])
  if (isBits && encoding !== 'bool') return `a ${place.table} is one bit: its encoding is bool`
  if (isBits && given.bit !== undefined)
    return `"bit" belongs to a register, not to a ${place.table}`
  if (encoding === 'bool' && !isBits && given.bit === undefined) {
    return 'encoding bool of a register needs "bit" (0 is the lowest)'
  }
  if (encoding !== 'bool' && given.bit !== undefined) return '"bit" needs encoding bool'
  if (encoding === 'string' && given.registers === undefined) return 'a string needs "registers"'
  if (encoding !== 'string' && given.registers !== undefined) return '"registers" is for strings'
  const count = encoding === 'string' ? (given.registers ?? 1) : widths[encoding]
  if (place.address + count > 65_536) return `it reaches beyond address 65535`
  return {
    unit: given.unitId ?? defaults.unit,
    ...place,
    count,
    encoding,
    bit: given.bit ?? 0,
    byteOrder: given.byteOrder ?? defaults.byteOrder,
  }
}

function resolvePlace(given: ModbusAddress): { table: Table; address: number } | string {
  if (given.ref !== undefined) {
    if (given.address !== undefined) return '"ref" and "address" exclude each other'
    if (given.table !== undefined) return '"ref" names its table by itself: leave "table" out'
    return parseReference(String(given.ref))
  }
  if (given.address === undefined) return '"address" (zero-based) or "ref" (40001 style) is missing'
  if (given.table === undefined) return `"address" needs "table": one of ${tables.join(', ')}`
  return { table: given.table, address: given.address }
}

/** `40001` (five digits) and `400001` (six) are both holding register 0. */
export function parseReference(ref: string): { table: Table; address: number } | string {
  const table = refTables[ref[0] ?? '']
  const number = Number(ref.slice(1))
  if (!table || ref.length < 5 || ref.length > 6 || !Number.isInteger(number)) {
    return `"${ref}" is no reference: write 40001 or 400001`
  }
  if (number < 1 || number > 65_536) return `"${ref}" is out of range: references start at 1`
  return { table, address: number - 1 }
}
