/** A Modbus device that answers each read of its counter with the next integer: what it told is known exactly. */
import type { ModbusRequest } from '../../simulators/kit/modbus-pdu.ts'
import {
  createModbusMemory,
  type ModbusBehaviour,
  type ModbusServer,
  openModbusServer,
} from '../../simulators/kit/modbus-server.ts'

export interface Told {
  value: number
  /** When it was asked for, Unix ms. */
  at: number
  /** The same on the monotonic clock. */
  monoMs: number
}

export interface CountingPlc extends AsyncDisposable {
  readonly port: number
  readonly server: ModbusServer
  /** Every integer that was put into an answer, in order. */
  readonly told: readonly Told[]
  last(): number
  /** What to do instead of a plain answer; a request that is misused tells no integer. */
  misbehave(behave: ((request: ModbusRequest) => ModbusBehaviour) | undefined): void
}

/** What the twin of a gateway reads starts here, so that the two can be told apart. */
export const TWIN_FIRST = 1_000_000
/** A register that never changes: any other value of it is another register's. */
export const FIXED_VALUE = 4242
const FC_READ_INPUT = 4
/** Between them is a hole. */
const holdingRanges = [
  [0, 50],
  [60, 10],
] as const

/** The first integer told is `first`. */
export async function openCountingPlc(first = 1): Promise<CountingPlc> {
  const memory = createModbusMemory({ input: [[0, 2]], holding: holdingRanges })
  for (const address of memory.holding.keys()) {
    memory.setUint16('holding', address, FIXED_VALUE + address)
  }
  const told: Told[] = []
  let misbehave: ((request: ModbusRequest) => ModbusBehaviour) | undefined
  const server = await openModbusServer({
    units: { 1: memory },
    behave(request) {
      const wrong = misbehave?.(request)
      const isHonest = wrong === undefined || (typeof wrong === 'object' && 'delayMs' in wrong)
      if (isHonest && request.fn === FC_READ_INPUT) {
        const value = first + told.length
        told.push({ value, at: Date.now(), monoMs: performance.now() })
        memory.setUint32('input', 0, value)
      }
      return wrong
    },
  })
  return {
    ...{ port: server.port, server, told },
    last: () => first + told.length - 1,
    misbehave(behave) {
      misbehave = behave
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

export interface PlcDevice {
  port: number
  id?: string
  intervalMs?: number
  timeoutMs?: number
}

/** The counting device, and its fixed neighbour, as a gateway's configuration has them. */
export function describePlc({ port, id = 'plc', intervalMs = 100, timeoutMs = 500 }: PlcDevice) {
  // A repeat of an unchanged value would look like a duplicate.
  const group = { intervalMs, maxSilenceMs: 86_400_000 }
  return {
    ...{ id, driver: 'modbus', host: '127.0.0.1', port, timeoutMs },
    groups: [
      {
        ...{ name: 'count', ...group },
        tags: [{ name: 'Count', type: 'UInt32', table: 'input', address: 0, encoding: 'uint32' }],
      },
      {
        ...{ name: 'fixed', ...group },
        tags: [{ name: 'Fixed', type: 'UInt16', table: 'holding', address: 7, encoding: 'uint16' }],
      },
    ],
  }
}
