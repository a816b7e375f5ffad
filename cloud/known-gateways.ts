/** Whose certificate this is: a gateway that was taken out of the fleet is nobody's, whatever it can show. */
import type { CloudConfig } from './config.ts'
import type { Pki } from './identity/pki.ts'

/** For the doors of tunnel and broker. */
export function identifyKnown(
  { fleet }: Pick<CloudConfig, 'fleet'>,
  pki: Pick<Pki, 'gatewayOf'>,
): Pki['gatewayOf'] {
  const known = new Set(fleet.gateways.map(({ site, id }) => `${site}/${id}`))
  return (certificate) => {
    const name = pki.gatewayOf(certificate)
    return name && known.has(`${name.site}/${name.gateway}`) ? name : undefined
  }
}
