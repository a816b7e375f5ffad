/** A Modbus RTU slave on any byte stream (a serial port, a TCP socket): own framing, own CRC, chosen misbehaviour. */
import type { Duplex } from 'node:stream'
import type { ModbusMemory } from './modbus-memory.ts'
import { answerPdu, encodeException, type ModbusRequest, peekRequest } from './modbus-pdu.ts'
import type { ModbusBehaviour } from './modbus-server.ts'
import { openTcpServer } from './tcp-server.ts'

export interface RtuSlaveOptions {
  /** By unit id. A unit that is not here stays silent, as on a real bus. */
  units: Readonly<Record<number, ModbusMemory>>
  /**
   * As of the TCP server, with two differences of a bus: `raw` is sent as it stands, CRC included, and a
   * delayed answer holds the later ones back, because a slave works on one request at a time.
   */
  behave?(request: ModbusRequest): ModbusBehaviour
}

export interface RtuSlave extends Disposable {
  /** Requests with a right CRC seen since the start, answered or not. */
  requests(): number
}

export interface RtuTcpServer extends AsyncDisposable {
  readonly port: number
  requests(): number
  connections(): number
  dropConnections(): void
}

/** Longest frame of Modbus over Serial Line V1.02, 2.5.1.1. */
const MAX_FRAME_BYTES = 256
/** After this much silence a frame that has begun is given up; far beyond t3.5, for streams come in lumps. */
const SILENCE_MS = 60

/** CRC-16 of Modbus (polynomial 0xA001, reflected), bit by bit as the specification draws it. */
export function crcOf(bytes: Uint8Array): number {
  let crc = 0xffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1
  }
  return crc
}

/** Unit, PDU and CRC. For tests that answer by themselves with `raw`. */
export function encodeRtu(unit: number, pdu: Uint8Array): Buffer {
  const frame = Buffer.alloc(pdu.length + 3)
  frame[0] = unit
  frame.set(pdu, 1)
  frame.writeUInt16LE(crcOf(frame.subarray(0, -2)), pdu.length + 1)
  return frame
}

/** Length of the request that begins these bytes; undefined while it cannot be known. */
function requestLength(bytes: Buffer): number | undefined {
  const fn = bytes[1]
  if (fn === undefined) return undefined
  if (fn === 15 || fn === 16) return bytes.length > 6 ? 9 + (bytes[6] ?? 0) : undefined
  if (fn === 22) return 10
  if (fn === 23) return bytes.length > 10 ? 13 + (bytes[10] ?? 0) : undefined
  return 8
}

/** Serves one stream until it is disposed; a stream that ends is the caller's to open again. */
export function serveRtu(stream: Duplex, options: RtuSlaveOptions): RtuSlave {
  const waiting: { bytes: Buffer; atMs: number }[] = []
  let timer: NodeJS.Timeout | undefined
  let requests = 0
  let freeAtMs = 0
  /** One timer for all: answers leave in the order of their requests, whatever timers round to. */
  const drain = () => {
    timer = undefined
    for (let first = waiting[0]; first; first = waiting[0]) {
      const leftMs = first.atMs - performance.now()
      if (leftMs > 0) {
        timer = setTimeout(drain, leftMs)
        return
      }
      waiting.shift()
      if (!stream.destroyed) stream.write(first.bytes)
    }
  }
  const send = (bytes: Buffer, delayMs: number) => {
    freeAtMs = Math.max(freeAtMs, performance.now()) + delayMs
    waiting.push({ bytes, atMs: freeAtMs })
    if (timer === undefined) drain()
  }
  const reader = createRequestReader((frame) => {
    requests++
    const answer = answerFrame(options, frame)
    if (answer) send(answer.bytes, answer.delayMs)
  })
  stream.on('data', reader.push)
  stream.on('error', () => {})
  return {
    requests: () => requests,
    [Symbol.dispose]() {
      stream.off('data', reader.push)
      reader.stop()
      clearTimeout(timer)
    },
  }
}

/** Cuts bytes into requests with a right CRC; silence forgets what has begun. */
function createRequestReader(onFrame: (frame: Buffer) => void) {
  let pending: Buffer = Buffer.alloc(0)
  let silence: NodeJS.Timeout | undefined
  const stop = () => clearTimeout(silence)
  const push = (chunk: Buffer) => {
    stop()
    pending = Buffer.concat([pending, chunk]).subarray(-MAX_FRAME_BYTES)
    for (let size = requestLength(pending); size && pending.length >= size; ) {
      const frame = pending.subarray(0, size)
      pending = pending.subarray(size)
      size = requestLength(pending)
      if (frame.readUInt16LE(frame.length - 2) === crcOf(frame.subarray(0, -2))) onFrame(frame)
    }
    silence = setTimeout(() => {
      pending = Buffer.alloc(0)
    }, SILENCE_MS)
  }
  return { push, stop }
}

function answerFrame(
  options: RtuSlaveOptions,
  frame: Buffer,
): { bytes: Buffer; delayMs: number } | undefined {
  const unit = frame.readUInt8(0)
  const pdu = Buffer.from(frame.subarray(1, -2))
  const behaviour = options.behave?.({ transaction: 0, unit, ...peekRequest(pdu) })
  if (behaviour === 'silent') return undefined
  if (behaviour && 'raw' in behaviour) return { bytes: behaviour.raw, delayMs: 0 }
  if (behaviour && 'exception' in behaviour) {
    const refusal = encodeException(pdu[0] ?? 0, behaviour.exception)
    return { bytes: encodeRtu(unit, refusal), delayMs: 0 }
  }
  const memory = options.units[unit]
  if (!memory) return undefined
  const answer = answerPdu(memory, unit, pdu)
  return { bytes: encodeRtu(unit, answer.pdu), delayMs: behaviour?.delayMs ?? 0 }
}

/** The same slave behind a serial device server: RTU frames over TCP, no MBAP header. */
export async function openRtuTcpServer(options: RtuSlaveOptions): Promise<RtuTcpServer> {
  const slaves: RtuSlave[] = []
  const server = await openTcpServer({
    host: '127.0.0.1',
    port: 0,
    onConnection: (socket) => {
      slaves.push(serveRtu(socket, options))
    },
  })
  return {
    port: server.port,
    connections: server.connections,
    dropConnections: server.dropConnections,
    requests: () => slaves.reduce((sum, slave) => sum + slave.requests(), 0),
    async [Symbol.asyncDispose]() {
      for (const slave of slaves) slave[Symbol.dispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}
