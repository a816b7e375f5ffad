/** The words a Modbus tag's address may use, as editors and the configuration check know them. */
import { type Static, Type } from 'typebox'

export const tables = ['coil', 'discrete', 'input', 'holding'] as const
export type Table = (typeof tables)[number]

export const encodings = [
  'int16',
  'uint16',
  'int32',
  'uint32',
  'int64',
  'uint64',
  'float16',
  'float32',
  'float64',
  'bcd16',
  'bcd32',
  'bool',
  'string',
] as const
export type Encoding = (typeof encodings)[number]

export const charsets = ['latin1', 'ascii', 'shift_jis'] as const
export type Charset = (typeof charsets)[number]

export const byteOrders = ['ABCD', 'CDAB', 'BADC', 'DCBA'] as const
export type ByteOrder = (typeof byteOrders)[number]

/** A string longer than this does not fit one read with its neighbours and is no nameplate either. */
export const MAX_STRING_REGISTERS = 120

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
    bits: Type.Optional(
      Type.Array(Type.Integer({ minimum: 0, maximum: 32 }), {
        minItems: 2,
        maxItems: 2,
        description:
          'A field [lowest bit, count] of a uint16 or uint32, bit 0 the lowest: [4, 3] is bits 4, 5 and 6.',
      }),
    ),
    registers: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MAX_STRING_REGISTERS,
        description: 'Length of a string in registers (two characters each).',
      }),
    ),
    charset: Type.Optional(
      Type.Union(
        charsets.map((charset) => Type.Literal(charset)),
        {
          description:
            'Characters of a string; default latin1. shift_jis can be read, not written.',
        },
      ),
    ),
    byteOrder: Type.Optional(ByteOrderSchema),
    enum: Type.Optional(
      Type.Record(Type.String({ pattern: '^-?[0-9]+$' }), Type.String({ maxLength: 200 }), {
        description:
          'Words for numbers, for a tag of type String: { 0: stopped, 1: running }. A number without a word reads as its digits.',
      }),
    ),
    clamp: Type.Optional(
      Type.Array(Type.Number(), {
        minItems: 2,
        maxItems: 2,
        description:
          '[lowest, highest] of the raw number, before scale: beyond them the limit is read; a write beyond them is refused.',
      }),
    ),
    overlap: Type.Optional(
      Type.Boolean({
        description: 'True where this tag shares registers with another one on purpose.',
      }),
    ),
  },
  { additionalProperties: false },
)
export type ModbusAddress = Static<typeof addressSchema>
