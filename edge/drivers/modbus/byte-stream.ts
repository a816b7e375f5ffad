/** Opens the two kinds of byte stream Modbus runs on: a TCP socket and a serial port. */
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { Fault } from '../../../protocol/kit/fault.ts'

export interface SocketPlace {
  host: string
  port: number
  /** For each request on the line; connecting is given a second at least. */
  timeoutMs: number
}

export interface SerialPlace {
  path: string
  baudRate: number
  parity: 'none' | 'even' | 'odd'
  dataBits: 8
  stopBits: 1 | 2
  timeoutMs: number
}

/** A stream and how to end it; closing resolves when the port may be opened again. */
export interface Wire {
  readonly endpoint: string
  readonly stream: Duplex
  close(): Promise<void>
}

/** Far more than the longest frame, and one piece of memory for all that ever comes. */
const RECEIVE_BYTES = 4096
/** A busy host accepts late, however fast its device answers afterwards. */
const MIN_CONNECT_MS = 1000

/**
 * Connects. `take` is given what comes, valid only while it runs; without it the socket is read as a stream.
 * Throws Fault 'driver.disconnected' or 'driver.timeout'.
 */
export async function connectSocket(
  place: SocketPlace,
  signal: AbortSignal,
  take?: (bytes: Uint8Array) => void,
): Promise<Socket> {
  signal.throwIfAborted()
  const socket = new Socket(take && { onread: receiveInto(take) })
  const endpoint = `${place.host}:${place.port}`
  socket.setNoDelay(true)
  // Finds a peer that vanished while no group is due.
  socket.setKeepAlive(true, 10_000)
  const onError = (fail: (error: Error) => void) => (cause: Error) =>
    fail(new Fault('driver.disconnected', { endpoint }, { cause }))
  try {
    const timeoutMs = Math.max(place.timeoutMs, MIN_CONNECT_MS)
    await withDeadline({ endpoint, timeoutMs }, signal, (resolve, reject) => {
      socket.once('error', onError(reject))
      socket.connect({ host: place.host, port: place.port }, resolve)
    })
  } catch (error) {
    // A destroyed socket may still report its error.
    socket.on('error', () => {})
    socket.destroy()
    throw error
  }
  socket.removeAllListeners('error')
  return socket
}

function receiveInto(take: (bytes: Uint8Array) => void) {
  return {
    buffer: new Uint8Array(RECEIVE_BYTES),
    callback(size: number, buffer: Uint8Array) {
      take(buffer.subarray(0, size))
      return true
    },
  }
}

export async function openSocketWire(place: SocketPlace, signal: AbortSignal): Promise<Wire> {
  const stream = await connectSocket(place, signal)
  return {
    endpoint: `${place.host}:${place.port}`,
    stream,
    async close() {
      stream.destroy()
    },
  }
}

/** Opens the port for us alone. Throws Fault 'driver.disconnected' or 'driver.timeout'. */
export async function openSerialWire(place: SerialPlace, signal: AbortSignal): Promise<Wire> {
  signal.throwIfAborted()
  const { path, timeoutMs } = place
  // Native code that only serial devices need.
  const { SerialPort } = await import('serialport')
  const { baudRate, parity, dataBits, stopBits } = place
  const port = new SerialPort({ path, baudRate, parity, dataBits, stopBits, autoOpen: false })
  const close = async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    // Closed already, by an unplugged adapter for one: nothing is left to do.
    port.close(() => resolve())
    await promise
  }
  try {
    await withDeadline({ endpoint: path, timeoutMs }, signal, (resolve, reject) => {
      port.open((cause) =>
        cause ? reject(new Fault('driver.disconnected', { endpoint: path }, { cause })) : resolve(),
      )
    })
  } catch (error) {
    port.on('error', () => {})
    if (port.isOpen || port.opening) await close()
    throw error
  }
  return { endpoint: path, stream: port, close }
}

/** Runs what opens something, for at most the deadline and until the abort. */
async function withDeadline(
  { endpoint, timeoutMs }: { endpoint: string; timeoutMs: number },
  signal: AbortSignal,
  start: (resolve: () => void, reject: (error: Error) => void) => void,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const onAbort = () => reject(signal.reason)
  const fault = () => reject(new Fault('driver.timeout', { endpoint, timeoutMs }))
  const timer = setTimeout(fault, timeoutMs)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    start(resolve, reject)
    await promise
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}
