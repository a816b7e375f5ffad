/** The guard before any socket: true replies pass however they are cut, nothing else does. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { answerPdu } from '../../../simulators/kit/modbus-pdu.ts'
import { crcOf, encodeRtu } from '../../../simulators/kit/modbus-rtu-slave.ts'
import { createModbusMemory, encodeAdu } from '../../../simulators/kit/modbus-server.ts'
import { createFrameReader, findReplyProblem } from './reply-guard.ts'
import { crc16, createEchoJudge, createReplyJudge, encodeEcho } from './rtu-frame.ts'

const memory = createModbusMemory({
  holding: [[0, 130]],
  input: [[0, 130]],
  coils: [[0, 130]],
  discrete: [[0, 130]],
})
for (let i = 0; i < 130; i++) {
  memory.setUint16('holding', i, i * 499)
  memory.setUint16('input', i, i * 251)
  memory.setBit('coils', i, i % 3 === 0)
}

const word = (value: number) => [value >> 8, value & 255]
/** A request of every function the driver sends. */
const anyRequest = fc
  .record({
    fn: fc.constantFrom(1, 2, 3, 4, 5, 6, 15, 16, 22, 23),
    address: fc.nat(9),
    count: fc.integer({ min: 1, max: 20 }),
    value: fc.nat(65_535),
  })
  .map(({ fn, address, count, value }) => {
    const data = Array.from({ length: count }, () => word(value)).flat()
    const bits = Array.from({ length: Math.ceil(count / 8) }, () => value & 255)
    const tails: Record<number, number[]> = {
      5: [value % 2 ? 255 : 0, 0],
      6: word(value),
      15: [...word(count), bits.length, ...bits],
      16: [...word(count), data.length, ...data],
      22: [...word(value), ...word(value ^ 0xffff)],
      23: [...word(count), ...word(address), ...word(count), data.length, ...data],
    }
    return Buffer.from([fn, ...word(address), ...(tails[fn] ?? word(count))])
  })

describe('RTU', () => {
  test('the checksum is the one of the specification and of a second implementation', () => {
    expect(crc16(Buffer.of(0x02, 0x07))).toBe(0x1241)
    expect(crc16(Buffer.from('01030000000a', 'hex'))).toBe(0xcdc5)
    const bytes = fc.uint8Array({ maxLength: 260 })
    fc.assert(
      fc.property(bytes, (it) => {
        expect(crc16(Buffer.from(it))).toBe(crcOf(it))
      }),
    )
  })

  test('the true reply to every function is taken once its last byte is there, not before', () => {
    fc.assert(
      fc.property(anyRequest, (pdu) => {
        const reply = encodeRtu(7, answerPdu(memory, 7, pdu).pdu)
        const judge = createReplyJudge(encodeRtu(7, pdu))
        for (let size = 0; size < reply.length; size++) {
          expect(judge(reply.subarray(0, size))).toBeUndefined()
        }
        expect(judge(reply)).toEqual({ frame: reply })
      }),
    )
  })

  test('a reply with a byte changed, lost, added or put in front is never taken', () => {
    fc.assert(
      fc.property(anyRequest, fc.nat(), fc.integer({ min: 1, max: 255 }), (pdu, where, change) => {
        const reply = encodeRtu(7, answerPdu(memory, 7, pdu).pdu)
        const judge = createReplyJudge(encodeRtu(7, pdu))
        const at = where % reply.length
        const changed = Buffer.from(reply)
        changed[at] = (changed[at] ?? 0) ^ change
        const lost = Buffer.concat([reply.subarray(0, at), reply.subarray(at + 1)])
        const added = Buffer.concat([reply, Buffer.of(change)])
        const shifted = Buffer.concat([Buffer.of(change), reply])
        for (const bytes of [changed, lost, added, shifted]) {
          const verdict = judge(bytes)
          if (verdict && 'frame' in verdict) expect(verdict.frame.equals(reply)).toBe(true)
          if (bytes !== shifted) expect(verdict && 'frame' in verdict).toBeFalsy()
        }
      }),
    )
  })

  test('the reply to a request for another number of registers is never taken', () => {
    const count = fc.integer({ min: 1, max: 125 })
    fc.assert(
      fc.property(count, count, (asked, answered) => {
        fc.pre(asked !== answered)
        const late = answerPdu(memory, 1, Buffer.of(3, 0, 0, 0, answered)).pdu
        const judge = createReplyJudge(encodeRtu(1, Buffer.of(3, 0, 0, 0, asked)))
        expect(judge(encodeRtu(1, late))).toHaveProperty('problem')
      }),
    )
  })

  test('an echo is found behind older replies, but not an older echo', () => {
    const older = encodeRtu(1, Buffer.of(3, 2, 0x11, 0x11))
    const echo = encodeEcho(1, 0xbeef)
    const judge = createEchoJudge(echo)
    expect(judge(older)).toBeUndefined()
    expect(judge(encodeEcho(1, 0xbeee))).toBeUndefined()
    expect(judge(encodeEcho(2, 0xbeef))).toBeUndefined()
    expect(judge(Buffer.concat([older, echo]))).toHaveProperty('frame')
    expect(judge(Buffer.concat([older, encodeRtu(1, Buffer.of(0x88, 1))]))).toHaveProperty('frame')
    expect(judge(encodeRtu(1, Buffer.of(0x83, 1)))).toBeUndefined()
  })
})

