/** A TCP proxy that does to a connection what networks do: delays, starves, freezes, cuts, resets and spoils it. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** `up`: from who connects to the target; `down`: the answers. */
export type Direction = 'up' | 'down'

/** Faults in force; they hold for open connections and new ones alike. */
export interface ProxyFaults {
  /** Each byte arrives this much later, ms. */
  latencyMs: number
  /** Bytes a second in each direction; 0: no limit. */
  bytesPerS: number
  /** Takes nothing and forwards nothing, without closing: as a cable that was pulled, or a reader that stopped. */
  frozen: Direction | 'both' | undefined
  /** Answers every new connection with a reset. */
  refuse: boolean
  /** Each new connection is reset after exactly so many bytes in this direction. */
  cutAfter: { direction: Direction; bytes: number } | undefined
  /** In each new connection this byte (0-based) arrives with all its bits turned. */
  corruptAt: { direction: Direction; byte: number } | undefined
  /** No segment is longer than this; 0: as they come. */
  splitBytes: number
  /** Segments are collected this long and leave as one. */
  mergeMs: number
  /** Every so-manieth segment arrives twice; 0: none. */
  repeatEvery: number
}

export interface FaultProxy extends AsyncDisposable {
  readonly port: number
  /** Changes the faults named; the others stay. */
  set(faults: Partial<ProxyFaults>): void
  /** Back to a plain relay. */
  clear(): void
  /** Resets (RST) every open connection. */
  reset(): void
  /** Open now. */
  open(): number
  /** Accepted since the start. */
  accepted(): number
  /** Bytes forwarded since the start. */
  forwarded(): Readonly<Record<Direction, number>>
}

const none: ProxyFaults = {
  latencyMs: 0,
  bytesPerS: 0,
  frozen: undefined,
  refuse: false,
  cutAfter: undefined,
  corruptAt: undefined,
  splitBytes: 0,
  mergeMs: 0,
  repeatEvery: 0,
}

/** Held for a slow or frozen direction before the sender feels it: a small router's buffer. */
const MAX_HELD = 64 * 1024
/** How often a frozen direction looks whether it thaws. */
const FROZEN_MS = 10

interface Shared {
  faults: ProxyFaults
  forwarded: Record<Direction, number>
}

/** Listens on a free port of the loopback and relays to the target's port there. */
export async function openFaultProxy(targetPort: number): Promise<FaultProxy> {
  const shared: Shared = { faults: { ...none }, forwarded: { up: 0, down: 0 } }
  const pairs = new Set<readonly [Socket, Socket]>()
  let accepted = 0
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    accepted += 1
    client.on('error', () => client.destroy())
    if (shared.faults.refuse) {
      client.resetAndDestroy()
      return
    }
    const target = connect({
      port: targetPort,
      host: '127.0.0.1',
      allowHalfOpen: true,
      noDelay: true,
    })
    target.on('error', () => client.resetAndDestroy())
    const pair = [client, target] as const
    pairs.add(pair)
    for (const [one, other] of [pair, [target, client] as const]) {
      one.on('close', () => {
        pairs.delete(pair)
        other.destroy()
      })
    }
    void relay({ from: client, to: target, direction: 'up', shared })
    void relay({ from: target, to: client, direction: 'down', shared })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const reset = () => {
    for (const [client, target] of pairs) {
      client.resetAndDestroy()
      target.resetAndDestroy()
    }
  }
  return {
    port: (server.address() as AddressInfo).port,
    set: (faults) => void Object.assign(shared.faults, faults),
    clear: () => void Object.assign(shared.faults, none),
    reset,
    open: () => pairs.size,
    accepted: () => accepted,
    forwarded: () => ({ ...shared.forwarded }),
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      reset()
      await closed
    },
  }
}

interface Relay {
  from: Socket
  to: Socket
  direction: Direction
  shared: Shared
}

