/** One slave of ThingsBoard's Modbus connector. */
import type { Path } from '../../protocol/kit/schema.ts'
import type { DeviceText, TagText } from '../config-schema/format-devices.ts'
import type { Table } from '../drivers/modbus/address-schema.ts'
import { boundTimeoutMs, createModbusTag, createNames, MIN_POLL_MS } from './imported.ts'
import { type Json, rowsOf, type ThingsboardContext } from './thingsboard-json.ts'

const TABLES: Readonly<Record<number, Table>> = {
  1: 'coil',
  2: 'discrete',
  3: 'holding',
  4: 'input',
}

/** Their type → our tag type and how the registers hold it. */
const TYPES: Readonly<Record<string, readonly [type: string, encoding: string]>> = {
  '16int': ['Int16', 'int16'],
  '16uint': ['UInt16', 'uint16'],
  '32int': ['Int32', 'int32'],
  '32uint': ['UInt32', 'uint32'],
  '64int': ['Int64', 'int64'],
  '64uint': ['UInt64', 'uint64'],
  '16float': ['Float', 'float16'],
  '32float': ['Float', 'float32'],
  '64float': ['Double', 'float64'],
}

const PARITIES: Readonly<Record<string, string>> = { N: 'none', E: 'even', O: 'odd' }
const DEFAULT_POLL_MS = 5000
/** What ThingsBoard calls the device, how often it calls again, and its own connection rules: no loss. */
const KNOWN = [
  'host',
  'port',
  'type',
  'method',
  'timeout',
  'byteOrder',
  'wordOrder',
  'unitId',
  'deviceName',
  'deviceType',
  'pollPeriod',
  'baudrate',
  'parity',
  'stopbits',
  'bytesize',
  'retries',
  'retryOnEmpty',
  'retryOnInvalid',
  'connectAttemptTimeMs',
  'connectAttemptCount',
  'waitAfterFailedAttemptsMs',
  'attributes',
  'timeseries',
]

const KNOWN_OF_TAG = [
  'tag',
  'type',
  'functionCode',
  'objectsCount',
  'address',
  'multiplier',
  'divider',
  'byteOrder',
  'wordOrder',
]

/** Undefined (and reported) where no tag of it could be taken. */
export function importThingsboardModbus(
  slave: Json,
  path: Path,
  context: ThingsboardContext,
): DeviceText | undefined {
  context.leaveRest(slave, path, KNOWN)
  const place = readPlace(slave)
  const name = createNames()
  const tags: TagText[] = []
  for (const { row, path: at } of rowsOf(slave, path, ['attributes', 'timeseries'])) {
    context.leaveRest(row, at, KNOWN_OF_TAG)
    const tag = readTag(row, { byteOrder: orderOf({ ...slave, ...row }), name })
    if (typeof tag === 'string') context.leave(at, `"${row.tag}" left: ${tag}`)
    else tags.push(tag)
  }
  const title = String(slave.deviceName ?? 'modbus')
  if (!place || tags.length === 0) {
    const why = place ? 'no tag of it could be taken' : `its "type" ${slave.type} is no place`
    context.leave(path, `the slave "${title}" left: ${why}`)
    return undefined
  }
  const { timeout } = slave
  const timeoutMs = boundTimeoutMs(typeof timeout === 'number' ? timeout * 1000 : undefined)
  const head = { id: title, driver: 'modbus', ...place, unit: slave.unitId, timeoutMs }
  const intervalMs = Math.max(MIN_POLL_MS, Number(slave.pollPeriod ?? DEFAULT_POLL_MS))
  return { head, groups: [{ head: { name: 'all', intervalMs }, tags }] }
}

function readPlace(slave: Json): Record<string, unknown> | undefined {
  const { type = 'tcp', method = 'socket', host, port } = slave
  const serial = {
    // ThingsBoard's own default.
    baudRate: slave.baudrate ?? 19_200,
    parity: PARITIES[String(slave.parity)],
    stopBits: slave.stopbits,
  }
  if (type === 'serial') return { transport: 'rtu', serialPort: port, ...serial }
  if (type !== 'tcp' || typeof host !== 'string') return undefined
  return method === 'rtu' ? { transport: 'rtu-over-tcp', host, port } : { host, port }
}

/** Order of the words, then of the bytes in each: LITTLE words are CDAB. What is not told is LITTLE to ThingsBoard. */
function orderOf({ byteOrder, wordOrder }: Json): string {
  const isLittle = (order: unknown) => String(order ?? 'LITTLE').toUpperCase() === 'LITTLE'
  if (isLittle(byteOrder)) return isLittle(wordOrder) ? 'DCBA' : 'BADC'
  return isLittle(wordOrder) ? 'CDAB' : 'ABCD'
}

function readTag(
  row: Json,
  { byteOrder, name }: { byteOrder: string; name: (wanted: string) => string },
): TagText | string {
  const { tag, type, functionCode, objectsCount = 1, address, multiplier = 1, divider = 1 } = row
  const table = TABLES[Number(functionCode)]
  if (typeof tag !== 'string' || typeof address !== 'number') return 'it has no tag or no address'
  if (!table) return `function code ${functionCode} reads nothing`
  const scale = Number(multiplier) / Number(divider)
  if (table === 'coil' || table === 'discrete') {
    if (Number(objectsCount) !== 1) return 'several bits in one tag are not known here'
    return createModbusTag({ name: name(tag), type: 'Boolean', table, address })
  }
  if (type === 'string') {
    const registers = Number(objectsCount)
    const text = { type: 'String', encoding: 'string', registers }
    return createModbusTag({ name: name(tag), ...text, table, address })
  }
  const known = TYPES[String(type)]
  if (!known) return `type "${type}" is not known here`
  const [own, encoding] = known
  const ourType = scale === 1 ? own : 'Double'
  return createModbusTag({
    name: name(tag),
    type: ourType,
    encoding,
    table,
    address,
    byteOrder,
    scale,
  })
}
