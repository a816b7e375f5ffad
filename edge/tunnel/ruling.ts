/** From a CONNECT to a yes with a connected socket, or a no with its code: the grant, the site's state, the target. */
import { connect, type Socket } from 'node:net'
import type { compactVerify, JWK } from 'jose'
import type { GrantClaims } from '../../protocol/grant.ts'
import type { Log } from '../../protocol/kit/log.ts'
import type { Sample, TagId } from '../../protocol/model.ts'
import type { RefusalCode } from '../../protocol/tunnel/refusal.ts'
import {
  CONNECT_TIMEOUT_MS,
  STREAMS_PER_GATEWAY,
  STREAMS_PER_SESSION,
} from '../../protocol/tunnel/wire.ts'
import { type AddressOptions, resolveTarget } from './address.ts'
import type { ConsentAnswer, ConsentDesk } from './consent-desk.ts'
import type { Decision } from './dialer.ts'
import type { GrantMemory } from './grant-memory.ts'
import type { Policy, PolicyTarget } from './policy.ts'
import { judgeGrant, readGrant, type SiteContext } from './verify-grant.ts'

/** Read-ahead of a target's socket; node's 64 KiB costs a third of the throughput. */
const SOCKET_BUFFER_BYTES = 256 * 1024

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
  /** The site has ended a session that was here: whoever runs it should know. */
  onSiteEnd?(end: SiteEnd): void
  log: Log
  /** Remembers used grants over a restart. */
  memoryFile?: string
  /** The kill switch as the caller persisted it: the reason, when it was on. */
  killed?: string
  resolve?: AddressOptions['resolve']
  /** How long the people at the site have for an answer; default: CONSENT_WAIT_MS. */
  consentWaitMs?: number
  now?: () => number
}

/** Why a session is over, and who did it, where a person did. */
export interface SiteEnd {
  session: string
  why: RefusalCode
  by?: string
  /** In that person's words. */
  say?: string
}

/** A stream that passes bytes now. */
export interface OpenStream {
  claims: GrantClaims
  target: PolicyTarget
  cut(why: string): void
}

/** What the dialer holds while it lives. */
export interface SiteState {
  options: DialerOptions
  now(): number
  key: Parameters<typeof compactVerify>[1]
  memory: GrantMemory
  consents: ConsentDesk
  open: Set<OpenStream>
  /** Why the kill switch is on. */
  killed: string | undefined
}

export interface RuledIn {
  claims: GrantClaims
  target: PolicyTarget
  /** Connected. */
  socket: Socket
}
export type Ruling = { code: RefusalCode; claims?: GrantClaims } | RuledIn

/** The site as the verdict sees it, now. */
export function contextOf({ options, now }: SiteState): SiteContext {
  return { ...options, now: now() }
}

/** Decides on one CONNECT and, if the site allows it, connects to the target. */
export async function rule(state: SiteState, token: unknown, targetId: string): Promise<Ruling> {
  const judged = await judge(state, token, targetId)
  if ('code' in judged) return judged
  const { claims, target } = judged
  const early = missingConsent(state, judged)
  if (early) return { code: early, claims }
  const dialled = await dial(target, state.options)
  if ('code' in dialled) return { code: dialled.code, claims }
  const late = lapsed(state, claims) ?? missingConsent(state, judged)
  if (!late) return { claims, target, socket: dialled.socket }
  dialled.socket.destroy()
  return { code: late, claims }
}

export type Asked = { answer: ConsentAnswer; claims?: GrantClaims }

/** Puts the session to the people at the site; a target that needs no such consent is answered at once. */
export async function askSite(
  state: SiteState,
  { token, session }: { token: unknown; session: string },
  signal: AbortSignal,
): Promise<Asked> {
  const judged = await judge(state, token)
  if ('code' in judged) {
    return { answer: { allowed: false, code: judged.code }, claims: judged.claims }
  }
  const { claims, target } = judged
  if (claims.session !== session) return { answer: { allowed: false, code: 'grant-malformed' } }
  if (target.consent !== 'local') return { answer: { allowed: true, by: '' }, claims }
  return { answer: await state.consents.ask(claims, target, signal), claims }
}

/** Consent at the gateway: looked at again and again, for it may be withdrawn. */
export function missingConsent(
  { consents, now }: SiteState,
  { claims, target }: { claims: GrantClaims; target: PolicyTarget },
): RefusalCode | undefined {
  return target.consent !== 'local' || consents.covers(claims, now())
    ? undefined
    : 'consent-missing'
}

type Judged = { claims: GrantClaims; target: PolicyTarget }

/** The grant and the state of the site; without a target it may be any of the policy's. */
async function judge(
  state: SiteState,
  token: unknown,
  targetId?: string,
): Promise<Judged | { code: RefusalCode; claims?: GrantClaims }> {
  const reading = await readGrant(token, state.key)
  if (!reading.genuine) return { code: reading.code }
  const { claims } = reading
  // Burned before anything else is asked: two streams with one grant must not both pass.
  const code = burn(state, claims.jti)
  if (code) return { code, claims }
  const verdict = judgeGrant(claims, targetId ?? claims.target, contextOf(state))
  if (!verdict.allowed) return { code: verdict.code, claims }
  const early = lapsed(state, claims)
  return early ? { code: early, claims } : { claims, target: verdict.target }
}

function burn({ memory, now, options }: SiteState, jti: string): RefusalCode | undefined {
  try {
    return memory.burn(jti, now()) ? undefined : 'grant-replayed'
  } catch (error) {
    options.log.error({ error }, 'a used grant was not written down')
    return 'gateway-fault'
  }
}

/** What may change while we wait for the target. */
function lapsed({ killed, memory, open }: SiteState, claims: GrantClaims): RefusalCode | undefined {
  if (killed !== undefined) return 'killed'
  if (memory.isEnded(claims.session)) return 'session-ended'
  const ofSession = [...open].filter((entry) => entry.claims.session === claims.session)
  const isBusy = open.size >= STREAMS_PER_GATEWAY || ofSession.length >= STREAMS_PER_SESSION
  return isBusy ? 'busy' : undefined
}

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
