/** Telegraf's `inputs.modbus` in its three styles: registers, requests, metrics. */
import { type DeviceText, idOf, type TagText } from '../config-schema/format-devices.ts'
import type { Table } from '../drivers/modbus/address-schema.ts'
import { boundTimeoutMs, createModbusTag, createNames, MIN_POLL_MS } from './imported.ts'
import type { Section } from './section.ts'
import type { TelegrafContext } from './telegraf.ts'

const TABLES: Readonly<Record<string, Table>> = {
  coil: 'coil',
  discrete: 'discrete',
  holding: 'holding',
  input: 'input',
  coils: 'coil',
  discrete_inputs: 'discrete',
  holding_registers: 'holding',
  input_registers: 'input',
}
const registerStyle = ['coils', 'discrete_inputs', 'holding_registers', 'input_registers'] as const

/** Ours names the order of 32 bits; wider values go on in the same way. */
const ORDERS: Readonly<Record<string, string>> = {
  AB: 'ABCD',
  BA: 'BADC',
  ABCD: 'ABCD',
  CDAB: 'CDAB',
  BADC: 'BADC',
  DCBA: 'DCBA',
  ABCDEFGH: 'ABCD',
  GHEFCDAB: 'CDAB',
  BADCFEHG: 'BADC',
  HGFEDCBA: 'DCBA',
}

/** Their type → our tag type and how the registers hold it. */
const TYPES: Readonly<Record<string, readonly [type: string, encoding: string]>> = {
  INT16: ['Int16', 'int16'],
  UINT16: ['UInt16', 'uint16'],
  INT32: ['Int32', 'int32'],
  UINT32: ['UInt32', 'uint32'],
  INT64: ['Int64', 'int64'],
  UINT64: ['UInt64', 'uint64'],
  FLOAT16: ['Float', 'float16'],
  FLOAT32: ['Float', 'float32'],
  FLOAT64: ['Double', 'float64'],
  'FLOAT16-IEEE': ['Float', 'float16'],
  'FLOAT32-IEEE': ['Float', 'float32'],
  'FLOAT64-IEEE': ['Double', 'float64'],
  BOOL: ['Boolean', 'bool'],
}
/** Integers that a scale makes real, as wide as their list of addresses. */
const FIXED: Readonly<Record<string, readonly string[]>> = {
  FIXED: ['', 'int16', 'int32', '', 'int64'],
  UFIXED: ['', 'uint16', 'uint32', '', 'uint64'],
  // In the style of registers, and only there, an old name of the same.
  FLOAT32: ['', 'uint16', 'uint32', '', 'uint64'],
}

interface FieldPlace {
  style: 'register' | 'request' | 'metric'
  table?: Table
  unitId?: number
  byteOrder?: string
  name(wanted: string): string
}

/** One device; undefined (and reported) where its place cannot be told. */
export function importTelegrafModbus(
  input: Section,
  context: TelegrafContext,
): DeviceText | undefined {
  const place = readPlace(input)
  const unit = input.number('slave_id')
  const timeoutMs = boundTimeoutMs(input.durationMs('timeout'))
  const intervalMs = Math.max(MIN_POLL_MS, input.durationMs('interval') ?? context.intervalMs)
  const id = context.name(idOf(input.text('name') ?? 'modbus'))
  // Its requests are planned by itself, from the same addresses.
  input.skip('configuration_type', 'optimization', 'optimization_max_register_fill')
  const limits = readLimits(input)
  const name = createNames()
  const tags: TagText[] = []
  for (const key of registerStyle) {
    for (const field of input.sections(key)) {
      tags.push(...readField(field, { style: 'register', table: TABLES[key], name }))
    }
  }
  for (const style of ['request', 'metric'] as const) {
    for (const part of input.sections(style)) tags.push(...readPart(part, { style, unit, name }))
  }
  if (!place) return undefined
  if (tags.length === 0) {
    input.leave('this [[inputs.modbus]] left: no field of it could be taken')
    return undefined
  }
  const head = { id, driver: 'modbus', ...place, unit, timeoutMs, ...limits }
  return { head, groups: [{ head: { name: 'all', intervalMs }, tags }] }
}

/** Of its workarounds, what ours can keep to as well. */
function readLimits(input: Section): Record<string, unknown> {
  const [section] = input.sections('workarounds')
  const maxRegisters = section?.number('max_word_registers_per_request')
  const maxBits = section?.number('max_bit_registers_per_request')
  section?.close()
  const given = Object.entries({ maxRegisters, maxBits })
  return Object.fromEntries(given.filter(([, value]) => value !== undefined))
}

