/** Which broker to try next, and after how many failures: the list is walked when the primary host is not at the one before. */

/** How a session ended. */
export type SessionEnd =
  /** No session at all: no connection, or the broker refused it. */
  | 'unreachable'
  /** The broker was there, the host was not, or it left. */
  | 'host-offline'
  /** The broker itself ended the connection, in good order. */
  | 'ended-there'
  /** The line broke. */
  | 'lost'
  /** We were told to stop. */
  | 'stopped'

export interface ServerWalk {
  /** The server to connect to: always one at a time (…-multiple-servers-single-server). */
  current(): string
  /** Goes on to the next try; `sound`: births were out, and the session lasted. */
  after(end: SessionEnd, sound: boolean): void
  /** Failed rounds of the whole list since the last sound session: what the wait before the next try grows by. */
  failures(): number
}

/** Pure but for its memory. */
export function createServerWalk(servers: readonly string[]): ServerWalk {
  let index = 0
  let misses = 0
  return {
    current: () => servers[index] ?? '',
    after(end, sound) {
      misses = sound ? 0 : misses + 1
      // A line that broke under a sound session is most likely to come back where it was;
      // tck-id-operational-behavior-edge-node-termination-host-offline-reconnect: a host that left is looked for elsewhere.
      const stays = sound && end !== 'host-offline'
      if (!stays) index = (index + 1) % servers.length
    },
    failures: () => Math.ceil(misses / servers.length),
  }
}
