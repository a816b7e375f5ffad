/** One conversation with a device: the calls of modbus-serial behind an exchange that a guard watches. */
import { Fault } from '../../../protocol/kit/fault.ts'
import type { Table } from './address-schema.ts'
import type { Client } from './library-port.ts'

export interface ReadRequest {
  unit: number
  table: Table
  address: number
  count: number
}

/**
 * Exactly one of the three. `lost`: this exchange brought nothing to be trusted, but the line goes on (one unit
 * may be dead, or only the socket is gone); a line that is gone throws its Fault instead.
 */
export type Reply = { data: Buffer } | { exception: number } | { lost: Fault }

/** Registers from `address` on, two bytes each. */
export interface RegisterWrite {
  unit: number
  address: number
  bytes: Buffer
}

export interface MaskWrite {
  unit: number
  address: number
  and: number
  or: number
}

export interface Line extends AsyncDisposable {
  /** What a person calls the other end. */
  readonly endpoint: string
  /** Two bytes a register, or bits packed with the lowest first. */
  read(request: ReadRequest, signal: AbortSignal): Promise<Reply>
  /**
   * The same one after the other, for transports where nothing but the line can be lost: each reply is handed over at
   * once, its bytes valid only meanwhile. False ends it. Answers the first index that was not asked for: others wait too.
   */
  readAll?(
    requests: readonly ReadRequest[],
    reads: { from: number; take(index: number, reply: Reply): boolean },
    signal: AbortSignal,
  ): Promise<number>
  writeCoil(unit: number, address: number, value: boolean): WriteCall
  writeCoils(unit: number, address: number, values: boolean[]): WriteCall
  writeRegister(write: RegisterWrite): WriteCall
  writeRegisters(write: RegisterWrite): WriteCall
  /** Function 22: sets and clears bits inside the device. */
  maskWrite(mask: MaskWrite): WriteCall
  /** Function 23: writes, then reads the same registers, in one request; answers with what it read. */
  writeAndRead(write: RegisterWrite): WriteCall
  /** Resolves when every exchange asked for so far is over. */
  idle(): Promise<void>
}

/** A prepared write; it goes out when it is called. */
export type WriteCall = (signal: AbortSignal) => Promise<Reply>

/** Makes the library send; its promise may stay pending for ever once the line is gone. */
export type Send = (client: Client) => Promise<{ buffer?: Buffer }>

/** What a transport gives: one exchange at a time, guarded. */
export interface Exchanger {
  readonly endpoint: string
  exchange(unit: number, send: Send, signal: AbortSignal): Promise<Reply>
  idle(): Promise<void>
  close(): Promise<void>
}

const readers = {
  coil: (client, { address, count }) => client.readCoils(address, count),
  discrete: (client, { address, count }) => client.readDiscreteInputs(address, count),
  holding: (client, { address, count }) => client.readHoldingRegisters(address, count),
  input: (client, { address, count }) => client.readInputRegisters(address, count),
} as const satisfies Record<
  Table,
  (client: Client, request: ReadRequest) => Promise<{ buffer: Buffer }>
>

/** The line over a transport, which it closes with itself. */
export function createLine(exchanger: Exchanger): Line {
  const { endpoint } = exchanger
  const call = (unit: number, send: Send, signal: AbortSignal) =>
    exchanger.exchange(
      unit,
      (client) => {
        client.setID(unit)
        return send(client)
      },
      signal,
    )
  const write = (unit: number, send: (client: Client) => Promise<unknown>): WriteCall => {
    const confirmed = async (client: Client) => {
      await send(client)
      return {}
    }
    return (signal) => call(unit, confirmed, signal)
  }
  return {
    endpoint,
    read: (request, signal) =>
      call(request.unit, (client) => readers[request.table](client, request), signal),
    writeCoil: (unit, address, value) => write(unit, (it) => it.writeCoil(address, value)),
    writeCoils: (unit, address, values) => write(unit, (it) => it.writeCoils(address, values)),
    writeRegister: ({ unit, address, bytes }) =>
      write(unit, (it) => it.writeRegister(address, bytes.readUInt16BE())),
    writeRegisters: ({ unit, address, bytes }) =>
      write(unit, (it) => it.writeRegisters(address, bytes)),
    maskWrite: ({ unit, address, and, or }) =>
      write(unit, (it) => it.maskWriteRegister(address, and, or)),
    writeAndRead: (request) => (signal) =>
      call(request.unit, (client) => sendReadWrite(client, request), signal),
    idle: () => exchanger.idle(),
    [Symbol.asyncDispose]: () => exchanger.close(),
  }
}

/** The library has no promise for function 23 in its types, and gives numbers instead of bytes. */
function sendReadWrite(client: Client, { unit, address, bytes }: RegisterWrite) {
  const { promise, resolve, reject } = Promise.withResolvers<{ buffer: Buffer }>()
  const count = bytes.length / 2
  client.writeFC23(unit, address, count, address, count, bytes, (error, answer) => {
    if (error) {
      reject(error)
      return
    }
    const buffer = Buffer.alloc(count * 2)
    for (const [i, register] of answer.data.entries()) buffer.writeUInt16BE(register, i * 2)
    resolve({ buffer })
  })
  return promise
}

/** The library reports an exception response as an error with its code in `modbusCode`. */
export async function translate(
  sent: Promise<{ buffer?: Buffer }>,
  endpoint: string,
): Promise<Reply> {
  try {
    const { buffer } = await sent
    return { data: buffer ?? Buffer.alloc(0) }
  } catch (error) {
    const exception = (error as { modbusCode?: unknown }).modbusCode
    if (typeof exception === 'number') return { exception }
    const problem = error instanceof Error ? error.message : String(error)
    throw new Fault('driver.foreign-reply', { endpoint, problem }, { cause: error })
  }
}
