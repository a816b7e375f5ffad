/** Configurations for gateways, wired to the tunnel that carries them and to the fleet that shows their devices. */
import { type GatewayConfigs, openGatewayConfigs } from './gateway-config/gateway-config.ts'
import type { Parts } from './parts.ts'

/** Needs the hub; `onChange` is told the site whose pages are out of date. */
export function openConfiguredGatewayConfigs(
  { store, audit, hub, fleet, log }: Parts,
  onChange: (site: string, gateway: string) => void,
): GatewayConfigs {
  return openGatewayConfigs({
    ...{ store, audit, log },
    isUp: ({ site, gateway }) => hub.isUp(site, gateway),
    carry: ({ site, gateway }, order) => hub.order(site, gateway, order),
    onChange: ({ site, gateway }) => onChange(site, gateway),
    onDevices: ({ site, gateway }, devices) => fleet.keepDevices(site, gateway, devices),
  })
}
