/** Writes one value to a coil, to holding registers or to some bits of one, and says why where it cannot. */
import { Fault } from '../../../protocol/kit/fault.ts'
import type { Tag, Value } from '../../../protocol/model.ts'
import { type Point, resolvePoint } from './address.ts'
import { encodeMasks, encodePoint, toNumber } from './codec.ts'
import type { Line, Reply, WriteCall } from './line.ts'
import type { ModbusOptions } from './options.ts'

/** Modbus Application Protocol V1.1b3, 6.12 and 6.17. */
const MAX_WRITE_REGISTERS = 123
const MAX_READ_WRITE_REGISTERS = 121
const ILLEGAL_FUNCTION = 1
/** Exceptions after which the same write may succeed: accepted and being worked on, busy. */
const BUSY: Readonly<Record<number, string>> = {
  5: 'it has accepted the write and still works on it (exception 5)',
  6: 'it works on something else (exception 6)',
}

export interface WriteOrder {
  line: Line
  options: ModbusOptions
  /** `unit/function` of what the device was found not to have; kept as long as the connection. */
  missing: Set<string>
  tag: Tag
  value: Value
}

/** One function that can carry the order out. */
interface Way {
  fn: number
  send: WriteCall
  /** What function 23 must give back. */
  expected?: Buffer
}

/** Throws Fault 'driver.not-writable', 'driver.bad-value', 'driver.refused', 'driver.busy', or as `read` does. */
export async function writePoint(order: WriteOrder, signal: AbortSignal): Promise<void> {
  const { tag, missing } = order
  const point = requireWritable(order)
  const ways = listWays(order, point)
  // A function the device does not have was not carried out: the next one cannot write twice.
  for (const way of ways) {
    const key = `${point.unit}/${way.fn}`
    if (missing.has(key)) continue
    const reply = await way.send(signal)
    if ('exception' in reply && reply.exception === ILLEGAL_FUNCTION) {
      missing.add(key)
      continue
    }
    confirm(reply, way, order)
    return
  }
  throw new Fault('driver.not-writable', { tag: tag.name, reason: sayMissing(ways) })
}

function confirm(reply: Reply, { expected }: Way, { line: { endpoint } }: WriteOrder): void {
  if ('lost' in reply) throw reply.lost
  if ('exception' in reply) {
    const busy = BUSY[reply.exception]
    if (busy) throw new Fault('driver.busy', { endpoint, reason: busy })
    const reason = `Modbus exception ${reply.exception}`
    throw new Fault('driver.refused', { endpoint, reason })
  }
  if (expected && !reply.data.equals(expected)) {
    const reason = `it confirmed the write and kept ${reply.data.toString('hex')} instead of ${expected.toString('hex')}`
    throw new Fault('driver.refused', { endpoint, reason })
  }
}

function sayMissing(ways: readonly Way[]): string {
  const functions = ways.map(({ fn }) => fn).join(' or ')
  if (ways[0]?.fn !== 22) return `the device has no function ${functions}`
  return 'the device has no function 22 (mask write), and reading the register, changing it and writing it back would undo a change made meanwhile'
}

function requireWritable({ tag, options }: WriteOrder): Point {
  const point = resolvePoint(tag, options)
  const reason = typeof point === 'string' ? point : findObstacle(point, options)
  if (typeof point === 'string' || reason !== undefined) {
    throw new Fault('driver.not-writable', { tag: tag.name, reason })
  }
  return point
}

function findObstacle({ table, field, count }: Point, options: ModbusOptions): string | undefined {
  if (table === 'discrete' || table === 'input') return `${table} is read-only in Modbus`
  const most = options.writeReadBack ? MAX_READ_WRITE_REGISTERS : MAX_WRITE_REGISTERS
  if (count > most) return `one write carries ${most} registers`
  if (field && count > 1) return 'bits of two registers cannot be set in one step'
  return undefined
}

/** The functions to try, the best first. */
function listWays(order: WriteOrder, point: Point): Way[] {
  const { line, options } = order
  const { unit, address } = point
  if (point.table === 'coil') return listCoilWays(order, point)
  if (point.encoding === 'bool' || point.field) {
    const masks = encodeOrThrow(order, () => encodeMasks(point, order.value))
    return [{ fn: 22, send: line.maskWrite({ unit, address, ...masks }) }]
  }
  const bytes = encodeOrThrow(order, () => encodePoint(point, order.value))
  const write = { unit, address, bytes }
  // Without function 23 nothing reads back: the wish cannot be kept, so nothing is written.
  if (options.writeReadBack) return [{ fn: 23, send: line.writeAndRead(write), expected: bytes }]
  const many = { fn: 16, send: line.writeRegisters(write) }
  if (point.count > 1) return [many]
  const one = { fn: 6, send: line.writeRegister(write) }
  return options.writeMultiple ? [many, one] : [one, many]
}

function listCoilWays(order: WriteOrder, point: Point): Way[] {
  const { line, options, value } = order
  const { unit, address } = point
  const isOn = encodeOrThrow(order, () => {
    if (point.words) return Number(toNumber(point, value)) !== 0
    if (typeof value !== 'boolean') throw new TypeError('not a boolean')
    return value
  })
  const one = { fn: 5, send: line.writeCoil(unit, address, isOn) }
  const many = { fn: 15, send: line.writeCoils(unit, address, [isOn]) }
  return options.writeMultiple ? [many, one] : [one, many]
}

function encodeOrThrow<T>({ tag, value }: WriteOrder, encode: () => T): T {
  try {
    return encode()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'it cannot be encoded'
    throw new Fault('driver.bad-value', { tag: tag.name, value: String(value), reason }, { cause })
  }
}
