/** Tags and drivers with short deadlines, for the tests of this folder. */
import { Value as Schema } from 'typebox/value'
import type { DataType, Tag } from '../../../protocol/model.ts'
import { createDriver, optionsSchema } from './modbus.ts'

export function createTag(name: string, type: DataType, address: Record<string, unknown>): Tag {
  return { id: `s/g/d/${name}`, name, type, address }
}

function create(given: Record<string, unknown>) {
  const filled = Schema.Default(optionsSchema, { timeoutMs: 400, holeRetryMs: 50, ...given })
  return createDriver(Schema.Parse(optionsSchema, filled), { device: 'd', stateDir: '/nowhere' })
}

export const createModbus = (port: number, more: Record<string, unknown> = {}) =>
  create({ host: '127.0.0.1', port, ...more })

export const createRtuOverTcp = (port: number, more: Record<string, unknown> = {}) =>
  create({ transport: 'rtu-over-tcp', host: '127.0.0.1', port, ...more })

export const createSerial = (serialPort: string, more: Record<string, unknown> = {}) =>
  create({ transport: 'rtu', serialPort, baudRate: 115_200, ...more })

export const holding = (address: number, more = {}) => ({ table: 'holding', address, ...more })
export const level = createTag('Level', 'UInt16', holding(0))
export const flow = createTag('Flow', 'Float', holding(4, { byteOrder: 'CDAB' }))
export const total = createTag('Total', 'UInt32', { ref: 40011 })
export const running = createTag('Running', 'Boolean', { table: 'coil', address: 3 })
