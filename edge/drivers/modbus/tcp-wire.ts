/** Modbus TCP under guard: one request in flight, our own deadline, raw replies checked, the socket given up at any doubt. */
import type { Socket } from 'node:net'
import { Fault } from '../../../protocol/kit/fault.ts'
import { connectSocket, type SocketPlace } from './byte-stream.ts'
import { createFrameReader, findReplyProblem, HEADER_BYTES } from './reply-guard.ts'

interface Waiting {
  request: Buffer
  deadlineMs: number
  /** The reply's bytes are the socket's own, valid only meanwhile. */
  take(reply: Buffer): void
  reject(error: Error): void
}

/** Exchanges one after the other; each request leaves with the reply to the one before. */
export interface Series {
  count: number
  encode(index: number): Buffer
  /** The reply's bytes are valid only meanwhile. False: no further ones. */
  take(index: number, reply: Buffer): boolean
}

/**
 * Anything unexpected — a timeout, an abort in flight, a byte too many — destroys the socket, because after it
 * a late reply could be taken for the next one's answer. What is in flight is settled here. Where only this socket is
 * over (nothing was answered in time, or the device hung up), the next exchange opens another one, on which nothing
 * older can come: behind a gateway one dead unit must not take the others with it.
 */
export class TcpWire {
  readonly endpoint: string
  readonly #place: SocketPlace
  readonly #timeoutMs: number
  readonly #closing = new AbortController()
  /** Of exchanges that cost their socket and nothing more. */
  readonly #passing = new WeakSet<object>()
  #reader = createFrameReader()
  #socket: Socket | undefined
  #isRenewable = false
  #dead: Error | undefined
  #waiting: Waiting | undefined
  #transaction = 0
  /** One timer for all deadlines: it looks, and sleeps on for what is left. */
  #timer: NodeJS.Timeout | undefined
  #tail: Promise<unknown> = Promise.resolve()
  /** Exchanges and series whose turn has not come. */
  #queued = 0
  /** Listened to since the last request that came with it: listening anew costs more than the request. */
  #signal: AbortSignal | undefined
  #isAborted = false
  readonly #onAbort = () => {
    this.#isAborted = true
    if (this.#waiting) this.#fail(this.#signal?.reason)
  }

  private constructor(place: SocketPlace) {
    this.endpoint = `${place.host}:${place.port}`
    this.#place = place
    this.#timeoutMs = place.timeoutMs
  }

  /** Throws Fault 'driver.disconnected' or 'driver.timeout'. */
  static async open(place: SocketPlace, signal: AbortSignal): Promise<TcpWire> {
    const wire = new TcpWire(place)
    await wire.#connect(signal)
    return wire
  }

  async #connect(signal: AbortSignal): Promise<void> {
    this.#isRenewable = false
    const either = AbortSignal.any([signal, this.#closing.signal])
    const socket = await connectSocket(this.#place, either, (bytes) => this.#take(bytes))
    if (this.#closing.signal.aborted) {
      socket.destroy()
      throw this.#disconnected()
    }
    const lose = (cause?: Error) => {
      if (this.#socket === socket) this.#fail(this.#disconnected(cause), true)
    }
    socket.on('error', lose)
    socket.on('close', () => lose())
    this.#reader = createFrameReader()
    this.#socket = socket
    this.#dead = undefined
  }

  /** True of what an exchange was rejected with when the next one may go well: on a new socket. */
  isPassing(error: unknown): error is Fault {
    return error instanceof Fault && this.#passing.has(error)
  }

  /**
   * Runs one exchange after those asked for before. `encode` gives a frame (MBAP header, unit, PDU) whose
   * transaction id is filled in here; what comes back is the whole reply, which belongs to it.
   */
  transact(encode: () => Buffer, signal: AbortSignal): Promise<Buffer> {
    return this.#enqueue(() => this.#runOne(encode, signal), signal)
  }

  /** Begins with `from`; answers the first index that is still to do, because somebody else waits for a turn. */
  transactAll(series: Series, from: number, signal: AbortSignal): Promise<number> {
    return this.#enqueue(() => this.#runSeries(series, from, signal), signal)
  }

  #enqueue<T>(run: () => Promise<T>, signal: AbortSignal): Promise<T> {
    this.#queued++
    const turn = this.#tail.then(() => {
      this.#queued--
      return this.#isRenewable ? this.#connect(signal).then(run) : run()
    })
    this.#tail = turn.catch(() => {})
    return turn
  }

  /** Resolves when every exchange asked for so far is over. */
  async idle(): Promise<void> {
    await this.#tail
  }

  close(): void {
    const error = this.#disconnected()
    this.#closing.abort(error)
    this.#isRenewable = false
    this.#fail(error)
  }

