/** Tags and a driver with short deadlines, for the tests of this folder. */
import { Value as Schema } from 'typebox/value'
import type { DataType, Tag } from '../../../protocol/model.ts'
import { createDriver, optionsSchema } from './modbus.ts'

export function createTag(name: string, type: DataType, address: Record<string, unknown>): Tag {
  return { id: `s/g/d/${name}`, name, type, address }
}

export function createModbus(port: number, more: Record<string, unknown> = {}) {
  const given = { host: '127.0.0.1', port, timeoutMs: 400, holeRetryMs: 50, ...more }
  const options = Schema.Parse(optionsSchema, Schema.Default(optionsSchema, given))
  return createDriver(options, { device: 'd', stateDir: '/nowhere' })
}

export const holding = (address: number, more = {}) => ({ table: 'holding', address, ...more })
export const level = createTag('Level', 'UInt16', holding(0))
export const flow = createTag('Flow', 'Float', holding(4, { byteOrder: 'CDAB' }))
export const total = createTag('Total', 'UInt32', { ref: 40011 })
export const running = createTag('Running', 'Boolean', { table: 'coil', address: 3 })
