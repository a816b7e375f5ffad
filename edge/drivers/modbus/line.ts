/** One TCP conversation through modbus-serial under guard: one request in flight, our own deadline, raw replies checked. */
import { Socket } from 'node:net'
import modbusSerial from 'modbus-serial'
import { Fault } from '../../../protocol/kit/fault.ts'
import type { Table } from './address.ts'
import { createFrameReader, findReplyProblem } from './reply-guard.ts'

export interface LineOptions {
  host: string
  port: number
  /** For connecting and for each request. */
  timeoutMs: number
}

export interface ReadRequest {
  unit: number
  table: Table
  address: number
  count: number
}

/** Exactly one of the two. */
export type Reply = { data: Buffer } | { exception: number }

export interface Line extends AsyncDisposable {
  /** Two bytes a register, or bits packed with the lowest first. */
  read(request: ReadRequest, signal: AbortSignal): Promise<Reply>
  writeCoil(unit: number, address: number, value: boolean): WriteCall
  writeCoils(unit: number, address: number, values: boolean[]): WriteCall
  writeRegister(unit: number, address: number, bytes: Buffer): WriteCall
  writeRegisters(unit: number, address: number, bytes: Buffer): WriteCall
}

/** A prepared write; it goes out when it is called. */
export type WriteCall = (signal: AbortSignal) => Promise<Reply>

type Client = InstanceType<typeof modbusSerial.default>

const readers = {
  coil: (client, { address, count }) => client.readCoils(address, count),
  discrete: (client, { address, count }) => client.readDiscreteInputs(address, count),
  holding: (client, { address, count }) => client.readHoldingRegisters(address, count),
  input: (client, { address, count }) => client.readInputRegisters(address, count),
} as const satisfies Record<
  Table,
  (client: Client, request: ReadRequest) => Promise<{ buffer: Buffer }>
>

/** Connects. Throws Fault 'driver.disconnected' or 'driver.timeout'. */
export async function openLine(options: LineOptions, signal: AbortSignal): Promise<Line> {
  signal.throwIfAborted()
  const socket = new Socket()
  await connectSocket(socket, options, signal)
  const guard = createGuard(socket, options)
  const client = new modbusSerial.default()
  // The guard hears everything from the socket itself; without a listener the library would crash us.
  client.on('error', () => {})
  await client.linkTCP(socket, { port: options.port })
  const call = (unit: number, send: () => Promise<{ buffer?: Buffer }>, abort: AbortSignal) =>
    guard.exchange(() => {
      client.setID(unit)
      return send()
    }, abort)
  const write = (unit: number, send: () => Promise<unknown>): WriteCall => {
    const confirmed = async () => {
      await send()
      return {}
    }
    return (abort) => call(unit, confirmed, abort)
  }
  return {
    read: (request, abort) =>
      call(request.unit, () => readers[request.table](client, request), abort),
    writeCoil: (unit, address, value) => write(unit, () => client.writeCoil(address, value)),
    writeCoils: (unit, address, values) => write(unit, () => client.writeCoils(address, values)),
    writeRegister: (unit, address, bytes) =>
      write(unit, () => client.writeRegister(address, bytes.readUInt16BE())),
    writeRegisters: (unit, address, bytes) =>
      write(unit, () => client.writeRegisters(address, bytes)),
    async [Symbol.asyncDispose]() {
      guard.close()
    },
  }
}

function endpointOf({ host, port }: LineOptions): string {
  return `${host}:${port}`
}

async function connectSocket(
  socket: Socket,
  options: LineOptions,
  signal: AbortSignal,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const endpoint = endpointOf(options)
  const { timeoutMs } = options
  const timer = setTimeout(
    () => reject(new Fault('driver.timeout', { endpoint, timeoutMs })),
    timeoutMs,
  )
  const onError = (cause: Error) =>
    reject(new Fault('driver.disconnected', { endpoint }, { cause }))
  const onAbort = () => reject(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  socket.once('error', onError)
  socket.setNoDelay(true)
  // Finds a peer that vanished while no group is due.
  socket.setKeepAlive(true, 10_000)
  socket.connect({ host: options.host, port: options.port }, resolve)
  try {
    await promise
  } catch (error) {
    // A destroyed socket may still report its error.
    socket.on('error', () => {})
    socket.destroy()
    throw error
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
    socket.off('error', onError)
  }
}

interface Guard {
  exchange(send: () => Promise<{ buffer?: Buffer }>, signal: AbortSignal): Promise<Reply>
  close(): void
}

/**
 * Watches the socket beneath the library. Anything unexpected — a timeout, an abort in flight, a byte too
 * many — destroys the socket, because after it a late reply could be taken for the next one's answer
 * (modbus-serial re-uses its transaction ids after 256). What is in flight is settled here: the library's
 * own promises stay pending for ever once the socket is gone.
 */
function createGuard(socket: Socket, options: LineOptions): Guard {
  const endpoint = endpointOf(options)
  let dead: Error | undefined
  let rejectInFlight: ((error: Error) => void) | undefined
  let tail: Promise<unknown> = Promise.resolve()

  const fail = (error: Error) => {
    if (dead) return
    dead = error
    socket.destroy()
    rejectInFlight?.(error)
  }
  watchReplies(socket, (problem) => fail(new Fault('driver.foreign-reply', { endpoint, problem })))
  socket.on('error', (cause) => fail(new Fault('driver.disconnected', { endpoint }, { cause })))
  socket.on('close', () => fail(new Fault('driver.disconnected', { endpoint })))

  const runOne = async (send: () => Promise<{ buffer?: Buffer }>, signal: AbortSignal) => {
    signal.throwIfAborted()
    if (dead) throw new Fault('driver.disconnected', { endpoint }, { cause: dead })
    const { promise, reject } = Promise.withResolvers<never>()
    rejectInFlight = reject
    const onAbort = () => fail(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    const { timeoutMs } = options
    const timer = setTimeout(
      () => fail(new Fault('driver.timeout', { endpoint, timeoutMs })),
      timeoutMs,
    )
    try {
      return await Promise.race([promise, translate(send(), endpoint)])
    } finally {
      clearTimeout(timer)
      rejectInFlight = undefined
      signal.removeEventListener('abort', onAbort)
    }
  }
  return {
    exchange(send, signal) {
      const turn = tail.then(() => runOne(send, signal))
      tail = turn.catch(() => {})
      return turn
    },
    close: () => fail(new Fault('driver.disconnected', { endpoint })),
  }
}

/** Compares every reply with the request's own bytes, as the library sends them. */
function watchReplies(socket: Socket, onProblem: (problem: string) => void): void {
  const reader = createFrameReader()
  let request: Buffer | undefined
  const write = socket.write.bind(socket) as (chunk: Buffer) => boolean
  socket.write = ((chunk: Buffer) => {
    request = Buffer.from(chunk)
    return write(chunk)
  }) as typeof socket.write
  // Registered before the library's listener: a wrong reply settles the call before the library sees it.
  socket.on('data', (chunk: Buffer) => {
    const { frames, problem } = reader.push(chunk)
    for (const frame of frames) {
      const wrong = findReplyProblem(request, frame)
      request = undefined
      if (wrong) onProblem(wrong)
    }
    if (problem) onProblem(problem)
  })
}

/** The library reports an exception response as an error with its code in `modbusCode`. */
async function translate(sent: Promise<{ buffer?: Buffer }>, endpoint: string): Promise<Reply> {
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
