/** The running part of a session: its recorder, its open streams, and when something last moved. */
import type { Duplex } from 'node:stream'
import type { Fault } from '../../protocol/kit/fault.ts'
import type { RecordEntry } from './recorder.ts'

/** A stream, a socket, a request: something that can be cut. */
export interface Closable {
  destroy(): unknown
  once(event: 'close', listener: () => void): unknown
}

/** What a viewer (the web HMI) may use of a session. */
export interface LiveSession {
  readonly id: string
  readonly target: string
  /** False: only looking is allowed. */
  readonly mayControl: boolean
  isPaused(): boolean
  /** A stream to the target under a grant of its own; throws Fault 'tunnel.down' or 'tunnel.refused'. */
  openStream(): Promise<Duplex>
  /** Resolves when written; rejects with Fault 'recorder.failed', and the session ends. */
  record(entry: RecordEntry): Promise<void>
  /** A number for the next exchange of this session. */
  nextExchange(): number
  /** Something moved: the session is not idle. */
  touch(): void
  /** Destroyed when the session pauses or ends. */
  track(connection: Closable): void
}

export interface LiveSessionParts {
  id: string
  target: string
  mayControl: boolean
  openStream(): Promise<Duplex>
  record(entry: RecordEntry): Promise<void>
  now(): number
}

export interface LiveSessionControl extends LiveSession {
  activeAt(): number
  setPaused(paused: boolean): void
  /** Ends what is open; with `why`, also what is still to come. */
  cut(why?: Fault): void
}

/** Starts unpaused and just touched. */
export function createLiveSession(parts: LiveSessionParts): LiveSessionControl {
  const tracked = new Set<Closable>()
  let exchanges = 0
  let paused = false
  let over: Fault | undefined
  let activeAt = parts.now()
  const track: LiveSession['track'] = (connection) => {
    if (over) {
      connection.destroy()
      return
    }
    tracked.add(connection)
    connection.once('close', () => tracked.delete(connection))
  }
  return {
    ...parts,
    isPaused: () => paused,
    async openStream() {
      if (over) throw over
      const stream = await parts.openStream()
      track(stream)
      if (over) throw over
      return stream
    },
    nextExchange: () => ++exchanges,
    touch() {
      activeAt = parts.now()
    },
    track,
    activeAt: () => activeAt,
    setPaused(value) {
      paused = value
    },
    cut(why) {
      over ??= why
      for (const connection of [...tracked]) connection.destroy()
    },
  }
}
