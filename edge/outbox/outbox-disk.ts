/** The outbox's file while it can be used; every use may find that it cannot, and it is tried again. */
import { Fault } from '../../protocol/kit/fault.ts'
import { createStartGaps, type DeadTime } from './dead-time.ts'
import type { LogFile } from './log-file.ts'
import { createLogOutbox, type Outbox, type OutboxDepth } from './log-outbox.ts'
import { type OpenedLogFile, openLogFile } from './open-log-file.ts'
import { isDiskTrouble } from './sound-file.ts'

export interface OutboxDiskOptions extends DeadTime {
  file: string
  /** Packed bytes kept on disk before the oldest are dropped. */
  maxBytes: number
  now(): number
  isClockSet(): boolean
  /** Told what a person should know: a file set aside, a file taken over. */
  notice?(say: string): void
  /** Told when the disk begins to refuse, with the reason, and when it takes readings again. */
  onDisk?(refusal: string | undefined): void
}

export interface Refusal {
  reason: string
  /** Unix ms. */
  since: number
}

interface Opened {
  file: LogFile
  outbox: Omit<Outbox, keyof AsyncDisposable>
}

export interface OutboxDisk {
  /** True when a write is worth trying; opens the file when it is time to. */
  isReady(): boolean
  /** Undefined: it could not; the reason is kept. */
  use<T>(work: (opened: Opened) => T): T | undefined
  /** The same for what reaches the disk: when it does the trouble is over. */
  write<T>(work: (opened: Opened) => T): T | undefined
  /** The last that was known. */
  depth(): OutboxDepth | undefined
  refusal(): Refusal | undefined
  /** The next try is now. */
  hurry(): void
  close(): void
}

/** A disk that refuses is asked again after this; a file that has to be opened anew, and checked, ever later. */
const RETRY_MS = 1000
const MAX_RETRY_MS = 30_000

export function createOutboxDisk(options: OutboxDiskOptions): OutboxDisk {
  const { now, onDisk } = options
  const start = createStart(options)
  let opened: Opened | undefined
  let refusal: Refusal | undefined
  let known: OutboxDepth | undefined
  let retry = { atMs: Number.NEGATIVE_INFINITY, afterMs: RETRY_MS }

  const close = () => {
    const closing = opened
    opened = undefined
    try {
      // What lies in it is still to be delivered, though nobody can read it now.
      known = closing?.outbox.depth() ?? known
      closing?.file.close()
    } catch {
      // What cannot be closed is not used again either.
    }
  }
  const refuse = (error: unknown) => {
    if (!isRefusal(error)) throw error
    const isKept = opened !== undefined && isDiskTrouble(causeOf(error))
    if (!isKept) close()
    const afterMs = isKept ? RETRY_MS : Math.min(MAX_RETRY_MS, retry.afterMs * 2)
    retry = { atMs: performance.now() + afterMs, afterMs }
    if (!refusal) onDisk?.(error.message)
    refusal = { reason: error.message, since: refusal?.since ?? now() }
  }
  const attempt = <T>(work: () => T): T | undefined => {
    try {
      return work()
    } catch (error) {
      refuse(error)
      return undefined
    }
  }
  const use = <T>(work: (opened: Opened) => T): T | undefined => {
    const file = opened
    return file && attempt(() => work(file))
  }
  const openAndTell = (): true => {
    opened ??= start.open()
    start.tell(opened)
    return true
  }
  return {
    isReady: () => performance.now() >= retry.atMs && attempt(openAndTell) === true,
    use,
    write(work) {
      const result = use((file) => ({ done: work(file) }))
      if (result && refusal) {
        refusal = undefined
        retry = { atMs: Number.NEGATIVE_INFINITY, afterMs: RETRY_MS }
        onDisk?.(undefined)
      }
      return result?.done
    },
    depth() {
      known = use(({ outbox }) => outbox.depth()) ?? known
      return known
    },
    refusal: () => refusal,
    hurry() {
      retry = { ...retry, atMs: Number.NEGATIVE_INFINITY }
    },
    close,
  }
}

/** The file's own words, or a fault of ours over them; anything else is a defect. */
function isRefusal(error: unknown): error is Error {
  if (error instanceof Fault) return error.code === 'outbox.unwritable'
  return error instanceof Error && 'errcode' in error
}

function causeOf(error: Error): unknown {
  return error instanceof Fault ? error.cause : error
}

/** Opens the file, and tells once, when somebody knows the time, what nobody watched before this start. */
function createStart(options: OutboxDiskOptions) {
  const { now, isClockSet, gateway } = options
  const startedMs = performance.now()
  let found: OpenedLogFile | undefined
  let former: LogFile | undefined
  let isTold = false
  return {
    open(): Opened {
      const opened = openLogFile(options, now())
      const { file, corruptSince } = opened
      // Whoever sends has numbers of the former file under way: in a fresh one they must mean nothing.
      file.countOnFrom(former?.newest() ?? 0)
      former = file
      // Without a clock the last known time stands for now: nothing must look as old as the epoch.
      const stamp = () => (isClockSet() ? now() : (opened.lastAlive ?? now()))
      const bounds = { ...options, now: stamp, reason: 'outbox-full' as const }
      const outbox = createLogOutbox(file, bounds)
      if (isTold && corruptSince !== undefined) {
        const gap = { gateway, from: corruptSince, to: now(), reason: 'corrupt' as const }
        file.copy({ samples: [], gaps: [gap] }, now())
      }
      found ??= opened
      return { file, outbox }
    },
    /** No sign of life: what waits in memory has not moved yet. */
    tell({ file }: Opened): void {
      if (isTold || !found || !isClockSet()) return
      const agoMs = performance.now() - startedMs
      const at = Math.round(now() - agoMs)
      // A new file: should this run die with all it has in memory, the next one tells from here.
      if (file.lastAlive() === undefined) file.alive(found.corruptSince ?? at)
      const gaps = createStartGaps(found, options, { at, agoMs })
      if (gaps.length > 0) file.copy({ samples: [], gaps }, now())
      isTold = true
    },
  }
}
