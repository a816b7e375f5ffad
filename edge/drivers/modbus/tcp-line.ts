/** Modbus TCP: reads are framed here, writes by modbus-serial on a port of ours, both through the one guarded wire. */
import type { SocketPlace } from './byte-stream.ts'
import { type Client, LibraryPort, loadClient } from './library-port.ts'
import {
  createLine,
  type Exchanger,
  type Line,
  type ReadRequest,
  type Reply,
  type Send,
  translate,
} from './line.ts'
import { HEADER_BYTES } from './reply-guard.ts'
import { CRC_BYTES, crc16 } from './rtu-frame.ts'
import { createFrame, PDU_AT, TcpWire } from './tcp-wire.ts'

const readFunctions = { coil: 1, discrete: 2, holding: 3, input: 4 } as const
const EXCEPTION = 0x80

/** Connects. Throws Fault 'driver.disconnected' or 'driver.timeout'. */
export async function openTcpLine(place: SocketPlace, signal: AbortSignal): Promise<Line> {
  const wire = await TcpWire.open(place, signal)
  // Used again for every read: one is in flight at a time, and its reply came after its last byte had gone.
  const frame = createFrame(0, 5)
  return {
    ...createLine(createExchanger(wire)),
    async read(request, abort) {
      try {
        return readReply(await wire.transact(() => encodeRead(frame, request), abort))
      } catch (error) {
        return toLost(wire, error)
      }
    },
    async readAll(requests, { from, take }, abort) {
      let next = from
      const series = {
        count: requests.length,
        encode: (index: number) => encodeRead(frame, requests[index] as ReadRequest),
        take(index: number, reply: Buffer) {
          next = index + 1
          return take(index, readReply(reply))
        },
      }
      try {
        return await wire.transactAll(series, from, abort)
      } catch (error) {
        take(next, toLost(wire, error))
        return next + 1
      }
    },
  }
}

function toLost(wire: TcpWire, error: unknown): Reply {
  if (wire.isPassing(error)) return { lost: error }
  throw error
}

function encodeRead(frame: Buffer, { unit, table, address, count }: ReadRequest): Buffer {
  frame[HEADER_BYTES] = unit
  frame[PDU_AT] = readFunctions[table]
  frame.writeUInt16BE(address, PDU_AT + 1)
  frame.writeUInt16BE(count, PDU_AT + 3)
  return frame
}

function readReply(frame: Buffer): Reply {
  return (frame[PDU_AT] ?? 0) & EXCEPTION
    ? { exception: frame[PDU_AT + 1] ?? 0 }
    : { data: frame.subarray(PDU_AT + 2) }
}

/** The library speaks RTU to its port; here the checksum gives way to the header of TCP, and comes back for its reply. */
function createExchanger(wire: TcpWire): Exchanger {
  const port = new LibraryPort()
  let loading: Promise<Client> | undefined
  return {
    endpoint: wire.endpoint,
    async exchange(_unit, send: Send, signal) {
      loading ??= loadClient(port)
      const client = await loading
      let answer: ReturnType<Send> | undefined
      const reply = await wire.transact(() => {
        answer = send(client)
        // Of a request without an answer the library never hears again.
        answer.catch(() => {})
        return toTcp(port.takeFrame() ?? Buffer.alloc(0))
      }, signal)
      port.answer(toRtu(reply))
      return await translate(answer ?? Promise.resolve({}), wire.endpoint)
    },
    idle: () => wire.idle(),
    close: async () => wire.close(),
  }
}

function toTcp(rtu: Buffer): Buffer {
  const frame = createFrame(rtu[0] ?? 0, rtu.length - 1 - CRC_BYTES)
  rtu.copy(frame, PDU_AT, 1, rtu.length - CRC_BYTES)
  return frame
}

function toRtu(frame: Buffer): Buffer {
  const body = frame.subarray(HEADER_BYTES)
  const rtu = Buffer.alloc(body.length + CRC_BYTES)
  body.copy(rtu)
  rtu.writeUInt16LE(crc16(body), body.length)
  return rtu
}