function readPlace(input: Section): Record<string, unknown> | undefined {
  const controller = input.text('controller') ?? ''
  const mode = input.text('transmission_mode') ?? 'auto'
  const serial = readSerial(input)
  const tcp = /^tcp:\/\/(\[[^\]]+\]|[^:/]+):(\d+)$/.exec(controller)
  if (/ASCII/i.test(mode)) {
    input.leave(`this [[inputs.modbus]] left: ${mode} is not spoken here`, 'transmission_mode')
    return undefined
  }
  if (tcp) {
    const overTcp = /RTUoverTCP/i.test(mode) ? { transport: 'rtu-over-tcp', ...serial } : {}
    return { ...overTcp, host: tcp[1]?.replaceAll(/[[\]]/g, ''), port: Number(tcp[2]) }
  }
  const file = /^file:\/\/(\/.+)$/.exec(controller)
  if (file) {
    if (serial.baudRate === undefined) {
      input.leave(
        '"baud_rate" is not in the file: 9600 taken, compare it with the bus',
        'controller',
      )
    }
    return { transport: 'rtu', serialPort: file[1], ...{ baudRate: 9600, ...serial } }
  }
  input.leave(`this [[inputs.modbus]] left: controller "${controller}" is no place`, 'controller')
  return undefined
}

const PARITIES: Readonly<Record<string, string>> = { N: 'none', E: 'even', O: 'odd' }

function readSerial(input: Section): Record<string, unknown> {
  const baudRate = input.number('baud_rate')
  const parity = PARITIES[input.text('parity') ?? '']
  const stopBits = input.number('stop_bits')
  if ((input.number('data_bits') ?? 8) !== 8) {
    input.leave('"data_bits" left: RTU bytes have eight bits', 'data_bits')
  }
  const given = Object.entries({ baudRate, parity, stopBits })
  return Object.fromEntries(given.filter(([, value]) => value !== undefined))
}

/** A request or metric block: its fields share a unit and a byte order. */
function readPart(
  part: Section,
  { style, unit, name }: Pick<FieldPlace, 'style' | 'name'> & { unit?: number },
): TagText[] {
  const own = part.number('slave_id')
  const register = part.text('register')
  const place: FieldPlace = {
    style,
    table: register === undefined ? undefined : TABLES[register],
    unitId: own === unit ? undefined : own,
    byteOrder: part.text('byte_order'),
    name,
  }
  part.skip('optimization', 'max_extra_registers', style === 'metric' ? 'measurement' : '')
  const tags = part.sections('fields').flatMap((field) => readField(field, place))
  part.close()
  return tags
}

function readField(field: Section, place: FieldPlace): TagText[] {
  const named = field.text('name') ?? ''
  const measurement = field.text('measurement')
  const register = field.text('register')
  const table = (register === undefined ? undefined : TABLES[register]) ?? place.table ?? 'holding'
  const type = field.text('data_type') ?? field.text('type')
  const order = field.text('byte_order') ?? place.byteOrder ?? 'ABCD'
  const scale = field.number('scale')
  const addresses = field.numbers('address')
  const output = field.text('output')
  const length = field.number('length')
  const bit = field.number('bit')
  const isOmitted = field.flag('omit')
  const byteOrder = ORDERS[order]
  field.close()
  // Telegraf reads it to fill a request, and tells it to nobody.
  if (isOmitted) return []
  const { style } = place
  const read = resolve({ style, table, type, addresses, length, bit, output, scale })
  if (typeof read === 'string' || byteOrder === undefined) {
    const why = typeof read === 'string' ? read : `byte order "${order}" is not known here`
    field.leave(`"${named}" left: ${why}`)
    return []
  }
  const { unitId } = place
  const name = place.name(measurement ? `${measurement}/${named}` : named)
  return [createModbusTag({ name, ...read, unitId, table, byteOrder, scale })]
}

interface Wanted {
  style: FieldPlace['style']
  table: Table
  type?: string
  addresses: readonly number[]
  length?: number
  bit?: number
  output?: string
  scale?: number
}

/** The type, encoding and first address of a field, or why it has none. */
function resolve({ style, table, type, addresses, length, bit, output, scale }: Wanted) {
  const [address] = addresses
  if (address === undefined) return 'it has no address'
  if (addresses.some((it, i) => it !== address + i)) return 'its registers do not follow each other'
  if (table === 'coil' || table === 'discrete') return { type: 'Boolean', address }
  if (type === 'STRING') {
    return { type: 'String', encoding: 'string', registers: length ?? addresses.length, address }
  }
  if (type === 'BIT') return { type: 'Boolean', encoding: 'bool', bit: bit ?? 0, address }
  const fixed = style === 'register' ? FIXED[type ?? '']?.[addresses.length] : undefined
  if (fixed) return { type: 'Double', encoding: fixed, address }
  const known = TYPES[type ?? '']
  if (!known || known[0] === 'Boolean') return `data type "${type ?? ''}" is not known here`
  const isReal = scale !== undefined && scale !== 1 && /^FLOAT/.test(output ?? 'FLOAT64')
  return { type: isReal ? 'Double' : known[0], encoding: known[1], address }
}
