/** New certificates for gateways that hold one: who may have one, on what terms, and what became of it. */
import type { X509Certificate } from 'node:crypto'
import type { renewalProblems } from '../../protocol/api.ts'
import type { GatewayUrn } from '../../protocol/tunnel/gateway-urn.ts'
import type { RenewalOffer } from '../../protocol/tunnel/news.ts'
import type { Audit } from '../audit/audit.ts'
import type { Store } from '../store/store.ts'
import { DAY_MS } from './authority.ts'
import type { Pki } from './pki.ts'
import type { Revocations } from './revocations.ts'
import { datesOf } from './validity.ts'

/** A shop that was closed for a season comes back by itself; with its 30 days a certificate is good for 90 at most. */
const EXPIRED_DAYS = 60
/** Of a certificate's life between two tries of one gateway (four minutes of 30 days): it asks seldom, and every try is audited. */
const TRIES_PER_LIFE = 10_000

export interface RenewalsOptions {
  pki: Pki
  store: Store
  audit: Audit
  revocations: Pick<Revocations, 'isRevoked'>
  /** Days after its end in which a certificate may still be renewed, and do nothing else; 0: none. */
  expiredDays?: number
  onChange?(name: GatewayUrn): void
  now?(): number
}

export interface Renewals {
  /** The gateway has come in with this certificate: the newest one counts from now on. */
  seen(name: GatewayUrn, certificate: X509Certificate): Promise<void>
  /** Whose certificate this is that has ended, if it may come in to renew it; its signature was not checked before. */
  identifyExpired(certificate: X509Certificate): Promise<GatewayUrn | undefined>
  /** The new certificate, or why there is none. The names are those of the connection, not of the request. */
  renew(name: GatewayUrn, certificate: X509Certificate, request: string): Promise<RenewalOffer>
  /** Why the last try came to nothing; undefined: there was none, or it did. */
  problemOf(name: GatewayUrn): RenewalProblem | undefined
}

export type RenewalProblem = (typeof renewalProblems)[number]

type Verdict = { allowed: true } | { allowed: false; problem: RenewalProblem }

const refusals = {
  removed: 'this gateway is not in the fleet (any more)',
  revoked: 'it was revoked: enrol this gateway anew with `mimamori enrol`',
  superseded:
    'a newer certificate of this gateway has been in use: another machine may hold its identity; enrol it anew with `mimamori enrol`',
  request: 'the request is damaged, or asks for another name than its sender has',
} as const satisfies Record<RenewalProblem, string>
const TOO_OFTEN = 'it asks too often'

/** Keeps in memory only what the last try of each gateway was. */
export function createRenewals(options: RenewalsOptions): Renewals {
  const { pki, audit, store, onChange } = options
  const now = options.now ?? Date.now
  const tries = new Map<string, { at: number; problem?: RenewalProblem }>()
  return {
    problemOf: (name) => tries.get(keyOf(name))?.problem,
    async seen(name, certificate) {
      const fingerprint = fingerprintOf(certificate)
      const row = await find(store, name)
      const { from, until } = datesOf(certificate)
      if (!row || (row.fingerprint !== null && (row.certificate_from ?? 0) >= from)) return
      const { numUpdatedRows } = await store.db
        .updateTable('gateways')
        .set({ fingerprint, certificate_from: from, certificate_until: until })
        .where('site', '=', name.site)
        .where('id', '=', name.gateway)
        // Another of its connections may have been noted meanwhile: the newer certificate stays.
        .where((or) => or.or([or('fingerprint', 'is', null), or('certificate_from', '<', from)]))
        .executeTakeFirst()
      if (numUpdatedRows === 0n) return
      const detail = { fingerprint, until: new Date(until).toISOString() }
      await audit.append({ ...about(name, 'gateway.use-certificate'), outcome: 'done', detail })
      onChange?.(name)
    },
    async identifyExpired(certificate) {
      const name = pki.isOwn(certificate) ? pki.gatewayOf(certificate) : undefined
      const { from, until } = datesOf(certificate)
      const daysOver = (now() - until) / DAY_MS
      const isLate = daysOver > (options.expiredDays ?? EXPIRED_DAYS) || from > now()
      if (!name || isLate) return undefined
      const verdict = await judge(options, name, certificate)
      return verdict.allowed ? name : undefined
    },
    async renew(name, certificate, request) {
      const { from, until } = datesOf(certificate)
      const last = tries.get(keyOf(name))
      // Not audited: whoever floods us must not flood the audit log.
      const isFlood = last && now() - last.at < (until - from) / TRIES_PER_LIFE
      if (isFlood) return { refused: TOO_OFTEN }
      // At once: another connection of it may ask while this try is looked into.
      tries.set(keyOf(name), { ...last, at: now() })
      const verdict = await judge(options, name, certificate)
      const signed = verdict.allowed ? await pki.signRequest(name, request) : undefined
      // Revoked meanwhile: what was signed may be newer than that, and is given to nobody.
      const isRevoked = options.revocations.isRevoked(name, datesOf(certificate))
      const issued = isRevoked ? undefined : signed
      const problem = issued ? undefined : isRevoked ? 'revoked' : problemIn(verdict)
      tries.set(keyOf(name), { at: now(), problem })
      const detail = issued
        ? { fingerprint: issued.fingerprint, until: new Date(issued.until).toISOString() }
        : { reason: refusals[problem ?? 'request'], with: fingerprintOf(certificate) }
      const outcome = issued ? 'done' : 'denied'
      await audit.append({ ...about(name, 'gateway.renew-certificate'), outcome, detail })
      onChange?.(name)
      return issued ? { certificate: issued.cert } : { refused: refusals[problem ?? 'request'] }
    },
  }
}

function problemIn(verdict: Verdict): RenewalProblem {
  return verdict.allowed ? 'request' : verdict.problem
}

/**
 * A renewed certificate that has been in use ends its predecessor's right to be renewed. So a stolen copy lives to its own
 * end and no longer; or, if the thief renews first, the rightful gateway is refused, and people hear of it.
 */
async function judge(
  { store, revocations }: Pick<RenewalsOptions, 'store' | 'revocations'>,
  name: GatewayUrn,
  certificate: X509Certificate,
): Promise<Verdict> {
  if (revocations.isRevoked(name, datesOf(certificate)))
    return { allowed: false, problem: 'revoked' }
  const row = await find(store, name)
  if (!row) return { allowed: false, problem: 'removed' }
  const isNewest =
    row.fingerprint === null ||
    row.fingerprint === fingerprintOf(certificate) ||
    (row.certificate_from ?? 0) < datesOf(certificate).from
  return isNewest ? { allowed: true } : { allowed: false, problem: 'superseded' }
}

async function find({ db }: Store, { site, gateway }: GatewayUrn) {
  return await db
    .selectFrom('gateways')
    .select(['fingerprint', 'certificate_from'])
    .where('site', '=', site)
    .where('id', '=', gateway)
    .executeTakeFirst()
}

function about(name: GatewayUrn, action: string) {
  return { actor: 'identity', action, object: keyOf(name), site: name.site }
}

/** As the store has it: lower-case hex. */
function fingerprintOf({ fingerprint256 }: X509Certificate): string {
  return fingerprint256.replaceAll(':', '').toLowerCase()
}

/** Neither name contains a slash (they are Sparkplug ids). */
function keyOf({ site, gateway }: GatewayUrn): string {
  return `${site}/${gateway}`
}
