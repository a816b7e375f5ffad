/** Opens a stream from the tunnel to a target on the plant's network, if the grant and the site's policy allow it; cuts it when they no longer do. */
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import { importJWK } from 'jose'
import type { GrantClaims } from '../../protocol/grant.ts'
import type { Log } from '../../protocol/kit/log.ts'
import { formatReason, type RefusalCode, refusals } from '../../protocol/tunnel/refusal.ts'
import { GRANT_HEADER, REASON_HEADER } from '../../protocol/tunnel/wire.ts'
import { openGrantMemory } from './grant-memory.ts'
import type { PolicyTarget } from './policy.ts'
import { contextOf, type DialerOptions, type OpenStream, rule, type SiteState } from './ruling.ts'
import { checkStanding } from './verify-grant.ts'

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
}

export interface Dialer extends Disposable {
  /** Answers one CONNECT of the tunnel. Never rejects. */
  serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void>
  /** Cuts the session's streams and refuses it from now on. */
  endSession(session: string): void
  /** Cuts every stream at once and refuses new ones; needs nobody's permission. */
  kill(reason: string): void
  restore(): void
  /** Why the switch is on; undefined: it is off. */
  killedBy(): string | undefined
  counters(): { open: number; allowed: number; refused: Record<string, number> }
}

/** Opens the dialer of one gateway; disposing it cuts everything. */
export async function openDialer(options: DialerOptions): Promise<Dialer> {
  const now = options.now ?? Date.now
  const site: SiteState = {
    options,
    now,
    key: await importJWK(options.grantKey, 'EdDSA'),
    memory: openGrantMemory(options.memoryFile, now()),
    open: new Set(),
    killed: options.killed,
  }
  const { open, memory } = site
  const refused: Record<string, number> = {}
  let allowed = 0
  const cutAll = (why: string, which: (entry: OpenStream) => boolean = () => true) => {
    for (const entry of [...open]) if (which(entry)) entry.cut(why)
  }
  const watch = setInterval(() => {
    const current = contextOf(site)
    cutAll('expired', ({ claims }) => claims.until <= current.now)
    cutAll('consent lapsed', ({ target }) => checkStanding(target, current) !== undefined)
  }, WATCH_MS)

  return {
    async serve(stream, headers) {
      stream.on('error', () => stream.destroy())
      const targetId = headers[':authority'] ?? ''
      const ruling = await rule(site, headers[GRANT_HEADER], targetId)
      const reason = 'code' in ruling ? ruling.code : 'allowed'
      const isAllowed = reason === 'allowed'
      options.onDecision({
        allowed: isAllowed,
        reason,
        claims: ruling.claims,
        target: targetId,
        at: now(),
      })
      if ('code' in ruling) {
        refused[ruling.code] = (refused[ruling.code] ?? 0) + 1
        refuse(stream, ruling.code)
        return
      }
      allowed++
      join(stream, ruling, { open, log: options.log })
    },
    endSession(session) {
      cutAll('session ended', ({ claims }) => claims.session === session)
      try {
        memory.endSession(session, now())
      } catch (error) {
        // It holds for this run; after a restart the session's own window still ends it.
        options.log.error({ error, session }, 'the end of a session was not written down')
      }
    },
    kill(reason) {
      site.killed = reason
      cutAll('killed at the site')
    },
    restore() {
      site.killed = undefined
    },
    killedBy: () => site.killed,
    counters: () => ({ open: open.size, allowed, refused: { ...refused } }),
    [Symbol.dispose]() {
      clearInterval(watch)
      cutAll('gateway stops')
    },
  }
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
  { open, log }: { open: Set<OpenStream>; log: Log },
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
