/** One request and its bytes back on a shared wire: waiting for silence, sending, judging, giving up. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault } from '../../../protocol/kit/fault.ts'
import type { Wire } from './byte-stream.ts'
import type { Judge } from './rtu-frame.ts'

export interface TransactOptions {
  request: Buffer
  judge: Judge
  /** From the moment of sending, time on the wire included. */
  deadlineMs: number
}

export interface RtuWire {
  readonly endpoint: string
  /** Sends and waits for the judge's word. Throws when the wire is gone or the signal aborts. */
  transact(
    options: TransactOptions,
    signal: AbortSignal,
  ): Promise<{ frame: Buffer } | { lost: Fault }>
  /** Waits until nothing has come for so long; false when that takes longer than the patience. */
  waitForSilence(silence: Silence, signal: AbortSignal): Promise<boolean>
  /** True when bytes came that no request of ours was waiting for. */
  takeNoise(): boolean
  /** Why the wire is gone; undefined while it is not. */
  reasonGone(): Error | undefined
  close(): Promise<void>
}

export interface Silence {
  quietMs: number
  patienceMs: number
}

/** Longest frame (Serial Line V1.02, 2.5.1.1); many times that is no answer but a babbling bus. */
const MAX_RECEIVED_BYTES = 1024

interface Waiting {
  received: Buffer
  judge: Judge
  settle(result: { frame: Buffer } | { lost: Fault }): void
  reject(error: Error): void
}

/** Takes the wire over; what comes while nobody waits is noise. */
export function createRtuWire(wire: Wire): RtuWire {
  const { endpoint, stream } = wire
  let gone: Error | undefined
  let waiting: Waiting | undefined
  let closing: Promise<void> | undefined
  let lastByteMs = performance.now()
  // What lay in the port before we opened it is nobody's answer.
  let isNoisy = true

  const fail = (error: Error) => {
    if (gone) return
    gone = error
    closing = wire.close()
    waiting?.reject(error)
  }
  const onLost = (cause?: Error | null) =>
    fail(new Fault('driver.disconnected', { endpoint }, cause ? { cause } : undefined))
  stream.on('error', onLost)
  stream.on('close', onLost)
  stream.on('data', (chunk: Buffer) => {
    lastByteMs = performance.now()
    if (!waiting) {
      isNoisy = true
      return
    }
    waiting.received = Buffer.concat([waiting.received, chunk])
    const verdict = judgeBytes(waiting, endpoint)
    if (verdict) waiting.settle(verdict)
  })

  return {
    endpoint,
    reasonGone: () => gone,
    takeNoise() {
      const was = isNoisy
      isNoisy = false
      return was
    },
    async waitForSilence({ quietMs, patienceMs }, signal) {
      const giveUpMs = performance.now() + patienceMs
      for (;;) {
        const leftMs = lastByteMs + quietMs - performance.now()
        if (leftMs <= 0) return true
        if (performance.now() > giveUpMs) return false
        await sleep(Math.ceil(leftMs), undefined, { signal }).catch(() => signal.throwIfAborted())
      }
    },
    async transact({ request, judge, deadlineMs }, signal) {
      signal.throwIfAborted()
      if (gone) throw new Fault('driver.disconnected', { endpoint }, { cause: gone })
      const { promise, resolve, reject } = Promise.withResolvers<
        { frame: Buffer } | { lost: Fault }
      >()
      const mine: Waiting = { received: Buffer.alloc(0), judge, settle: resolve, reject }
      waiting = mine
      const timer = setTimeout(() => resolve(silent(mine, endpoint, deadlineMs)), deadlineMs)
      const onAbort = () => fail(signal.reason)
      signal.addEventListener('abort', onAbort, { once: true })
      try {
        stream.write(request)
        return await promise
      } finally {
        waiting = undefined
        clearTimeout(timer)
        signal.removeEventListener('abort', onAbort)
      }
    },
    async close() {
      onLost()
      await closing
    },
  }
}

function judgeBytes({ received, judge }: Waiting, endpoint: string) {
  const verdict = judge(received)
  if (verdict && 'problem' in verdict) {
    return { lost: new Fault('driver.foreign-reply', { endpoint, problem: verdict.problem }) }
  }
  if (!verdict && received.length > MAX_RECEIVED_BYTES) {
    return { lost: new Fault('driver.foreign-reply', { endpoint, problem: 'bytes without end' }) }
  }
  return verdict
}

function silent({ received }: Waiting, endpoint: string, deadlineMs: number): { lost: Fault } {
  const timeoutMs = Math.round(deadlineMs)
  if (received.length === 0) return { lost: new Fault('driver.timeout', { endpoint, timeoutMs }) }
  const problem = `a reply that ends after ${received.length} bytes`
  return { lost: new Fault('driver.foreign-reply', { endpoint, problem }) }
}
