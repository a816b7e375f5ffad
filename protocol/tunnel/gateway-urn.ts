/** The name of a gateway in its certificate: `urn:mimamori:gateway:<site>:<gateway>`, both percent-encoded. */

const PREFIX = 'urn:mimamori:gateway:'

export interface GatewayUrn {
  site: string
  gateway: string
}

export function formatGatewayUrn({ site, gateway }: GatewayUrn): string {
  return `${PREFIX}${encodeURIComponent(site)}:${encodeURIComponent(gateway)}`
}

/** Undefined: it names no gateway. */
export function parseGatewayUrn(urn: string): GatewayUrn | undefined {
  if (!urn.startsWith(PREFIX)) return undefined
  const parts = urn.slice(PREFIX.length).split(':')
  if (parts.length !== 2) return undefined
  try {
    const [site, gateway] = parts.map(decodeURIComponent)
    return site && gateway ? { site, gateway } : undefined
  } catch {
    return undefined
  }
}
