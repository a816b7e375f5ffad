/** The devices of a gateway: what it runs, a draft, its check, sending it, taking it back, former versions. */
import type { Static } from 'typebox'
import {
  CancelConfigRequest,
  ConfigText,
  RestoreConfigRequest,
  SendConfigRequest,
} from '../../../protocol/api-gateway-config.ts'
import { Fault } from '../../../protocol/kit/fault.ts'
import { MAX_CONFIGURATION_BYTES } from '../../../protocol/tunnel/configuration.ts'
import type { Call, Route } from '../route.ts'

const ROOT = '/api/gateways/:site/:gateway/configuration'

/** The gateway in the address. */
export function gatewayOf({ params }: Call): { site: string; gateway: string } {
  return { site: params.site ?? '', gateway: params.gateway ?? '' }
}

/** Its site; undefined: there is no such gateway. */
export async function siteOfGateway(call: Call): Promise<readonly string[] | undefined> {
  const of = gatewayOf(call)
  return (await call.services.gatewayConfigs.knows(of)) ? [of.site] : undefined
}

/** What every row here shares. */
const guarded = { access: 'gateway.configure', sitesOf: siteOfGateway } as const

/** An act answers with the whole page as it is after it. */
function act(work: (call: Call, of: { site: string; gateway: string }) => Promise<void>) {
  return async (call: Call) => {
    await work(call, gatewayOf(call))
    return await call.services.gatewayConfigs.view(gatewayOf(call))
  }
}

export const gatewayConfigRoutes: readonly Route[] = [
  {
    ...guarded,
    method: 'GET',
    url: ROOT,
    handle: (call) => call.services.gatewayConfigs.view(gatewayOf(call)),
  },
  {
    ...guarded,
    method: 'GET',
    url: `${ROOT}/versions/:version`,
    async handle(call) {
      const number = /^\d{1,9}$/.test(call.params.version ?? '') ? Number(call.params.version) : 0
      const found = await call.services.gatewayConfigs.version(gatewayOf(call), number)
      if (!found) throw new Fault('object.missing')
      return found
    },
  },
  {
    ...guarded,
    method: 'POST',
    url: `${ROOT}/draft`,
    body: ConfigText,
    bodyLimit: MAX_CONFIGURATION_BYTES,
    handle: act(({ services, actor, body }, of) =>
      services.gatewayConfigs.saveDraft(actor, of, (body as Static<typeof ConfigText>).yaml),
    ),
  },
  {
    ...guarded,
    method: 'POST',
    url: `${ROOT}/check`,
    body: ConfigText,
    bodyLimit: MAX_CONFIGURATION_BYTES,
    handle: (call) => {
      const { yaml } = call.body as Static<typeof ConfigText>
      return call.services.gatewayConfigs.check(gatewayOf(call), yaml)
    },
  },
  {
    ...guarded,
    method: 'POST',
    url: `${ROOT}/send`,
    body: SendConfigRequest,
    handle: act(({ services, actor, body }, of) =>
      services.gatewayConfigs.send(actor, of, body as Static<typeof SendConfigRequest>),
    ),
  },
  {
    ...guarded,
    method: 'POST',
    url: `${ROOT}/cancel`,
    body: CancelConfigRequest,
    handle: act(({ services, actor, body }, of) => {
      const { reason } = body as Static<typeof CancelConfigRequest>
      return services.gatewayConfigs.cancel(actor, of, reason)
    }),
  },
  {
    ...guarded,
    method: 'POST',
    url: `${ROOT}/restore`,
    body: RestoreConfigRequest,
    handle: act(({ services, actor, body }, of) => {
      const { version } = body as Static<typeof RestoreConfigRequest>
      return services.gatewayConfigs.restore(actor, of, version)
    }),
  },
]
