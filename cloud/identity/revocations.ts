/** Certificates that are worth nothing before their end: of a gateway, all that were issued before somebody revoked them. */
import type { GatewayUrn } from '../../protocol/tunnel/gateway-urn.ts'
import type { Audit } from '../audit/audit.ts'
import type { Store } from '../store/store.ts'
import type { Actor } from './policy.ts'
import { type Dates, issuedAtOf } from './validity.ts'

export interface RevocationsOptions {
  store: Store
  audit: Audit
  /** Already refused at every door: now cut what is open. */
  onRevoke?(name: GatewayUrn): void
  /** Unix ms. */
  now?(): number
}

export interface Revocations {
  /** Answers from memory: it is asked at every door, for every connection. */
  isRevoked(name: GatewayUrn, certificate: Dates): boolean
  /** When somebody did; undefined: never, or only for certificates older than this one. */
  revokedAt(name: GatewayUrn, certificate: Dates | undefined): number | undefined
  /** Every certificate of this gateway up to now, whoever holds it; what is issued later is good again. */
  revoke(actor: Actor, name: GatewayUrn, reason: string): Promise<void>
}

interface Entry {
  /** Issued at this time or before: revoked. */
  until: number
  at: number
}

/**
 * By the time of issue, not by serial number: it covers what the cloud has never seen in use (a renewed one, a second copy),
 * and needs no list that grows. Kept when the gateway leaves the fleet, for its name may come back.
 */
export async function openRevocations(options: RevocationsOptions): Promise<Revocations> {
  const { store, audit, onRevoke, now = Date.now } = options
  const rows = await store.db.selectFrom('gateway_revocations').selectAll().execute()
  const entries = new Map<string, Entry>(
    rows.map(({ site, gateway, until, at }) => [keyOf({ site, gateway }), { until, at }]),
  )
  const isRevoked: Revocations['isRevoked'] = (name, certificate) => {
    const entry = entries.get(keyOf(name))
    return entry !== undefined && issuedAtOf(certificate) <= entry.until
  }
  return {
    isRevoked,
    revokedAt(name, certificate) {
      const isOver = certificate !== undefined && !isRevoked(name, certificate)
      return isOver ? undefined : entries.get(keyOf(name))?.at
    },
    async revoke(actor, name, reason) {
      const key = keyOf(name)
      const at = now()
      const before = entries.get(key)
      // Before anything is awaited: what is issued while the disk writes would be newer than its revocation.
      entries.set(key, { until: Math.max(at, before?.until ?? 0), at })
      let entry: Entry
      try {
        entry = await write(store, name, { at, before: before?.until ?? 0 })
      } catch (error) {
        // Whoever asked hears that it came to nothing.
        if (before) entries.set(key, before)
        else entries.delete(key)
        throw error
      }
      entries.set(key, entry)
      onRevoke?.(name)
      await audit.append({
        ...{ actor: actor.login, action: 'gateway.revoke', object: key, site: name.site },
        ...{
          outcome: 'done',
          detail: { reason, issuedUntil: new Date(entry.until).toISOString() },
        },
      })
    },
  }
}

async function write(
  { db }: Store,
  { site, gateway }: GatewayUrn,
  { at, before }: { at: number; before: number },
): Promise<Entry> {
  const known = await db
    .selectFrom('gateways')
    .select(['certificate_from', 'certificate_until'])
    .where('site', '=', site)
    .where('id', '=', gateway)
    .executeTakeFirst()
  const from = known?.certificate_from ?? 0
  const newest = issuedAtOf({ from, until: known?.certificate_until ?? from })
  // A clock that ran ahead when it was issued: it must not outlive its own revocation.
  const until = Math.max(at, newest, before)
  await db
    .insertInto('gateway_revocations')
    .values({ site, gateway, until, at })
    .onConflict((conflict) => conflict.columns(['site', 'gateway']).doUpdateSet({ until, at }))
    .execute()
  return { until, at }
}

/** Neither name contains a slash (they are Sparkplug ids). */
function keyOf({ site, gateway }: GatewayUrn): string {
  return `${site}/${gateway}`
}
