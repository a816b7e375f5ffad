/** Modbus over TCP, RTU over TCP and RTU on a serial port: what the registry loads. */
import { Fault } from '../../../protocol/kit/fault.ts'
import type { Tag } from '../../../protocol/model.ts'
import type { Driver, DriverContext } from '../driver.ts'
import { resolvePoint } from './address.ts'
import { openSerialWire, openSocketWire } from './byte-stream.ts'
import { createConnection, type ModbusConnection } from './connection.ts'
import type { Line } from './line.ts'
import { lintOptions, type ModbusOptions } from './options.ts'
import { createRtuLine } from './rtu-line.ts'
import { openTcpLine } from './tcp-line.ts'

export { addressSchema } from './address-schema.ts'
export { busShare, lintGroup, planSummary } from './lint-group.ts'
export { lintOptions, optionsSchema } from './options.ts'
export { sayStatus } from './say-status.ts'

/** Why this tag's address cannot be; undefined when it can. */
export function lintTag(tag: Tag): string | undefined {
  const point = resolvePoint(tag, { unit: 1, byteOrder: 'ABCD' })
  return typeof point === 'string' ? point : undefined
}

/** A driver whose connections also tell what they have learned of the device. */
export interface ModbusDriver extends Driver {
  connect(signal: AbortSignal): Promise<ModbusConnection>
}

/** A driver for one Modbus device, or for the units behind one gateway or on one bus. */
export function createDriver(options: ModbusOptions, _context: DriverContext): ModbusDriver {
  const suspects = new Map<number, number>()
  return {
    connect: async (signal) =>
      createConnection(await openLine({ options, suspects }, signal), options),
  }
}

async function openLine(
  { options, suspects }: { options: ModbusOptions; suspects: Map<number, number> },
  signal: AbortSignal,
): Promise<Line> {
  const { transport, host, port, serialPort, baudRate, timeoutMs } = options
  const { parity, dataBits, stopBits, interFrameMs, turnaroundMs } = options
  const format = { baudRate, parity, stopBits }
  const rtu = { format, timeoutMs, interFrameMs, turnaroundMs, suspects }
  if (transport === 'rtu' && serialPort !== undefined && baudRate !== undefined) {
    const place = { path: serialPort, baudRate, parity, dataBits, stopBits, timeoutMs }
    return createRtuLine(await openSerialWire(place, signal), rtu)
  }
  if (transport === 'rtu' || host === undefined) {
    const problems = lintOptions(options) ?? ''
    throw new Fault('config.invalid', { count: 1, problems })
  }
  const place = { host, port, timeoutMs }
  if (transport === 'tcp') return await openTcpLine(place, signal)
  const reopen = (abort: AbortSignal) => openSocketWire(place, abort)
  return createRtuLine(await reopen(signal), { ...rtu, reopen })
}
