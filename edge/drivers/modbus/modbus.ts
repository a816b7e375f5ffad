/** Modbus TCP: what the registry loads. */
import type { Tag } from '../../../protocol/model.ts'
import type { Driver, DriverContext } from '../driver.ts'
import { resolvePoint } from './address.ts'
import { createConnection } from './connection.ts'
import { openLine } from './line.ts'
import type { ModbusOptions } from './options.ts'

export { addressSchema } from './address.ts'
export { optionsSchema } from './options.ts'

/** Why this tag's address cannot be; undefined when it can. */
export function lintTag(tag: Tag): string | undefined {
  const point = resolvePoint(tag, { unit: 1, byteOrder: 'ABCD' })
  return typeof point === 'string' ? point : undefined
}

/** A driver for one Modbus TCP device, or for the units behind one gateway. */
export function createDriver(options: ModbusOptions, _context: DriverContext): Driver {
  return {
    connect: async (signal) => createConnection(await openLine(options, signal), options),
  }
}
