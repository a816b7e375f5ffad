/** Opens a stream from the tunnel to a target on the plant's network, if the grant and the site's policy allow it; cuts it when they no longer do. */
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { importJWK } from 'jose'
import type { GrantClaims } from '../../protocol/grant.ts'
import type { Log } from '../../protocol/kit/log.ts'
import { formatReason, type RefusalCode, refusals } from '../../protocol/tunnel/refusal.ts'
import {
  CONSENT_BY_HEADER,
  CONSENT_WAIT_MS,
  GRANT_HEADER,
  REASON_HEADER,
} from '../../protocol/tunnel/wire.ts'
import { type ConsentAnswer, type ConsentQuestion, createConsentDesk } from './consent-desk.ts'
import { openGrantMemory } from './grant-memory.ts'
import type { PolicyTarget } from './policy.ts'
import {
  askSite,
  contextOf,
  type DialerOptions,
  missingConsent,
  type OpenStream,
  rule,
  type SiteState,
} from './ruling.ts'
import { checkStanding } from './verify-grant.ts'
import { createVisits, type TunnelBytes, type Visit, type Visits } from './visits.ts'

/** How often schedule and key switch are looked at again while a stream is open. */
const WATCH_MS = 500

export interface Decision {
  allowed: boolean
  /** `allowed`, or why not. */
  reason: RefusalCode | 'allowed'
  /** Absent when nothing in the grant can be believed. */
  claims?: GrantClaims
  /** What was asked for. */
  target: string
  at: number
  /** Who decided at the site, where a person did. */
  by?: string
}

export interface Dialer extends Disposable {
  /** Answers one CONNECT of the tunnel. Never rejects. */
  serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void>
  /** Asks the people at the site about a session and answers when they have. Never rejects. */
  ask(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, session: string): Promise<void>
  /** Their answer; false: nobody asks that any more, or the kill switch is on. */
  answer(session: string, decision: { allow: boolean; by: string }): boolean
  questions(): ConsentQuestion[]
  sessions(): Visit[]
  /** The tunnel is gone: its streams are dead, and what the site allowed them is over. */
  lineLost(): void
  /** Cuts the session's streams and refuses it from now on. By whom: somebody at the site, and the cloud is told. */
  endSession(session: string, by?: string): void
  /** Cuts every stream at once and refuses new ones; needs nobody's permission. */
  kill(reason: string, by?: string): void
  restore(): void
  /** Why the switch is on; undefined: it is off. */
  killedBy(): string | undefined
  counters(): DialerCounters
}

export interface DialerCounters {
  open: number
  allowed: number
  refused: Record<string, number>
  bytes: TunnelBytes
  /** By how much the cloud's clock was ahead of ours in the last genuine grant, ms. */
  cloudAheadMs: number | undefined
}

/** Opens the dialer of one gateway; disposing it cuts everything. */
export async function openDialer(options: DialerOptions): Promise<Dialer> {
  const now = options.now ?? Date.now
  const site: SiteState = {
    options,
    now,
    key: await importJWK(options.grantKey, 'EdDSA'),
    memory: openGrantMemory(options.memoryFile, now()),
    consents: createConsentDesk({ waitMs: options.consentWaitMs ?? CONSENT_WAIT_MS, now }),
    open: new Set(),
    killed: options.killed,
  }
  const { open, consents } = site
  const visits = createVisits(now)
  const tally = createTally(site)
  const watch = setInterval(() => cutLapsed(site), WATCH_MS)

  return {
    async serve(stream, headers) {
      stream.on('error', () => stream.destroy())
      const target = headers[':authority'] ?? ''
      const ruling = await rule(site, headers[GRANT_HEADER], target)
      const reason = 'code' in ruling ? ruling.code : 'allowed'
      tally.add({ reason, claims: ruling.claims, target })
      if ('code' in ruling) refuse(stream, ruling.code)
      else join(stream, ruling, { open, visits, log: options.log })
    },
    async ask(stream, headers, session) {
      stream.on('error', () => stream.destroy())
      const gone = new AbortController()
      stream.once('close', () => gone.abort())
      const question = { token: headers[GRANT_HEADER], session }
      const { answer, claims } = await askSite(site, question, gone.signal)
      const reason = answer.allowed ? 'allowed' : answer.code
      tally.add({ reason, claims, target: claims?.target ?? '', by: answer.by })
      tell(stream, answer)
    },
    answer: (session, decision) => site.killed === undefined && consents.answer(session, decision),
    questions: consents.questions,
    sessions: () => visits.list(now()),
    lineLost: () => consents.forget(visits.clear()),
    endSession(session, by) {
      visits.end(session)
      consents.withdraw('session-ended', session)
      cutAll(site, 'session ended', ({ claims }) => claims.session === session)
      rememberEnd(site, session)
      if (by !== undefined) options.onSiteEnd?.({ session, why: 'session-ended', by })
    },
    kill(reason, by) {
      site.killed = reason
      consents.withdraw('killed')
      cutAll(site, 'killed at the site')
      for (const { session } of visits.list(now())) {
        options.onSiteEnd?.({ session, why: 'killed', by, say: reason })
      }
    },
    restore() {
      site.killed = undefined
    },
    killedBy: () => site.killed,
    counters: () => ({ open: open.size, ...tally.read(), bytes: visits.bytes() }),
    [Symbol.dispose]() {
      clearInterval(watch)
      consents[Symbol.dispose]()
      cutAll(site, 'gateway stops')
    },
  }
}

