/** Where a Modbus tag stands: the configuration's words turned into a table, an address and a width. */
import type { DataType, Tag } from '../../../protocol/model.ts'
import {
  type ByteOrder,
  type Charset,
  type Encoding,
  type ModbusAddress,
  type Table,
  tables,
} from './address-schema.ts'

/** A tag's place on the wire; `count` is registers, or bits of a coil table. */
export interface Point {
  unit: number
  table: Table
  address: number
  count: number
  encoding: Encoding
  bit: number
  byteOrder: ByteOrder
  /** Some bits of an unsigned number, from the lowest on. */
  field?: { from: number; count: number }
  /** Of a string. */
  charset?: Charset
  /** By the number's digits. */
  words?: Readonly<Record<string, string>>
  clamp?: { low: number; high: number }
}

export interface PointDefaults {
  unit: number
  byteOrder: ByteOrder
  /** On a bus unit 0 is everybody, who answer nothing. */
  transport?: string
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
  float16: 1,
  float32: 2,
  float64: 4,
  bcd16: 1,
  bcd32: 2,
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
  const encoding = given.encoding ?? (isBits ? 'bool' : defaultEncoding(tag, given))
  const unit = given.unitId ?? defaults.unit
  const wrong =
    (isBits
      ? findBitProblem(place.table, given, encoding)
      : findRegisterProblem(given, encoding)) ?? findMeaningProblem(tag, given, encoding)
  if (wrong !== undefined) return wrong
  if (unit === 0 && defaults.transport !== undefined && defaults.transport !== 'tcp') {
    return 'unit 0 is a broadcast on a bus: nobody answers it'
  }
  const count = encoding === 'string' ? (given.registers ?? 1) : widths[encoding]
  if (place.address + count > 65_536) return `it reaches beyond address 65535`
  const byteOrder = given.byteOrder ?? defaults.byteOrder
  return {
    unit,
    ...place,
    count,
    encoding,
    bit: given.bit ?? 0,
    byteOrder,
    ...resolveMeaning(given),
  }
}

/** A word stands for a number, whatever the tag's own type is. */
function defaultEncoding(tag: Tag, { enum: words, bits }: ModbusAddress): Encoding {
  const encoding = typeEncodings[tag.type]
  if (words && encoding === 'string') return 'uint16'
  // A field of bits is cut from unsigned registers, wide enough for its highest bit.
  if (bits && encoding !== 'uint32') return sum(bits) > 16 ? 'uint32' : 'uint16'
  return encoding
}

function resolveMeaning({ bits, charset, enum: words, clamp }: ModbusAddress): Partial<Point> {
  return {
    ...(bits ? { field: { from: bits[0] ?? 0, count: bits[1] ?? 1 } } : {}),
    ...(charset ? { charset } : {}),
    ...(words ? { words } : {}),
    ...(clamp ? { clamp: { low: clamp[0] ?? 0, high: clamp[1] ?? 0 } } : {}),
  }
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, it) => total + it, 0)

function findBitProblem(table: Table, given: ModbusAddress, encoding: Encoding) {
  if (encoding !== 'bool') return `a ${table} is one bit: its encoding is bool`
  if (given.bit !== undefined) return `"bit" belongs to a register, not to a ${table}`
  return undefined
}

function findRegisterProblem(given: ModbusAddress, encoding: Encoding): string | undefined {
  if (encoding === 'bool' && given.bit === undefined) {
    return given.bits === undefined
      ? 'encoding bool of a register needs "bit" (0 is the lowest)'
      : '"bits" is a number; for one bit write "bit"'
  }
  if (encoding !== 'bool' && given.bit !== undefined) return '"bit" needs encoding bool'
  return undefined
}

/** What the words about the value's meaning need of each other. */
function findMeaningProblem(tag: Tag, given: ModbusAddress, encoding: Encoding) {
  const { bits, clamp, charset, registers, enum: words } = given
  const isText = encoding === 'string'
  if (isText && registers === undefined) return 'a string needs "registers"'
  if (isText && tag.type !== 'String') return 'a string needs a tag of type String'
  if (!isText && registers !== undefined) return '"registers" is for strings'
  if (!isText && charset !== undefined) return '"charset" is for strings'
  if (bits) {
    const width = encoding === 'uint16' ? 16 : encoding === 'uint32' ? 32 : 0
    if (width === 0) return '"bits" needs encoding uint16 or uint32'
    if ((bits[1] ?? 0) < 1) return '"bits" is [lowest bit, count]: the count starts at 1'
    if (sum(bits) > width) return `"bits" reaches beyond bit ${width - 1}`
  }
  if (clamp && (isText || encoding === 'bool' || words)) return '"clamp" is for numbers'
  if (clamp && (clamp[0] ?? 0) > (clamp[1] ?? 0)) return '"clamp" is [lowest, highest]'
  if (words && isText) return '"enum" gives words to numbers: name the encoding of the number'
  if (words && tag.type !== 'String') return '"enum" gives words: the type of the tag is String'
  if (words && new Set(Object.values(words)).size < Object.keys(words).length) {
    return '"enum" has one word for two numbers'
  }
  return undefined
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
