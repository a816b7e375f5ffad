/** Modbus TCP under guard: one request in flight, our own deadline, raw replies checked, the socket given up at any doubt. */
import type { Socket } from 'node:net'
import { Fault } from '../../../protocol/kit/fault.ts'
import { connectSocket, type SocketPlace } from './byte-stream.ts'
import {
  type Client,
  createClient,
  createLine,
  type Exchanger,
  type Line,
  type Reply,
  type Send,
  translate,
} from './line.ts'
import { createFrameReader, findReplyProblem } from './reply-guard.ts'

/** Connects. Throws Fault 'driver.disconnected' or 'driver.timeout'. */
export async function openTcpLine(place: SocketPlace, signal: AbortSignal): Promise<Line> {
  const socket = await connectSocket(place, signal)
  const client = createClient()
  const guard = createGuard(socket, client, place)
  await client.linkTCP(socket, { port: place.port })
  return createLine(guard)
}

/**
 * Watches the socket beneath the library. Anything unexpected — a timeout, an abort in flight, a byte too
 * many — destroys the socket, because after it a late reply could be taken for the next one's answer
 * (modbus-serial re-uses its transaction ids after 256). What is in flight is settled here: the library's
 * own promises stay pending for ever once the socket is gone.
 */
function createGuard(socket: Socket, client: Client, place: SocketPlace): Exchanger {
  const endpoint = `${place.host}:${place.port}`
  const { timeoutMs } = place
  let dead: Error | undefined
  let rejectInFlight: ((error: Error) => void) | undefined
  let tail: Promise<unknown> = Promise.resolve()

  const fail = (error: Error) => {
    if (dead) return
    dead = error
    socket.destroy()
    rejectInFlight?.(error)
  }
  watchReplies(socket, (problem) => fail(new Fault('driver.foreign-reply', { endpoint, problem })))
  socket.on('error', (cause) => fail(new Fault('driver.disconnected', { endpoint }, { cause })))
  socket.on('close', () => fail(new Fault('driver.disconnected', { endpoint })))

  const runOne = async (send: Send, signal: AbortSignal): Promise<Reply> => {
    signal.throwIfAborted()
    if (dead) throw new Fault('driver.disconnected', { endpoint }, { cause: dead })
    const { promise, reject } = Promise.withResolvers<never>()
    rejectInFlight = reject
    const onAbort = () => fail(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    const timer = setTimeout(
      () => fail(new Fault('driver.timeout', { endpoint, timeoutMs })),
      timeoutMs,
    )
    try {
      return await Promise.race([promise, translate(send(), endpoint)])
    } finally {
      clearTimeout(timer)
      rejectInFlight = undefined
      signal.removeEventListener('abort', onAbort)
    }
  }
  return {
    endpoint,
    client,
    exchange(_unit, send, signal) {
      const turn = tail.then(() => runOne(send, signal))
      tail = turn.catch(() => {})
      return turn
    },
    async idle() {
      await tail
    },
    async close() {
      fail(new Fault('driver.disconnected', { endpoint }))
    },
  }
}

/** Compares every reply with the request's own bytes, as the library sends them. */
function watchReplies(socket: Socket, onProblem: (problem: string) => void): void {
  const reader = createFrameReader()
  let request: Buffer | undefined
  const write = socket.write.bind(socket) as (chunk: Buffer) => boolean
  socket.write = ((chunk: Buffer) => {
    request = Buffer.from(chunk)
    return write(chunk)
  }) as typeof socket.write
  // Registered before the library's listener: a wrong reply settles the call before the library sees it.
  socket.on('data', (chunk: Buffer) => {
    const { frames, problem } = reader.push(chunk)
    for (const frame of frames) {
      const wrong = findReplyProblem(request, frame)
      request = undefined
      if (wrong) onProblem(wrong)
    }
    if (problem) onProblem(problem)
  })
}
