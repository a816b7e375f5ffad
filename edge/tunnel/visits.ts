/** Who is at which target now, for the people at the site: sessions with their streams, and the bytes of all of them. */
import type { Socket } from 'node:net'
import type { GrantClaims } from '../../protocol/grant.ts'
import type { TargetKind } from '../../protocol/model.ts'
import type { PolicyTarget } from './policy.ts'

/** One session that has opened a stream and may open another. */
export interface Visit {
  session: string
  person: string
  target: string
  title: string
  kind: TargetKind
  rights: readonly string[]
  reason: string
  since: number
  until: number
  /** Open now; none between two clicks in a web page. */
  streams: number
}

export interface TunnelBytes {
  /** From the cloud to the machines. */
  in: number
  out: number
}

export interface Visits {
  open(claims: GrantClaims, target: PolicyTarget, socket: Socket): void
  /** Without those whose window is over. */
  list(now: number): Visit[]
  end(session: string): void
  /** The line is gone and with it every session; answers their ids. */
  clear(): string[]
  bytes(): TunnelBytes
}

export function createVisits(now: () => number): Visits {
  const visits = new Map<string, Visit>()
  const sockets = new Set<Socket>()
  const past: TunnelBytes = { in: 0, out: 0 }
  const prune = (at: number) => {
    for (const [id, { until, streams }] of visits) {
      if (until <= at && streams === 0) visits.delete(id)
    }
  }
  return {
    open(claims, { id, title, kind }, socket) {
      const { session, person, rights, reason, until } = claims
      prune(now())
      const visit = visits.get(session) ?? {
        ...{ session, person: person.name, target: id, title, kind, rights, reason },
        ...{ since: now(), until, streams: 0 },
      }
      visits.set(session, visit)
      visit.streams++
      sockets.add(socket)
      socket.once('close', () => {
        visit.streams--
        sockets.delete(socket)
        past.in += socket.bytesWritten
        past.out += socket.bytesRead
      })
    },
    list(at) {
      prune(at)
      return [...visits.values()].map((visit) => ({ ...visit }))
    },
    end: (session) => void visits.delete(session),
    clear() {
      const ids = [...visits.keys()]
      visits.clear()
      return ids
    },
    bytes() {
      const sum = { ...past }
      for (const socket of sockets) {
        sum.in += socket.bytesWritten
        sum.out += socket.bytesRead
      }
      return sum
    },
  }
}
