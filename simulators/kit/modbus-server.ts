/** A Modbus TCP server on plain sockets whose misbehaviour a test can choose request by request. */
import type { Socket } from 'node:net'
import { type ModbusLayout, ModbusMemory } from './modbus-memory.ts'
import {
  answerPdu,
  encodeException,
  type ModbusRequest,
  type ModbusWrite,
  type PduAnswer,
  peekRequest,
} from './modbus-pdu.ts'
import { openTcpServer } from './tcp-server.ts'

/**
 * What to do instead of a plain answer. `raw` is sent as it stands (whole ADU, MBAP header included);
 * a delayed answer is computed at once and sent later, so later requests may overtake it.
 */
export type ModbusBehaviour =
  | undefined
  | 'silent'
  | { exception: number }
  | { delayMs: number }
  | { raw: Buffer }

export interface ModbusServerOptions {
  host?: string
  /** 0 takes a free one. */
  port?: number
  /** By unit id. A unit that is not here answers exception 11 (gateway target failed to respond). */
  units: Readonly<Record<number, ModbusMemory>>
  behave?(request: ModbusRequest): ModbusBehaviour
  /** After a write has changed the memory. */
  onWrite?(event: ModbusWrite): void
}

export interface ModbusServer extends AsyncDisposable {
  readonly port: number
  /** Requests seen since the start, answered or not. */
  requests(): number
  /** Connections accepted since the start. */
  connections(): number
  /** Destroys every open connection; listening goes on. */
  dropConnections(): void
}

/** MBAP header: transaction (2), protocol (2), length (2), unit (1). */
const HEADER_BYTES = 7
/** Longest ADU of Modbus TCP: 253 bytes of PDU and the header. */
const MAX_ADU_BYTES = 260
const TARGET_FAILED = 11

/** A memory with the given ranges declared, all zero. */
export function createModbusMemory(layout: ModbusLayout): ModbusMemory {
  const memory = new ModbusMemory()
  for (const table of ['holding', 'input', 'coils', 'discrete'] as const) {
    for (const [start, count] of layout[table] ?? []) {
      for (let i = 0; i < count; i++) memory[table].set(start + i, 0)
    }
  }
  return memory
}

/** Opens the server; rejects with the system's error when the port is taken. */
export async function openModbusServer(options: ModbusServerOptions): Promise<ModbusServer> {
  let requests = 0
  const timers = new Set<NodeJS.Timeout>()
  const server = await openTcpServer({
    host: options.host ?? '127.0.0.1',
    port: options.port ?? 0,
    onConnection: (socket) => {
      readFrames(socket, (frame) => {
        requests++
        answerFrame(options, { socket, frame, timers })
      })
    },
  })
  return {
    port: server.port,
    requests: () => requests,
    connections: server.connections,
    dropConnections: server.dropConnections,
    async [Symbol.asyncDispose]() {
      for (const timer of timers) clearTimeout(timer)
      await server[Symbol.asyncDispose]()
    },
  }
}

/** Cuts the byte stream into ADUs; a stream that is not Modbus is cut off. */
function readFrames(socket: Socket, onFrame: (frame: Buffer) => void): void {
  let pending = Buffer.alloc(0)
  socket.on('data', (chunk) => {
    pending = Buffer.concat([pending, chunk])
    while (pending.length >= HEADER_BYTES) {
      const size = 6 + pending.readUInt16BE(4)
      if (pending.readUInt16BE(2) !== 0 || size <= HEADER_BYTES || size > MAX_ADU_BYTES) {
        socket.destroy()
        return
      }
      if (pending.length < size) return
      onFrame(pending.subarray(0, size))
      pending = pending.subarray(size)
    }
  })
}

interface Exchange {
  socket: Socket
  frame: Buffer
  timers: Set<NodeJS.Timeout>
}

function answerFrame(options: ModbusServerOptions, { socket, frame, timers }: Exchange): void {
  const transaction = frame.readUInt16BE(0)
  const unit = frame.readUInt8(6)
  const pdu = Buffer.from(frame.subarray(HEADER_BYTES))
  const request: ModbusRequest = { transaction, unit, ...peekRequest(pdu) }
  const behaviour = options.behave?.(request)
  if (behaviour === 'silent') return
  if (behaviour && 'raw' in behaviour) {
    socket.write(behaviour.raw)
    return
  }
  const answer = carryOut(options, { request, pdu, behaviour })
  const adu = encodeAdu(transaction, unit, answer.pdu)
  if (answer.write) options.onWrite?.(answer.write)
  if (!behaviour || !('delayMs' in behaviour)) {
    socket.write(adu)
    return
  }
  const timer = setTimeout(() => {
    timers.delete(timer)
    if (!socket.destroyed) socket.write(adu)
  }, behaviour.delayMs)
  timers.add(timer)
}

function carryOut(
  options: ModbusServerOptions,
  { request, pdu, behaviour }: { request: ModbusRequest; pdu: Buffer; behaviour: ModbusBehaviour },
): PduAnswer {
  if (typeof behaviour === 'object' && 'exception' in behaviour) {
    return { pdu: encodeException(request.fn, behaviour.exception) }
  }
  const memory = options.units[request.unit]
  if (!memory) return { pdu: encodeException(request.fn, TARGET_FAILED) }
  return answerPdu(memory, request.unit, pdu)
}

/** A whole response: MBAP header and PDU. For tests that answer by themselves with `raw`. */
export function encodeAdu(transaction: number, unit: number, pdu: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt16BE(transaction & 0xffff, 0)
  header.writeUInt16BE(pdu.length + 1, 4)
  header.writeUInt8(unit & 0xff, 6)
  return Buffer.concat([header, pdu])
}
