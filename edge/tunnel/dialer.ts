/** Opens a stream from the tunnel to a target on the plant's network, if the grant and the site's policy allow it; cuts it when they no longer do. */
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2'
import { connect, type Socket } from 'node:net'
import { importJWK, type JWK } from 'jose'
import type { GrantClaims } from '../../protocol/grant.ts'
import type { Log } from '../../protocol/kit/log.ts'
import type { Sample, TagId } from '../../protocol/model.ts'
import { formatReason, type RefusalCode, refusals } from '../../protocol/tunnel/refusal.ts'
import {
  CONNECT_TIMEOUT_MS,
  GRANT_HEADER,
  REASON_HEADER,
  STREAMS_PER_GATEWAY,
  STREAMS_PER_SESSION,
} from '../../protocol/tunnel/wire.ts'
import { type AddressOptions, resolveTarget } from './address.ts'
import { openGrantMemory } from './grant-memory.ts'
import type { Policy, PolicyTarget } from './policy.ts'
import { checkStanding, judgeGrant, readGrant, type SiteContext } from './verify-grant.ts'

/** How often schedule and key switch are looked at again while a stream is open. */
const WATCH_MS = 500
/** Read-ahead of a target's socket; node's 64 KiB costs a third of the throughput. */
const SOCKET_BUFFER_BYTES = 256 * 1024

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

export interface DialerOptions {
  site: string
  gateway: string
  /** IANA name, for schedules. */
  timeZone: string
  /** The cloud's public grant key, pinned at enrolment. */
  grantKey: JWK
  policy: Policy
  /** Ports this gateway itself listens on. */
  ownPorts(): readonly number[]
  readTag(tag: TagId): Sample | undefined
  /** Each yes and no, for the site's own log. */
  onDecision(decision: Decision): void
  log: Log
  /** Remembers used grants over a restart. */
  memoryFile?: string
  /** The kill switch as the caller persisted it: the reason, when it was on. */
  killed?: string
  resolve?: AddressOptions['resolve']
  now?: () => number
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

interface Open {
  claims: GrantClaims
  target: PolicyTarget
  cut(why: string): void
}

/** Opens the dialer of one gateway; disposing it cuts everything. */
export async function openDialer(options: DialerOptions): Promise<Dialer> {
  const now = options.now ?? Date.now
  const key = await importJWK(options.grantKey, 'EdDSA')
  const memory = openGrantMemory(options.memoryFile, now())
  const open = new Set<Open>()
  const refused: Record<string, number> = {}
  let allowed = 0
  let killed = options.killed
  const context = (): SiteContext => ({ ...options, now: now() })

  const cutAll = (why: string, which: (entry: Open) => boolean = () => true) => {
    for (const entry of [...open]) if (which(entry)) entry.cut(why)
  }
  const watch = setInterval(() => {
    const current = context()
    cutAll('expired', ({ claims }) => claims.until <= current.now)
    cutAll('consent lapsed', ({ target }) => checkStanding(target, current) !== undefined)
  }, WATCH_MS)

  /** What may have changed while we waited for the target. */
  const lapsed = (claims: GrantClaims): RefusalCode | undefined => {
    if (killed !== undefined) return 'killed'
    if (memory.isEnded(claims.session)) return 'session-ended'
    const ofSession = [...open].filter((entry) => entry.claims.session === claims.session)
    if (open.size >= STREAMS_PER_GATEWAY || ofSession.length >= STREAMS_PER_SESSION) return 'busy'
    return undefined
  }
  const decide = async (token: unknown, targetId: string): Promise<Ruling> => {
    const reading = await readGrant(token, key)
    if (!reading.genuine) return { code: reading.code }
    const { claims } = reading
    // Burned before anything else is asked: two streams with one grant must not both pass.
    if (!memory.burn(claims.jti, now())) return { code: 'grant-replayed', claims }
    const verdict = judgeGrant(claims, targetId, context())
    if (!verdict.allowed) return { code: verdict.code, claims }
    const code = lapsed(claims)
    if (code) return { code, claims }
    const dialled = await dial(verdict.target, options)
    if ('code' in dialled) return { code: dialled.code, claims }
    const late = lapsed(claims)
    if (!late) return { claims, target: verdict.target, socket: dialled.socket }
    dialled.socket.destroy()
    return { code: late, claims }
  }

  return {
    async serve(stream, headers) {
      stream.on('error', () => stream.destroy())
      const targetId = headers[':authority'] ?? ''
      const ruling = await decide(headers[GRANT_HEADER], targetId)
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
      memory.endSession(session, now())
      cutAll('session ended', ({ claims }) => claims.session === session)
    },
    kill(reason) {
      killed = reason
      cutAll('killed at the site')
    },
    restore() {
      killed = undefined
    },
    killedBy: () => killed,
    counters: () => ({ open: open.size, allowed, refused: { ...refused } }),
    [Symbol.dispose]() {
      clearInterval(watch)
      cutAll('gateway stops')
    },
  }
}

type Ruling =
  | { code: RefusalCode; claims?: GrantClaims }
  | { claims: GrantClaims; target: PolicyTarget; socket: Socket }

async function dial(
  target: PolicyTarget,
  options: DialerOptions,
): Promise<{ socket: Socket } | { code: RefusalCode }> {
  const resolution = await resolveTarget(target, {
    ownPorts: options.ownPorts(),
    resolve: options.resolve,
  })
  if (!resolution.reachable) return { code: resolution.code }
  const address = {
    host: resolution.ip,
    port: target.port,
    allowHalfOpen: true,
    noDelay: true,
    keepAlive: true,
    highWaterMark: SOCKET_BUFFER_BYTES,
  }
  const socket = connect(address)
  const isConnected = await new Promise<boolean>((resolve) => {
    const late = setTimeout(() => resolve(false), CONNECT_TIMEOUT_MS)
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
    socket.once('close', () => clearTimeout(late))
    socket.once('connect', () => clearTimeout(late))
  })
  // Stays on for good: a target that resets its connection is everyday life.
  socket.on('error', () => socket.destroy())
  if (isConnected) return { socket }
  socket.destroy()
  return { code: 'target-unreachable' }
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
  { open, log }: { open: Set<Open>; log: Log },
): void {
  const entry: Open = {
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
