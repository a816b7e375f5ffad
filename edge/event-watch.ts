/** What happened lately, for the people at the machine: lines that came and went, and what was done at the gateway. */
import { wait } from '../protocol/kit/backoff.ts'
import { runUntilDisposed } from '../protocol/kit/loop.ts'
import type { EventView } from './local/plant.ts'
import type { Parts } from './status.ts'

/** How often lines are compared with what they were. */
const LOOK_MS = 1000
/** Kept in memory; the log has all of it. */
const MAX_EVENTS = 200

interface LineNow {
  up: boolean
  /** Unix ms. */
  since: number
  why?: string
}

export interface WatchedLines {
  cloud(): LineNow
  tunnel(): LineNow
  devices(): readonly { device: string; online: boolean; since: number; sentence?: string }[]
}

export interface EventWatch {
  add(event: EventView): void
  /** Compares with what was so before; call it every second or so. */
  look(): void
  /** Newest first. */
  list(): EventView[]
}

/** Watches the lines of a gateway until it is disposed. */
export function openEventWatch({
  startedAt,
  uplink,
  tunnel,
  tags,
}: Pick<Parts, 'startedAt' | 'uplink' | 'tunnel' | 'tags'>): EventWatch & AsyncDisposable {
  const lines = {
    cloud() {
      const { connected, since } = uplink.state()
      return { up: connected, since }
    },
    tunnel() {
      const { up, at, reason } = tunnel.state()
      return { up, since: at, why: reason }
    },
    devices: tags.devices,
  }
  const events = createEventWatch(lines, startedAt)
  const looking = runUntilDisposed(async (signal) => {
    while (await wait(LOOK_MS, signal)) events.look()
  })
  return { ...events, [Symbol.asyncDispose]: () => looking[Symbol.asyncDispose]() }
}

/** A line that went and came between two looks is one event: its newest state. */
export function createEventWatch(lines: WatchedLines, startedAt: number): EventWatch {
  const events: EventView[] = [{ at: startedAt, kind: 'started', what: '' }]
  const before = new Map<string, LineNow>()
  const add = (event: EventView) => {
    events.push(event)
    if (events.length > MAX_EVENTS) events.shift()
  }
  /** At the start everything is down: only what comes up is news, and why a device does not. */
  const compare = (
    name: string,
    now: LineNow,
    kinds: { up: EventView['kind']; down: EventView['kind'] },
  ) => {
    const old = before.get(name)
    before.set(name, now)
    const isNews = old === undefined ? now.up : old.up !== now.up || old.since !== now.since
    if (!isNews) return
    add({ at: now.since, kind: now.up ? kinds.up : kinds.down, what: name, why: now.why })
  }
  return {
    add,
    look() {
      compare('cloud', lines.cloud(), { up: 'cloud-up', down: 'cloud-down' })
      compare('tunnel', lines.tunnel(), { up: 'tunnel-up', down: 'tunnel-down' })
      const [up, down] = ['device-online', 'device-offline'] as const
      for (const { device, online, since, sentence: why } of lines.devices()) {
        compare(device, { up: online, since, why }, { up, down })
      }
    },
    list: () => [...events].sort((a, b) => b.at - a.at),
  }
}