  #runOne(encode: () => Buffer, signal: AbortSignal): Promise<Buffer> {
    this.#assertOpen(signal)
    return new Promise((resolve, reject) => {
      this.#send(encode(), { take: (reply) => resolve(Buffer.from(reply)), reject })
    })
  }

  #runSeries(series: Series, from: number, signal: AbortSignal): Promise<number> {
    this.#assertOpen(signal)
    return new Promise((resolve, reject) => {
      let index = from
      const take = (reply: Buffer) => {
        const goesOn = series.take(index++, reply)
        if (!goesOn || index === series.count || this.#queued > 0) resolve(index)
        else this.#send(series.encode(index), { take, reject })
      }
      this.#send(series.encode(index), { take, reject })
    })
  }

  #assertOpen(signal: AbortSignal): void {
    // Its listener tells of the one that is known: asking a signal that follows others walks through all of them.
    if (signal !== this.#signal || this.#isAborted) signal.throwIfAborted()
    if (this.#dead || !this.#socket) throw this.#disconnected(this.#dead)
    this.#listen(signal)
  }

  #send(request: Buffer, { take, reject }: Pick<Waiting, 'take' | 'reject'>): void {
    this.#transaction = (this.#transaction + 1) & 0xffff
    request.writeUInt16BE(this.#transaction, 0)
    const deadlineMs = performance.now() + this.#timeoutMs
    this.#waiting = { request, deadlineMs, take, reject }
    this.#timer ??= setTimeout(() => this.#look(), this.#timeoutMs)
    this.#socket?.write(request)
  }

  #listen(signal: AbortSignal): void {
    if (signal === this.#signal) return
    this.#signal?.removeEventListener('abort', this.#onAbort)
    this.#signal = signal
    this.#isAborted = false
    signal.addEventListener('abort', this.#onAbort)
  }

  #look(): void {
    this.#timer = undefined
    if (!this.#waiting) return
    const leftMs = this.#waiting.deadlineMs - performance.now()
    if (leftMs > 0) this.#timer = setTimeout(() => this.#look(), Math.ceil(leftMs))
    else this.#giveUp()
  }

  #giveUp(): void {
    const { endpoint } = this
    this.#fail(new Fault('driver.timeout', { endpoint, timeoutMs: this.#timeoutMs }), true)
  }

  /** It lay here while this process stood still: it tells of then, and would be taken for now. */
  #isStale({ deadlineMs }: Waiting): boolean {
    return performance.now() > deadlineMs + this.#timeoutMs
  }

  #take(bytes: Uint8Array): void {
    const { buffer, byteOffset, byteLength } = bytes
    const { frames, left, problem } = this.#reader.push(Buffer.from(buffer, byteOffset, byteLength))
    // One request is under way: what comes in the same breath behind its reply, or before there is a request, answers
    // nothing, not even the request that leaves next.
    const most = this.#waiting ? 1 : 0
    if (frames.length + (left > 0 && problem === undefined ? 1 : 0) > most) {
      this.#refuse('a reply nobody asked for')
    }
    for (const frame of frames) {
      if (this.#dead) return
      const waiting = this.#waiting
      const wrong = findReplyProblem(waiting?.request, frame)
      if (wrong !== undefined) this.#refuse(wrong)
      else if (waiting && this.#isStale(waiting)) this.#giveUp()
      this.#waiting = undefined
      if (waiting && !this.#dead) this.#hand(frame, waiting)
    }
    if (problem !== undefined) this.#refuse(problem)
  }

  /** What cannot be decoded is the fault of nobody else. */
  #hand(frame: Buffer, { take, reject }: Waiting): void {
    try {
      take(frame)
    } catch (error) {
      reject(error as Error)
    }
  }

  #refuse(problem: string): void {
    this.#fail(new Fault('driver.foreign-reply', { endpoint: this.endpoint, problem }))
  }

  #fail(error: Error, isRenewable = false): void {
    if (this.#dead) return
    this.#dead = error
    this.#isRenewable = isRenewable
    if (isRenewable) this.#passing.add(error)
    this.#socket?.destroy()
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#signal?.removeEventListener('abort', this.#onAbort)
    this.#signal = undefined
    this.#waiting?.reject(error)
    this.#waiting = undefined
  }

  #disconnected(cause?: Error): Fault {
    const { endpoint } = this
    return new Fault('driver.disconnected', { endpoint }, cause ? { cause } : undefined)
  }
}

/** An empty frame for a unit and a PDU of so many bytes; the PDU begins at `PDU_AT`. */
export function createFrame(unit: number, pduBytes: number): Buffer {
  const frame = Buffer.alloc(PDU_AT + pduBytes)
  frame.writeUInt16BE(1 + pduBytes, 4)
  frame[HEADER_BYTES] = unit
  return frame
}

export const PDU_AT = HEADER_BYTES + 1
