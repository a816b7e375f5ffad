/** What the cloud may ask a gateway about its configuration: one call each, the answer checked before it is believed. */
import type { Static, TSchema } from 'typebox'
import { Check } from 'typebox/value'
import { Fault } from '../../protocol/kit/fault.ts'
import {
  CONFIGURATION_PATH,
  CONFIGURATION_TIMEOUT_MS,
  ConfigCheckAnswer,
  type ConfigOffer,
  ConfigOfferAnswer,
  ConfigReport,
  ConfigWordAnswer,
  MAX_CONFIGURATION_BYTES,
} from '../../protocol/tunnel/configuration.ts'

export interface GatewayName {
  site: string
  gateway: string
}

/** Carries a request over the gateway's tunnel; throws Fault 'tunnel.down' or 'tunnel.refused'. */
export type Carry = (
  to: GatewayName,
  order: {
    method: 'GET' | 'POST'
    path: string
    body?: unknown
    timeoutMs: number
    maxBytes: number
  },
) => Promise<unknown>

export interface GatewayOrders {
  report(to: GatewayName): Promise<ConfigReport>
  check(to: GatewayName, yaml: string): Promise<ConfigCheckAnswer>
  offer(to: GatewayName, offer: ConfigOffer): Promise<ConfigOfferAnswer>
  confirm(to: GatewayName, version: number): Promise<ConfigWordAnswer>
  cancel(to: GatewayName, version: number): Promise<ConfigWordAnswer>
}

/** Each throws what carrying it throws, and 'tunnel.refused' for an answer that is none. */
export function createGatewayOrders(carry: Carry): GatewayOrders {
  const ask = async <S extends TSchema>(
    to: GatewayName,
    { name, body, schema }: { name?: string; body?: unknown; schema: S },
  ): Promise<Static<S>> => {
    const answer = await carry(to, {
      method: name === undefined ? 'GET' : 'POST',
      path: name === undefined ? CONFIGURATION_PATH : `${CONFIGURATION_PATH}/${name}`,
      body,
      timeoutMs: CONFIGURATION_TIMEOUT_MS,
      maxBytes: MAX_CONFIGURATION_BYTES,
    })
    if (Check(schema, answer)) return answer
    throw new Fault('tunnel.refused', { ...to, reason: 'its answer cannot be understood' })
  }
  return {
    report: (to) => ask(to, { schema: ConfigReport }),
    check: (to, yaml) => ask(to, { name: 'check', body: { yaml }, schema: ConfigCheckAnswer }),
    offer: (to, body) => ask(to, { name: 'offer', body, schema: ConfigOfferAnswer }),
    confirm: (to, version) =>
      ask(to, { name: 'confirm', body: { version }, schema: ConfigWordAnswer }),
    cancel: (to, version) =>
      ask(to, { name: 'cancel', body: { version }, schema: ConfigWordAnswer }),
  }
}
