/** What the host applications say of themselves by STATE, server by server: may we be born here, and must we leave? */
import type { HostState } from '../../protocol/sparkplug/delivery.ts'

/** `unknown`: some host we could wait for has not spoken on this server yet. */
export type Verdict = 'online' | 'offline' | 'unknown'

export interface HostWatch {
  /** A new session on this server: nobody counts as online until the server says so again. */
  begin(server: string): void
  /** What became of a STATE: taken, older than the host's last word on this server, or of a host we do not wait for. */
  hear(host: string, state: HostState): 'taken' | 'stale' | 'foreign'
  verdict(): Verdict
}

interface Heard extends HostState {
  /** In the running session. */
  current: boolean
}

/**
 * Pure but for its memory. Any one of `ids` online is enough: the primary, or who stands in for it.
 * Times are compared per server: a host keeps one for each of its sessions
 * (tck-id-operational-behavior-host-application-multi-server-timestamp), so one server's say nothing on another.
 */
export function createHostWatch(ids: readonly string[]): HostWatch {
  const hosts = new Set(ids)
  const servers = new Map<string, Map<string, Heard>>()
  let here = new Map<string, Heard>()
  const spoken = () => [...here.values()].filter(({ current }) => current)
  return {
    begin(server) {
      here = servers.get(server) ?? new Map<string, Heard>()
      servers.set(server, here)
      for (const heard of here.values()) heard.current = false
    },
    hear(host, state) {
      // tck-id-message-flow-edge-node-birth-publish-phid-wait-id.
      if (!hosts.has(host)) return 'foreign'
      const before = here.get(host)
      // tck-id-message-flow-edge-node-birth-publish-phid-wait-timestamp: equal is as good as newer, older is ignored.
      if (before && state.timestamp < before.timestamp) return 'stale'
      here.set(host, { ...state, current: true })
      return 'taken'
    },
    verdict() {
      if (spoken().some(({ online }) => online)) return 'online'
      return spoken().length === hosts.size ? 'offline' : 'unknown'
    },
  }
}
