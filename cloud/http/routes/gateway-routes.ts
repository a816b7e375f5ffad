/** What is done to a gateway itself, not to its configuration: its certificates revoked before their end. */
import type { Static } from 'typebox'
import { RevokeGatewayRequest } from '../../../protocol/api-gateway-config.ts'
import type { Route } from '../route.ts'
import { gatewayOf, siteOfGateway } from './gateway-config-routes.ts'

export const gatewayRoutes: readonly Route[] = [
  {
    method: 'POST',
    url: '/api/gateways/:site/:gateway/revoke',
    access: 'gateway.revoke',
    sitesOf: siteOfGateway,
    body: RevokeGatewayRequest,
    async handle(call) {
      const { reason } = call.body as Static<typeof RevokeGatewayRequest>
      await call.services.revocations.revoke(call.actor, gatewayOf(call), reason)
      return {}
    },
  },
]
