/** One visit to a printer: connect, ask, hear, close; it never stays. */
import { Socket } from 'node:net'
import { wait } from '../../../protocol/kit/backoff.ts'
import { Fault } from '../../../protocol/kit/fault.ts'
import { encodeStatusRequest, isStatusByte, type StatusKind } from './status-bytes.ts'

export interface ExchangeOptions {
  host: string
  port: number
  /** For connecting and for each answer. */
  timeoutMs: number
}

/** The answers by kind; `silent` was not answered, and what came after it was not asked. `busy`: another host holds the port. */
export type Answers =
  | { busy: true }
  | { busy: false; bytes: Map<StatusKind, number>; silent?: StatusKind }

/** Errors with which a stack says "the port is taken", as opposed to "nobody is here". */
const BUSY_ERRORS: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE'])

/** A printer may take a moment to notice that the last visitor (ourselves, perhaps) has left. */
const BUSY_RETRIES = 3
const BUSY_RETRY_MS = 60
/** How long we wait for the printer to close its end, so that it is free when we say we have left. */
const LEAVE_MS = 250

/** Throws Fault 'driver.disconnected', 'driver.timeout' (no answer at all) or 'driver.foreign-reply'. */
export async function askStatus(
  kinds: readonly StatusKind[],
  options: ExchangeOptions,
  signal: AbortSignal,
): Promise<Answers> {
  for (let retry = 0; ; retry++) {
    const answers = await visitPrinter(kinds, options, signal)
    if (!answers.busy || retry >= BUSY_RETRIES) return answers
    if (!(await wait(BUSY_RETRY_MS, signal))) throw signal.reason
  }
}

async function visitPrinter(
  kinds: readonly StatusKind[],
  options: ExchangeOptions,
  signal: AbortSignal,
): Promise<Answers> {
  signal.throwIfAborted()
  const visit = openVisit(options, signal)
  const bytes = new Map<StatusKind, number>()
  let silent: StatusKind | undefined
  try {
    if ((await visit.connected()) === 'closed') return { busy: true }
    for (const kind of kinds) {
      const heard = await visit.ask(kind)
      if (heard === 'closed' && bytes.size === 0) return { busy: true }
      // An answer that comes too late could be taken for the next one: the visit ends here.
      if (heard === 'silent') silent = kind
      if (typeof heard !== 'number') break
      bytes.set(kind, heard)
    }
    if (bytes.size === 0 && kinds.length > 0) throw visit.timeout()
    return { busy: false, bytes, silent }
  } finally {
    await visit.leave()
  }
}

interface Visit {
  connected(): Promise<'closed' | undefined>
  ask(kind: StatusKind): Promise<number | 'closed' | 'silent'>
  timeout(): Fault
  /** Closes; resolves when the printer has closed too, or after a moment. */
  leave(): Promise<void>
}

type Heard = { byte: number } | 'connect' | 'closed' | { error: Error }

function wireSocket(socket: Socket, endpoint: string, hear: (heard: Heard) => void): void {
  socket.on('connect', () => hear('connect'))
  socket.on('data', (chunk: Buffer) => {
    const [byte = 0] = chunk
    const isAnswer = chunk.length === 1 && isStatusByte(byte)
    const problem = `bytes ${chunk.subarray(0, 8).toString('hex')}`
    hear(isAnswer ? { byte } : { error: new Fault('driver.foreign-reply', { endpoint, problem }) })
  })
  socket.on('error', (cause: NodeJS.ErrnoException) => {
    if (BUSY_ERRORS.has(cause.code ?? '')) hear('closed')
    else hear({ error: new Fault('driver.disconnected', { endpoint }, { cause }) })
  })
  socket.on('close', () => hear('closed'))
}

function openVisit({ host, port, timeoutMs }: ExchangeOptions, signal: AbortSignal): Visit {
  const endpoint = `${host}:${port}`
  const socket = new Socket()
  let settle: ((heard: Heard) => void) | undefined
  // What arrived while nobody waited; kept so that a close before the first question is not missed.
  let early: Heard | undefined
  const hear = (heard: Heard) => {
    if (settle) settle(heard)
    else early ??= heard
  }
  const onAbort = () => hear({ error: signal.reason })
  signal.addEventListener('abort', onAbort, { once: true })
  wireSocket(socket, endpoint, hear)

  const next = async (): Promise<Exclude<Heard, { error: Error }> | 'silent'> => {
    const { promise, resolve } = Promise.withResolvers<Heard | 'silent'>()
    const staleMs = performance.now() + 2 * timeoutMs
    settle = resolve
    const timer = setTimeout(() => resolve('silent'), timeoutMs)
    if (early !== undefined) resolve(early)
    early = undefined
    const heard = await promise
    clearTimeout(timer)
    settle = undefined
    if (typeof heard === 'object' && 'error' in heard) throw heard.error
    // It lay here while this process stood still: it tells of then, and would be taken for now.
    if (typeof heard === 'object' && performance.now() > staleMs) return 'silent'
    return heard
  }
  const timeout = () => new Fault('driver.timeout', { endpoint, timeoutMs })
  return {
    timeout,
    async connected() {
      socket.connect(port, host)
      const heard = await next()
      if (heard === 'silent') throw timeout()
      return heard === 'closed' ? 'closed' : undefined
    },
    async ask(kind) {
      socket.write(encodeStatusRequest(kind))
      const heard = await next()
      if (typeof heard === 'object') return heard.byte
      return heard === 'silent' ? 'silent' : 'closed'
    },
    async leave() {
      signal.removeEventListener('abort', onAbort)
      const gone = new AbortController()
      socket.once('close', () => gone.abort())
      // Nothing more is expected from a printer that did not answer, or that we were told to leave.
      if (socket.connecting || socket.destroyed || signal.aborted) socket.destroy()
      else if (await leaveGently(socket, gone.signal)) socket.destroy()
    },
  }
}

/** True when the printer has not closed its end in time. */
async function leaveGently(socket: Socket, gone: AbortSignal): Promise<boolean> {
  socket.end()
  return await wait(LEAVE_MS, gone)
}
