/** Compares a reply's raw bytes with the request they should answer: modbus-serial lets too much through. */

/** MBAP header: transaction, protocol, length (two bytes each), then the unit. */
const HEADER_BYTES = 6
/** Unit, function and one byte more: the shortest reply is an exception. */
const MIN_LENGTH = 3
/** Unit and the longest PDU. */
const MAX_LENGTH = 254

/** Collects bytes into whole frames; `problem` ends the conversation. */
export interface FrameReader {
  push(chunk: Buffer): { frames: Buffer[]; problem?: string }
}

export function createFrameReader(): FrameReader {
  let pending: Buffer = Buffer.alloc(0)
  return {
    push(chunk) {
      pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
      const frames: Buffer[] = []
      while (pending.length >= HEADER_BYTES) {
        const length = pending.readUInt16BE(4)
        if (pending.readUInt16BE(2) !== 0) return { frames, problem: 'not the Modbus protocol' }
        if (length < MIN_LENGTH || length > MAX_LENGTH) {
          return { frames, problem: `a frame of length ${length}` }
        }
        if (pending.length < HEADER_BYTES + length) break
        frames.push(pending.subarray(0, HEADER_BYTES + length))
        pending = pending.subarray(HEADER_BYTES + length)
      }
      return { frames }
    },
  }
}

/** Undefined when the reply belongs to the request, else what is wrong with it. */
export function findReplyProblem(request: Buffer | undefined, reply: Buffer): string | undefined {
  if (!request) return 'a reply nobody asked for'
  const transaction = request.readUInt16BE(0)
  if (reply.readUInt16BE(0) !== transaction) {
    return `transaction ${reply.readUInt16BE(0)} instead of ${transaction}`
  }
  if (reply[6] !== request[6]) return `unit ${reply[6]} instead of ${request[6]}`
  const fn = request[7] ?? 0
  if (reply[7] === (fn | 0x80)) {
    return reply.length === HEADER_BYTES + 3 ? undefined : 'an exception of the wrong length'
  }
  if (reply[7] !== fn) return `function ${reply[7]} instead of ${fn}`
  return fn <= 4 ? findReadProblem(request, reply, fn) : findWriteProblem(request, reply)
}

function findReadProblem(request: Buffer, reply: Buffer, fn: number): string | undefined {
  const quantity = request.readUInt16BE(10)
  const bytes = fn <= 2 ? Math.ceil(quantity / 8) : quantity * 2
  if (reply[8] !== bytes) return `${reply[8]} bytes of data instead of ${bytes}`
  if (reply.length !== HEADER_BYTES + 3 + bytes) return `a reply of ${reply.length} bytes`
  return undefined
}

/** Writes are answered by the address and the value, or the address and the quantity. */
function findWriteProblem(request: Buffer, reply: Buffer): string | undefined {
  const isEcho = reply.length === 12 && reply.subarray(8, 12).equals(request.subarray(8, 12))
  return isEcho ? undefined : 'a confirmation of something else'
}