/** One direction of one connection, until either end closes. */
async function relay(way: Relay): Promise<void> {
  const { from, to, direction, shared } = way
  const inbox = createInbox(from)
  // Fixed when the connection begins, so that "after n bytes" means n bytes of this one.
  const cut = shared.faults.cutAfter
  const cutAt = cut?.direction === direction ? cut.bytes : Number.POSITIVE_INFINITY
  const corrupt = shared.faults.corruptAt
  const corruptAt = corrupt?.direction === direction ? corrupt.byte : -1
  let sent = 0
  let segments = 0
  for (;;) {
    if (cutAt === 0) from.resetAndDestroy()
    const next = await inbox.take(() => isFrozen(shared.faults, direction), shared)
    if (from.destroyed || to.destroyed) return
    if (next === undefined) {
      to.end()
      return
    }
    const bytes = Buffer.from(next)
    if (corruptAt >= sent && corruptAt < sent + bytes.length) {
      bytes[corruptAt - sent] = ~(bytes[corruptAt - sent] ?? 0) & 0xff
    }
    const part = bytes.subarray(0, Math.max(0, cutAt - sent))
    sent += part.length
    segments += 1
    const isRepeated = shared.faults.repeatEvery > 0 && segments % shared.faults.repeatEvery === 0
    await forward(way, isRepeated ? Buffer.concat([part, part]) : part)
    if (sent >= cutAt) {
      to.resetAndDestroy()
      from.resetAndDestroy()
      return
    }
  }
}

/** Writes at the rate in force, in segments no longer than allowed, and waits for the reader. */
async function forward({ to, direction, shared }: Relay, bytes: Buffer): Promise<void> {
  const { splitBytes, bytesPerS } = shared.faults
  const step = splitBytes || (bytesPerS ? Math.max(1, Math.round(bytesPerS / 20)) : bytes.length)
  for (let from = 0; from < bytes.length && !to.destroyed; from += step) {
    const part = bytes.subarray(from, from + step)
    shared.forwarded[direction] += part.length
    await new Promise<void>((resolve) => to.write(part, () => resolve()))
    if (bytesPerS > 0) await sleep((part.length * 1000) / bytesPerS)
  }
}

function isFrozen({ frozen }: ProxyFaults, direction: Direction): boolean {
  return frozen === 'both' || frozen === direction
}

/** What has arrived and waits: bounded, so that a sender to a frozen direction feels it. */
function createInbox(from: Socket) {
  const held: { at: number; bytes: Buffer }[] = []
  let bytesHeld = 0
  let ended = false
  let ring: () => void = () => undefined
  from.on('data', (bytes) => {
    held.push({ at: performance.now(), bytes })
    bytesHeld += bytes.length
    if (bytesHeld > MAX_HELD) from.pause()
    ring()
  })
  for (const event of ['end', 'close'] as const) {
    from.on(event, () => {
      ended = true
      ring()
    })
  }
  const shift = (): Buffer => {
    const bytes = held.shift()?.bytes ?? Buffer.alloc(0)
    bytesHeld -= bytes.length
    if (bytesHeld <= MAX_HELD) from.resume()
    return bytes
  }
  return {
    /** The next segment when it may leave; undefined when the sender has ended. */
    async take(isHeldBack: () => boolean, { faults }: Shared): Promise<Buffer | undefined> {
      for (;;) {
        const first = held[0]
        if (from.destroyed && held.length === 0) return undefined
        if (isHeldBack()) await sleep(FROZEN_MS)
        else if (!first) {
          if (ended) return undefined
          await new Promise<void>((resolve) => {
            ring = resolve
          })
        } else {
          const leftMs = first.at + faults.latencyMs + faults.mergeMs - performance.now()
          if (leftMs > 0) await sleep(leftMs)
          if (isHeldBack()) continue
          if (faults.mergeMs === 0) return shift()
          return Buffer.concat(Array.from({ length: held.length }, shift))
        }
      }
    },
  }
}