describe('TCP', () => {
  /** What a line would do with these bytes: the frames it takes, until the first problem. */
  function accept(request: Buffer, bytes: Buffer, cut: number): Buffer[] {
    const reader = createFrameReader()
    const taken: Buffer[] = []
    let pending: Buffer | undefined = request
    for (const chunk of [bytes.subarray(0, cut), bytes.subarray(cut)]) {
      const { frames, problem } = reader.push(chunk)
      for (const frame of frames) {
        if (findReplyProblem(pending, frame) !== undefined) return taken
        pending = undefined
        taken.push(frame)
      }
      if (problem !== undefined) return taken
    }
    return taken
  }

  test('the true reply to every function is taken however it is cut', () => {
    fc.assert(
      fc.property(anyRequest, fc.nat(260), fc.nat(65_535), (pdu, cut, transaction) => {
        const reply = encodeAdu(transaction, 7, answerPdu(memory, 7, pdu).pdu)
        expect(accept(encodeAdu(transaction, 7, pdu), reply, cut)).toEqual([reply])
      }),
    )
  })

  test('F18: a changed header, a missing byte or garbage in front is never taken', () => {
    fc.assert(
      fc.property(anyRequest, fc.nat(), fc.integer({ min: 1, max: 255 }), (pdu, where, change) => {
        const request = encodeAdu(9, 7, pdu)
        const reply = encodeAdu(9, 7, answerPdu(memory, 7, pdu).pdu)
        const isRead = [1, 2, 3, 4, 23].includes(pdu[0] ?? 0)
        // A read's data is its own; everything else, and all of a write's echo, is compared.
        const at = where % (isRead ? 9 : reply.length)
        const changed = Buffer.from(reply)
        changed[at] = (changed[at] ?? 0) ^ change
        const missing = Buffer.concat([reply.subarray(0, at), reply.subarray(at + 1)])
        const shifted = Buffer.concat([Buffer.of(change), reply])
        for (const bytes of [changed, missing, shifted]) {
          expect(accept(request, bytes, where % bytes.length)).toEqual([])
        }
      }),
    )
  })

  test('F18: lengths of 0 and 65535 and a foreign protocol end the conversation', () => {
    for (const [offset, value] of [
      [4, 0],
      [4, 65_535],
      [2, 1],
    ] as const) {
      const adu = encodeAdu(1, 1, Buffer.of(3, 2, 0, 1))
      adu.writeUInt16BE(value, offset)
      expect(createFrameReader().push(adu)).toMatchObject({ problem: expect.any(String) })
    }
  })
})
