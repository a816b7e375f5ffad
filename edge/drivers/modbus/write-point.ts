/** Writes one value to a coil or to holding registers, and says why where it cannot. */
import { Fault } from '../../../protocol/kit/fault.ts'
import type { Tag, Value } from '../../../protocol/model.ts'
import { type Point, resolvePoint } from './address.ts'
import { encodePoint } from './codec.ts'
import type { Line, WriteCall } from './line.ts'
import type { ModbusOptions } from './options.ts'

/** Modbus Application Protocol V1.1b3, 6.12. */
const MAX_WRITE_REGISTERS = 123

export interface WriteOrder {
  line: Line
  options: ModbusOptions
  tag: Tag
  value: Value
}

/** Throws Fault 'driver.not-writable', 'driver.bad-value', 'driver.refused', or as `read` does. */
export async function writePoint(order: WriteOrder, signal: AbortSignal): Promise<void> {
  const point = requireWritable(order)
  const reply = await prepareWrite(order, point)(signal)
  if ('exception' in reply) {
    const endpoint = `${order.options.host}:${order.options.port}`
    throw new Fault('driver.refused', { endpoint, reason: `Modbus exception ${reply.exception}` })
  }
}

function requireWritable({ tag, options }: WriteOrder): Point {
  const point = resolvePoint(tag, options)
  const reason = typeof point === 'string' ? point : findObstacle(point)
  if (typeof point === 'string' || reason !== undefined) {
    throw new Fault('driver.not-writable', { tag: tag.name, reason })
  }
  return point
}

function findObstacle({ table, encoding, count }: Point): string | undefined {
  if (table === 'discrete' || table === 'input') return `${table} is read-only in Modbus`
  if (count > MAX_WRITE_REGISTERS) return `one write carries ${MAX_WRITE_REGISTERS} registers`
  // Reading, changing and writing back a register would lose a change made meanwhile by the PLC.
  if (table === 'holding' && encoding === 'bool') return 'one bit of a register cannot be set alone'
  return undefined
}

/** FC 5 and 6 for one coil or register, FC 16 for more; 15 and 16 always where the device wants it so. */
function prepareWrite({ line, options, tag, value }: WriteOrder, point: Point): WriteCall {
  const { unit, address } = point
  if (point.table === 'coil') {
    if (typeof value !== 'boolean') {
      throw new Fault('driver.bad-value', {
        tag: tag.name,
        value: String(value),
        reason: 'not a boolean',
      })
    }
    return options.writeMultiple
      ? line.writeCoils(unit, address, [value])
      : line.writeCoil(unit, address, value)
  }
  const bytes = encodeOrThrow(point, tag, value)
  return point.count === 1 && !options.writeMultiple
    ? line.writeRegister(unit, address, bytes)
    : line.writeRegisters(unit, address, bytes)
}

function encodeOrThrow(point: Point, tag: Tag, value: Value): Buffer {
  try {
    return encodePoint(point, value)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'it cannot be encoded'
    throw new Fault('driver.bad-value', { tag: tag.name, value: String(value), reason }, { cause })
  }
}
