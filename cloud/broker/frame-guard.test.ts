/** The frame guard and the gate, without a socket. */
import fc from 'fast-check'
import { generate } from 'mqtt-packet'
import { describe, expect, it } from 'vitest'
import { createFrameGuard } from './frame-guard.ts'
import { createGate } from './gate.ts'

const publish = (bytes: number) =>
  generate({
    cmd: 'publish',
    topic: 'a',
    payload: Buffer.alloc(bytes),
    qos: 0,
    dup: false,
    retain: false,
  })

describe('the frame guard', () => {
  it('lets packets of any size up to the limit through, however the stream is cut', () => {
    const property = fc.property(
      fc.array(fc.nat(300), { minLength: 1, maxLength: 20 }),
      fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }),
      (sizes, cuts) => {
        const guard = createFrameGuard(400)
        const stream = Buffer.concat(sizes.map((size) => publish(size)))
        for (let offset = 0, n = 0; offset < stream.length; n += 1) {
          const step = cuts[n % cuts.length]!
          expect(guard(stream.subarray(offset, offset + step))).toBe(true)
          offset += step
        }
        expect(guard(publish(401))).toBe(false)
      },
    )
    fc.assert(property, { numRuns: 100 })
  })

  it('stops at the length field, before the body has come', () => {
    const guard = createFrameGuard(1_000)
    expect(guard(Buffer.from([0x30]))).toBe(true)
    expect(guard(Buffer.from([0xff, 0xff, 0xff, 0x7f]))).toBe(false)
    expect(guard(Buffer.from([0x00]))).toBe(false)
  })

  it('refuses a length of five bytes', () => {
    expect(createFrameGuard(1e9)(Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80, 0x01]))).toBe(false)
  })
})

describe('the gate', () => {
  it('lets a burst in at once and then only the rate', () => {
    const mayBegin = createGate({ perSecond: 10, burst: 3 })
    expect([0, 0, 0, 0].map(mayBegin)).toEqual([true, true, true, false])
    expect([50, 100, 100, 150, 200].map(mayBegin)).toEqual([false, true, false, false, true])
    expect([9_999, 9_999, 9_999, 9_999].map(mayBegin)).toEqual([true, true, true, false])
  })

  it('neither opens nor shuts when the clock is set back', () => {
    const mayBegin = createGate({ perSecond: 10, burst: 1 })
    expect(mayBegin(10_000)).toBe(true)
    expect(mayBegin(5_000)).toBe(false)
    expect(mayBegin(5_100)).toBe(true)
  })
})