/** Tells and counts each decision. */
function createTally({ options, now }: SiteState) {
  const refused: Record<string, number> = {}
  let allowed = 0
  let cloudAheadMs: number | undefined
  return {
    add(decision: Omit<Decision, 'allowed' | 'at'>) {
      const { reason, claims } = decision
      const isAllowed = reason === 'allowed'
      if (isAllowed) allowed++
      else refused[reason] = (refused[reason] ?? 0) + 1
      if (claims && reason !== 'grant-replayed') cloudAheadMs = claims.iat * 1000 - now()
      options.onDecision({ ...decision, allowed: isAllowed, at: now() })
    },
    read: () => ({ allowed, refused: { ...refused }, cloudAheadMs }),
  }
}

function cutAll(
  { open }: SiteState,
  why: string,
  which: (entry: OpenStream) => boolean = () => true,
): void {
  for (const entry of [...open]) if (which(entry)) entry.cut(why)
}

/** What was allowed when it began and no longer is. */
function cutLapsed(site: SiteState): void {
  const current = contextOf(site)
  cutAll(site, 'expired', ({ claims }) => claims.until <= current.now)
  const lapsed = new Map<string, RefusalCode>()
  cutAll(site, 'consent lapsed', (entry) => {
    const why = checkStanding(entry.target, current) ?? missingConsent(site, entry)
    if (why) lapsed.set(entry.claims.session, why)
    return why !== undefined
  })
  for (const [session, why] of lapsed) site.options.onSiteEnd?.({ session, why })
}

function rememberEnd({ memory, now, options }: SiteState, session: string): void {
  try {
    memory.endSession(session, now())
  } catch (error) {
    // It holds for this run; after a restart the session's own window still ends it.
    options.log.error({ error, session }, 'the end of a session was not written down')
  }
}

/** The site's answer to a question. */
function tell(stream: ServerHttp2Stream, answer: ConsentAnswer): void {
  if (!answer.allowed) {
    refuse(stream, answer.code)
    return
  }
  if (stream.destroyed || stream.headersSent) return
  const by = encodeURIComponent(answer.by)
  stream.respond({ ':status': 204, [CONSENT_BY_HEADER]: by }, { endStream: true })
  stream.resume()
}

function refuse(stream: ServerHttp2Stream, code: RefusalCode): void {
  if (stream.destroyed || stream.headersSent) return
  stream.respond({ ':status': refusals[code].status, [REASON_HEADER]: formatReason(code) })
  stream.end()
  stream.resume()
}

/** Pipes both ways with half-close; an error of either side ends both. */
function join(
  stream: ServerHttp2Stream,
  { claims, target, socket }: { claims: GrantClaims; target: PolicyTarget; socket: Socket },
  { open, visits, log }: { open: Set<OpenStream>; visits: Visits; log: Log },
): void {
  const entry: OpenStream = {
    claims,
    target,
    cut(why) {
      open.delete(entry)
      log.info({ session: claims.session, target: target.id, why }, 'stream cut')
      socket.destroy()
      stream.close(constants.NGHTTP2_CANCEL)
    },
  }
  if (stream.destroyed) {
    socket.destroy()
    return
  }
  open.add(entry)
  visits.open(claims, target, socket)
  stream.respond({ ':status': 200 })
  stream.pipe(socket)
  socket.pipe(stream)
  stream.on('close', () => {
    open.delete(entry)
    socket.destroy()
  })
  // RFC 9113 8.5: any error of the TCP connection is a stream error of type CONNECT_ERROR.
  socket.on('error', () => stream.close(constants.NGHTTP2_CONNECT_ERROR))
  socket.on('close', () => {
    if (!socket.readableEnded) stream.close(constants.NGHTTP2_CONNECT_ERROR)
  })
}
