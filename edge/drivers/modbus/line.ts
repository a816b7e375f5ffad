/** One conversation with a device: the calls of modbus-serial behind an exchange that a guard watches. */
import modbusSerial from 'modbus-serial'
import { Fault } from '../../../protocol/kit/fault.ts'
import type { Table } from './address-schema.ts'

export interface ReadRequest {
  unit: number
  table: Table
  address: number
  count: number
}

/**
 * Exactly one of the three. `lost`: this exchange brought nothing to be trusted, but the line goes on (a bus,
 * where one unit may be dead); a line that is gone throws its Fault instead.
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

export type Client = InstanceType<typeof modbusSerial.default>

/** Makes the library send; its promise may stay pending for ever once the line is gone. */
export type Send = () => Promise<{ buffer?: Buffer }>

/** What a transport gives: one exchange at a time, guarded. */
export interface Exchanger {
  readonly endpoint: string
  readonly client: Client
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

/** A client of the library on a port of its own, or none yet; the guard hears the errors by itself. */
export function createClient(port?: unknown): Client {
  const client = new modbusSerial.default(port)
  // Without a listener the library would crash us.
  client.on('error', () => {})
  return client
}

/** The line over a transport, which it closes with itself. */
export function createLine(exchanger: Exchanger): Line {
  const { client, endpoint } = exchanger
  const call = (unit: number, send: Send, signal: AbortSignal) =>
    exchanger.exchange(
      unit,
      () => {
        client.setID(unit)
        return send()
      },
      signal,
    )
  const write = (unit: number, send: () => Promise<unknown>): WriteCall => {
    const confirmed = async () => {
      await send()
      return {}
    }
    return (signal) => call(unit, confirmed, signal)
  }
  return {
    endpoint,
    read: (request, signal) =>
      call(request.unit, () => readers[request.table](client, request), signal),
    writeCoil: (unit, address, value) => write(unit, () => client.writeCoil(address, value)),
    writeCoils: (unit, address, values) => write(unit, () => client.writeCoils(address, values)),
    writeRegister: ({ unit, address, bytes }) =>
      write(unit, () => client.writeRegister(address, bytes.readUInt16BE())),
    writeRegisters: ({ unit, address, bytes }) =>
      write(unit, () => client.writeRegisters(address, bytes)),
    maskWrite: ({ unit, address, and, or }) =>
      write(unit, () => client.maskWriteRegister(address, and, or)),
    writeAndRead: (request) => (signal) =>
      call(request.unit, () => sendReadWrite(client, request), signal),
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
