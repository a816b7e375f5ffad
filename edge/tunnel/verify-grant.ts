/** The gateway's own decision on a grant: signature, time, names, and the site's policy; time and data come as arguments. */
import { compactVerify } from 'jose'
import { Compile } from 'typebox/compile'
import {
  GRANT_OPEN_WINDOW_MS,
  GRANT_SKEW_MS,
  GRANT_TYPE,
  GrantClaims,
} from '../../protocol/grant.ts'
import { quality, type Sample, type TagId } from '../../protocol/model.ts'
import type { RefusalCode } from '../../protocol/tunnel/refusal.ts'
import type { Policy, PolicyTarget } from './policy.ts'
import { isWithinSchedule } from './schedule.ts'

const validator = Compile(GrantClaims)
const MINUTE_MS = 60_000

export type GrantReading =
  | { genuine: true; claims: GrantClaims }
  | { genuine: false; code: RefusalCode }

export type Verdict =
  | { allowed: true; target: PolicyTarget }
  | { allowed: false; code: RefusalCode }

/** What the site knows when it judges. */
export interface SiteContext {
  site: string
  gateway: string
  timeZone: string
  policy: Policy
  /** Unix ms. */
  now: number
  /** The latest sample of a tag of this gateway; undefined when it has none. */
  readTag(tag: TagId): Sample | undefined
}

/** Checks signature, type and shape; `key` is the public key pinned at enrolment. */
export async function readGrant(
  token: unknown,
  key: Parameters<typeof compactVerify>[1],
): Promise<GrantReading> {
  if (typeof token !== 'string') return { genuine: false, code: 'grant-malformed' }
  let payload: Uint8Array
  try {
    const verified = await compactVerify(token, key as CryptoKey, { algorithms: ['EdDSA'] })
    // RFC 8725 3.11: without its type, another token of the same key could pass for a grant.
    if (verified.protectedHeader.typ !== GRANT_TYPE) return forged
    payload = verified.payload
  } catch {
    return forged
  }
  const claims = parseJson(new TextDecoder().decode(payload))
  if (!validator.Check(claims)) return { genuine: false, code: 'grant-malformed' }
  return { genuine: true, claims }
}

const forged: GrantReading = { genuine: false, code: 'grant-forged' }

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** May these claims open a stream to `targetId` here and now? */
export function judgeGrant(claims: GrantClaims, targetId: string, context: SiteContext): Verdict {
  const untimely = checkTime(claims, context.now)
  if (untimely) return { allowed: false, code: untimely }
  if (claims.site !== context.site || claims.gateway !== context.gateway) {
    return { allowed: false, code: 'grant-other-gateway' }
  }
  if (claims.target !== targetId) return { allowed: false, code: 'grant-other-target' }
  const target = context.policy.targets.find(({ id }) => id === targetId)
  if (!target) return { allowed: false, code: 'target-unknown' }
  const code = checkRights(claims, target) ?? checkConsent(claims, target, context)
  return code ? { allowed: false, code } : { allowed: true, target }
}

/** Consent that may lapse while a stream is open (schedule, key switch): asked again and again. */
export function checkStanding(target: PolicyTarget, context: SiteContext): RefusalCode | undefined {
  if (target.schedule && !isWithinSchedule(target.schedule, context.now, context.timeZone)) {
    return 'outside-schedule'
  }
  if (target.keySwitch === undefined) return undefined
  const sample = context.readTag(target.keySwitch as TagId)
  // A stale or unreadable key switch is off.
  return sample?.quality === quality.good && sample.value === true ? undefined : 'key-switch-off'
}

function checkTime(claims: GrantClaims, now: number): RefusalCode | undefined {
  const [issuedAt, expiresAt] = [claims.iat * 1000, claims.exp * 1000]
  // A grant that may lie about for hours is not one of ours, whoever signed it.
  if (expiresAt - issuedAt > GRANT_OPEN_WINDOW_MS) return 'grant-malformed'
  if (issuedAt > now + GRANT_SKEW_MS || claims.from > now + GRANT_SKEW_MS) return 'grant-not-yet'
  if (expiresAt < now - GRANT_SKEW_MS || claims.until <= now) return 'grant-expired'
  return undefined
}

function checkRights(claims: GrantClaims, target: PolicyTarget): RefusalCode | undefined {
  const isCovered = claims.rights.every((right) => target.rights.includes(right))
  if (!isCovered || claims.rights.length === 0) return 'rights-widened'
  const minutes = (claims.until - claims.from) / MINUTE_MS
  return target.maxMinutes !== undefined && minutes > target.maxMinutes
    ? 'window-too-long'
    : undefined
}

function checkConsent(
  { approver, person }: GrantClaims,
  target: PolicyTarget,
  context: SiteContext,
): RefusalCode | undefined {
  if (approver && approver.id === person.id) return 'approver-self'
  if (target.consent === 'passkey') return 'consent-unsupported'
  if (target.consent === 'request' && !approver) return 'approver-missing'
  // A schedule or key switch beside another mode narrows it further.
  return checkStanding(target, context)
}
