/** Compares a reply's raw bytes with the request they should answer: modbus-serial lets too much through. */

/** MBAP header: transaction, protocol, length (two bytes each), then the unit. */
export const HEADER_BYTES = 6
/** Unit, function and one byte more: the shortest reply is an exception. */
const MIN_LENGTH = 3
/** Unit and the longest PDU. */
const MAX_LENGTH = 254

/** Collects bytes into whole frames; `problem` ends the conversation. */
export interface FrameReader {
  /** The frames are valid as long as the chunk's bytes are; `left`: bytes of the next one that came already. */
  push(chunk: Buffer): { frames: Buffer[]; left: number; problem?: string }
}

export function createFrameReader(): FrameReader {
  let pending: Buffer = Buffer.alloc(0)
  return {
    push(chunk) {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
      const frames: Buffer[] = []
      while (pending.length >= HEADER_BYTES) {
        const length = pending.readUInt16BE(4)
        const left = pending.length
        if (pending.readUInt16BE(2) !== 0) {
          return { frames, left, problem: 'not the Modbus protocol' }
        }
        if (length < MIN_LENGTH || length > MAX_LENGTH) {
          return { frames, left, problem: `a frame of length ${length}` }
        }
        if (pending.length < HEADER_BYTES + length) break
        frames.push(pending.subarray(0, HEADER_BYTES + length))
        pending = pending.subarray(HEADER_BYTES + length)
      }
      // What is left outlives the chunk.
      if (pending.length > 0) pending = Buffer.from(pending)
      return { frames, left: pending.length }
    },
  }
}

/** Undefined when the reply belongs to the request, else what is wrong with it; whole frames of Modbus TCP. */
export function findReplyProblem(request: Buffer | undefined, reply: Buffer): string | undefined {
  if (!request) return 'a reply nobody asked for'
  const transaction = request.readUInt16BE(0)
  if (reply.readUInt16BE(0) !== transaction) {
    return `transaction ${reply.readUInt16BE(0)} instead of ${transaction}`
  }
  return findPduProblem(request.subarray(HEADER_BYTES), reply.subarray(HEADER_BYTES))
}

/** The same for unit and PDU alone, which every transport has. */
export function findPduProblem(request: Buffer, reply: Buffer): string | undefined {
  if (reply[0] !== request[0]) return `unit ${reply[0]} instead of ${request[0]}`
  const fn = request[1] ?? 0
  if (reply[1] === (fn | 0x80)) {
    return reply.length === EXCEPTION_BYTES ? undefined : 'an exception of the wrong length'
  }
  if (reply[1] !== fn) return `function ${reply[1]} instead of ${fn}`
  const length = replyLength(request)
  const miscounted = findCountProblem(request, reply)
  if (miscounted !== undefined) return miscounted
  if (reply.length !== length) return `a reply of ${reply.length} bytes instead of ${length}`
  // Writes are answered by the address and the value, or the address and the quantity.
  if (isRead(fn) || reply.equals(request.subarray(0, length))) return undefined
  return 'a confirmation of something else'
}

/** The byte count of a read's reply tells early that it answers a request for another quantity. */
export function findCountProblem(request: Buffer, reply: Buffer): string | undefined {
  const bytes = replyLength(request) - 3
  if (!isRead(request[1] ?? 0) || reply.length < 3 || reply[2] === bytes) return undefined
  return `${reply[2]} bytes of data instead of ${bytes}`
}

/** Unit, function and code. */
export const EXCEPTION_BYTES = 3
const MASK_WRITE = 22
const READ_WRITE = 23

function isRead(fn: number): boolean {
  return fn <= 4 || fn === READ_WRITE
}

/** Bytes of unit and PDU that answer this request when it is not refused. */
export function replyLength(request: Buffer): number {
  const fn = request[1] ?? 0
  if (fn === MASK_WRITE) return 8
  if (!isRead(fn)) return 6
  const quantity = request.readUInt16BE(4)
  return 3 + (fn <= 2 ? Math.ceil(quantity / 8) : quantity * 2)
}
