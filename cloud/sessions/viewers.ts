/** Who looks through which host name: one random label per opening, a ticket that works once, a cookie behind it. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { LiveSession } from './live-session.ts'

/** From the click to the frame's first request. */
const TICKET_LIFE_MS = 60_000
/** How many ended openings are remembered, to answer "it has ended" instead of "who are you". */
const MAX_ENDED = 1_000

export type Viewing = { state: 'open'; live: LiveSession } | { state: 'ended' }

/** What the web HMI's listener asks. */
export interface ViewerAccess {
  /** Trades the ticket for a cookie value; undefined when it is wrong, used or late. */
  enter(label: string, ticket: string): string | undefined
  /** Undefined: this cookie opens nothing under this label. */
  find(label: string, cookie: string | undefined): Viewing | undefined
}

export interface Viewers extends ViewerAccess {
  /** The address to point a frame at; `publicBase` e.g. `http://hmi.localhost:8081`. */
  open(live: LiveSession, publicBase: string): string
  /** All openings of the session are over. */
  end(session: string): void
}

interface Opening {
  live: LiveSession
  ended: boolean
  ticket: { hash: Buffer; until: number } | undefined
  cookie: Buffer | undefined
}

/** Kept in memory only: after a restart of the cloud every opening is void. */
export function createViewers(now: () => number): Viewers {
  const openings = new Map<string, Opening>()
  return {
    open(live, publicBase) {
      const label = randomBytes(16).toString('hex')
      const ticket = randomBytes(32).toString('base64url')
      openings.set(label, {
        live,
        ended: false,
        ticket: { hash: hash(ticket), until: now() + TICKET_LIFE_MS },
        cookie: undefined,
      })
      const url = new URL('/__mimamori/enter', publicBase)
      url.hostname = `${label}.${url.hostname}`
      url.searchParams.set('ticket', ticket)
      return url.href
    },
    enter(label, ticket) {
      const opening = openings.get(label)
      const expected = opening?.ticket
      if (!opening || opening.ended || !expected || expected.until < now()) return undefined
      if (!timingSafeEqual(expected.hash, hash(ticket))) return undefined
      const cookie = randomBytes(32).toString('base64url')
      opening.ticket = undefined
      opening.cookie = hash(cookie)
      return cookie
    },
    find(label, cookie) {
      const opening = openings.get(label)
      if (!opening?.cookie || cookie === undefined) return undefined
      if (!timingSafeEqual(opening.cookie, hash(cookie))) return undefined
      return opening.ended ? { state: 'ended' } : { state: 'open', live: opening.live }
    },
    end(session) {
      for (const opening of openings.values()) if (opening.live.id === session) opening.ended = true
      forgetOldest(openings)
    },
  }
}

function forgetOldest(openings: Map<string, Opening>): void {
  const ended = [...openings].filter(([, opening]) => opening.ended)
  for (const [label] of ended.slice(0, Math.max(0, ended.length - MAX_ENDED)))
    openings.delete(label)
}

function hash(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}
