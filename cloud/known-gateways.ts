/** Whose certificate this is: a gateway that was taken out of the fleet, or whose certificate was revoked, is nobody. */
import type { X509Certificate } from 'node:crypto'
import type { CloudConfig } from './config.ts'
import type { FleetOptions } from './fleet/fleet.ts'
import type { Pki } from './identity/pki.ts'
import { openRevocations, type Revocations } from './identity/revocations.ts'
import { datesOf } from './identity/validity.ts'
import type { Parts } from './parts.ts'

/** For the doors of tunnel and broker. */
export function identifyKnown(
  { fleet }: Pick<CloudConfig, 'fleet'>,
  {
    pki,
    revocations,
  }: { pki: Pick<Pki, 'gatewayOf'>; revocations: Pick<Revocations, 'isRevoked'> },
): (certificate: X509Certificate) => ReturnType<Pki['gatewayOf']> {
  const known = new Set(fleet.gateways.map(({ site, id }) => `${site}/${id}`))
  return (certificate) => {
    const name = pki.gatewayOf(certificate)
    const isKnown = name && known.has(`${name.site}/${name.gateway}`)
    return isKnown && !revocations.isRevoked(name, datesOf(certificate)) ? name : undefined
  }
}

/** What is revoked is cut at once: its line to the broker, its tunnel with all that runs in it. */
export async function openConfiguredRevocations(parts: Parts): Promise<Revocations> {
  const { store, audit } = parts
  return await openRevocations({
    ...{ store, audit },
    onRevoke(name) {
      parts.broker?.kick(name)
      parts.hub?.cut(name)
      parts.http?.live.changed({ kind: 'changed', what: 'fleet', id: null }, name.site)
    },
  })
}

/** What the fleet is told of a gateway beside its own words. */
export function describeGateways(parts: Parts) {
  return {
    tunnelUp: (site, gateway) => parts.hub?.isUp(site, gateway) ?? false,
    renewalProblem: (site, gateway) => parts.hub?.renewals.problemOf({ site, gateway }),
    revokedAt: (name, certificate) => parts.revocations.revokedAt(name, certificate),
  } satisfies Partial<FleetOptions>
}
