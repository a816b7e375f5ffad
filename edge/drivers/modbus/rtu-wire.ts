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

export interface Silence {
  quietMs: number
  patienceMs: number
}

/** Longest frame (Serial Line V1.02, 2.5.1.1); many times that is no answer but a babbling bus. */
const MAX_RECEIVED_BYTES = 1024

export type Transaction = { frame: Buffer } | { lost: Fault }

/** Opens the same place again. */
export type Reopen = (signal: AbortSignal) => Promise<Wire>

interface Waiting {
  /** From then on bytes have lain here while this process stood still: they tell of then, and would be taken for now. */
  staleMs: number
  received: Buffer
  judge: Judge
  settle(result: Transaction): void
  reject(error: Error): void
}

/** Takes the wire over; what comes while nobody waits is noise. */
export class RtuWire {
  readonly endpoint: string
  readonly #reopen: Reopen | undefined
  readonly #ended = new AbortController()
  #wire: Wire
  /** The other side hung up while nothing was asked: device servers do so after a rest. */
  #isRenewable = false
  #gone: Error | undefined
  #waiting: Waiting | undefined
  #closing: Promise<void> | undefined
  #lastByteMs = performance.now()
  // What lay in the port before we opened it is nobody's answer.
  #isNoisy = true

  constructor(wire: Wire, reopen?: Reopen) {
    this.endpoint = wire.endpoint
    this.#reopen = reopen
    this.#wire = wire
    this.#listen(wire)
  }

  #listen(wire: Wire): void {
    const onLost = (cause?: Error | null) => {
      if (this.#wire !== wire || this.#gone) return
      this.#isRenewable = this.#waiting === undefined && this.#reopen !== undefined
      this.#fail(this.#disconnected(cause))
    }
    wire.stream.on('error', onLost)
    wire.stream.on('close', onLost)
    wire.stream.on('data', (chunk: Buffer) => this.#take(chunk))
  }

  /** Opens the wire again where only that is gone. Throws as opening does. */
  async renew(signal: AbortSignal): Promise<void> {
    if (!this.#isRenewable || !this.#reopen) return
    this.#isRenewable = false
    const wire = await this.#reopen(AbortSignal.any([signal, this.#ended.signal]))
    if (this.#ended.signal.aborted) {
      await wire.close()
      throw this.#disconnected()
    }
    this.#wire = wire
    this.#gone = undefined
    this.#isNoisy = true
    this.#lastByteMs = performance.now()
    this.#listen(wire)
  }

  /** True when bytes came that no request of ours was waiting for; asking forgets it. */
  takeNoise(): boolean {
    const was = this.#isNoisy
    this.#isNoisy = false
    return was
  }

  /** Waits until nothing has come for so long; false when that takes longer than the patience. */
  async waitForSilence({ quietMs, patienceMs }: Silence, signal: AbortSignal): Promise<boolean> {
    const giveUpMs = performance.now() + patienceMs
    for (;;) {
      const leftMs = this.#lastByteMs + quietMs - performance.now()
      if (leftMs <= 0) return true
      if (performance.now() > giveUpMs) return false
      await sleep(Math.ceil(leftMs), undefined, { signal }).catch(() => signal.throwIfAborted())
    }
  }

  /** Sends and waits for the judge's word. Throws when the wire is gone or the signal aborts. */
  async transact(
    { request, judge, deadlineMs }: TransactOptions,
    signal: AbortSignal,
  ): Promise<Transaction> {
    signal.throwIfAborted()
    if (this.#gone) throw this.#disconnected(this.#gone)
    const { promise, resolve, reject } = Promise.withResolvers<Transaction>()
    const staleMs = performance.now() + 2 * deadlineMs
    const mine: Waiting = { staleMs, received: Buffer.alloc(0), judge, settle: resolve, reject }
    this.#waiting = mine
    const timer = setTimeout(() => resolve(silent(mine, this.endpoint, deadlineMs)), deadlineMs)
    const onAbort = () => this.#fail(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      this.#wire.stream.write(request)
      return await promise
    } finally {
      this.#waiting = undefined
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
    }
  }

  async close(): Promise<void> {
    const error = this.#disconnected()
    this.#isRenewable = false
    this.#ended.abort(error)
    this.#fail(error)
    await this.#closing
  }

  #take(chunk: Buffer): void {
    this.#lastByteMs = performance.now()
    const waiting = this.#waiting
    if (!waiting) {
      this.#isNoisy = true
      return
    }
    // The timer, which is long over, comes next and settles it.
    if (this.#lastByteMs > waiting.staleMs) return
    waiting.received = Buffer.concat([waiting.received, chunk])
    const verdict = judgeBytes(waiting, this.endpoint)
    if (verdict) waiting.settle(verdict)
  }

  #fail(error: Error): void {
    if (this.#gone) return
    this.#gone = error
    this.#closing = this.#wire.close()
    this.#waiting?.reject(error)
  }

  #disconnected(cause?: Error | null): Fault {
    const { endpoint } = this
    return new Fault('driver.disconnected', { endpoint }, cause ? { cause } : undefined)
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
