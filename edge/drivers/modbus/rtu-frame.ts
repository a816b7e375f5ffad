/** Frames of Modbus RTU: checksum, and whether what has come in so far answers the request. */
import { EXCEPTION_BYTES, findCountProblem, findPduProblem, replyLength } from './reply-guard.ts'

export const CRC_BYTES = 2
/** Function 8, sub-function 0: the device gives the same bytes back. */
const ECHO = [8, 0, 0] as const
const ECHO_FUNCTION = ECHO[0]
const EXCEPTION = 0x80

/** A whole reply, what is wrong with it, or undefined while more bytes must come. */
export type Verdict = { frame: Buffer } | { problem: string } | undefined
export type Judge = (received: Buffer) => Verdict

const crcTable = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1
  return crc
})

/** CRC-16/MODBUS; on the wire its low byte comes first. */
export function crc16(bytes: Buffer): number {
  let crc = 0xffff
  for (const byte of bytes) crc = (crc >> 8) ^ (crcTable[(crc ^ byte) & 0xff] ?? 0)
  return crc
}

function hasRightCrc(frame: Buffer): boolean {
  return frame.readUInt16LE(frame.length - CRC_BYTES) === crc16(frame.subarray(0, -CRC_BYTES))
}

/** Bytes of the frame that answers this request (a frame too) when it is not refused. */
export function rtuReplyLength(request: Buffer): number {
  return replyLength(request) + CRC_BYTES
}

/**
 * Strict: the reply begins with the first byte after the request, has the length the request asks for, and
 * nothing follows it. Noise in front of a reply costs that reply; a byte skipped could cost a wrong value.
 */
export function createReplyJudge(request: Buffer): Judge {
  const body = request.subarray(0, -CRC_BYTES)
  const [unit, fn = 0] = request
  return (received) => {
    if (received.length > 0 && received[0] !== unit) {
      return { problem: `unit ${received[0]} instead of ${unit}` }
    }
    if (received.length < 2) return undefined
    const isException = received[1] === (fn | EXCEPTION)
    if (!isException && received[1] !== fn) {
      return { problem: `function ${received[1]} instead of ${fn}` }
    }
    const length = isException ? EXCEPTION_BYTES + CRC_BYTES : rtuReplyLength(request)
    const miscounted = isException ? undefined : findCountProblem(body, received)
    if (miscounted !== undefined) return { problem: miscounted }
    if (received.length < length) return undefined
    if (received.length > length) return { problem: `${received.length - length} bytes too many` }
    if (!hasRightCrc(received)) return { problem: 'a wrong checksum' }
    const problem = findPduProblem(body, received.subarray(0, -CRC_BYTES))
    return problem === undefined ? { frame: received } : { problem }
  }
}

/** A request to give two bytes back that no earlier request can have carried. */
export function encodeEcho(unit: number, nonce: number): Buffer {
  const frame = Buffer.from([unit, ...ECHO, nonce >> 8, nonce & 0xff, 0, 0])
  frame.writeUInt16LE(crc16(frame.subarray(0, -CRC_BYTES)), frame.length - CRC_BYTES)
  return frame
}

/**
 * Looks for the echo, or its refusal, at the end of what has come in: whatever stands before it answers older
 * requests and is thrown away. Only function 8 can be refused so, and we ask it for nothing else.
 */
export function createEchoJudge(echo: Buffer): Judge {
  return (received) => {
    if (received.length >= echo.length && received.subarray(-echo.length).equals(echo)) {
      return { frame: echo }
    }
    const tail = received.subarray(-(EXCEPTION_BYTES + CRC_BYTES))
    if (tail.length < EXCEPTION_BYTES + CRC_BYTES) return undefined
    const isRefusal = tail[0] === echo[0] && tail[1] === (ECHO_FUNCTION | EXCEPTION)
    return isRefusal && hasRightCrc(tail) ? { frame: tail } : undefined
  }
}
