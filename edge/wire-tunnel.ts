/** The gateway's remote side, wired: who decides on streams, the tunnel, what is told over it, and the certificate it shows. */
import { join } from 'node:path'
import { Check } from 'typebox/value'
import type { Log } from '../protocol/kit/log.ts'
import { MAX_CONFIGURATION_BYTES } from '../protocol/tunnel/configuration.ts'
import { RENEWAL_PATH, RenewalOffer } from '../protocol/tunnel/news.ts'
import type { GatewayConfig } from './config.ts'
import { readCut } from './cut-file.ts'
import type { GatewayClock } from './gateway-clock.ts'
import {
  answerOrder,
  type ControlAnswer,
  type ControlRequest,
} from './remote-config/answer-orders.ts'
import type { RemoteConfig } from './remote-config/remote-config.ts'
import type { Pair } from './renewal/pair-file.ts'
import { openRenewal, type Renewal } from './renewal/renewal.ts'
import { makeRequestApart } from './renewal/request-apart.ts'
import type { Door, Wallet } from './renewal/wallet.ts'
import type { Parts } from './status.ts'
import { openTunnel, type Tunnel } from './tunnel/agent.ts'
import { openDialer } from './tunnel/dialer.ts'
import type { NewsDesk } from './tunnel/news.ts'
import type { Policy } from './tunnel/policy.ts'
import type { UplinkState } from './uplink/uplink.ts'

export interface TunnelWiring {
  config: GatewayConfig
  wallet: Wallet
  policy: Policy
  dataDir: string
  clock: GatewayClock
  log: Log
  news: NewsDesk
}

/** Doors that show a certificate: a broker without TLS asks for none; where one of several has TLS, it must know the new one. */
export function doorsOf({ cloud }: Pick<GatewayConfig, 'cloud'>): Door[] {
  const isTls = [cloud.mqttUrl, ...cloud.otherMqttUrls].some((url) => url.startsWith('mqtts:'))
  return isTls ? ['tunnel', 'broker'] : ['tunnel']
}

/** The session runs over a broker without TLS: it cannot say what the others think of a certificate. */
function isPlain({ connected, server }: UplinkState): boolean {
  return connected && !server.startsWith('mqtts:')
}

/** The wallet as a door sees it. */
export function showAt(door: Door, { config, wallet }: Pick<TunnelWiring, 'config' | 'wallet'>) {
  const { serverName: servername } = config.cloud
  const { ca } = wallet.credentials
  return {
    use: (newest = false) => ({
      ...(newest ? wallet.newest() : wallet.use(door)),
      ...{ ca, servername },
    }),
    judged: (shown: Pair, isAccepted: boolean) => wallet.judged(door, shown, isAccepted),
  }
}

export async function wireDialer(
  { config, wallet, policy, dataDir, log, news }: TunnelWiring,
  tags: Parts['tags'],
  onDecision: Parts['decisions']['add'],
): ReturnType<typeof openDialer> {
  return await openDialer({
    site: config.site,
    gateway: config.gateway,
    timeZone: config.timeZone,
    grantKey: wallet.credentials.grantKey,
    policy,
    ownPorts: () => [config.local.port],
    readTag: tags.latest,
    onDecision,
    onSiteEnd: (end) => void news.tell({ kind: 'session-ended', ...end }),
    log,
    memoryFile: join(dataDir, 'grants.json'),
    killed: await readCut(dataDir),
  })
}

/** Disposing it ends the renewal first. */
export function wireTunnel(
  wiring: TunnelWiring,
  parts: Pick<Parts, 'dialer' | 'uplink'> & { remote: RemoteConfig },
): AsyncDisposable & Pick<Tunnel, 'state'> & { renewal: Renewal } {
  const { config, wallet, clock, log, news } = wiring
  const { tunnelHost: host, tunnelPort: port } = config.cloud
  const control = {
    answer: (request: ControlRequest) =>
      request.path === RENEWAL_PATH
        ? answerRenewal(renewal, request)
        : answerOrder(parts.remote, request),
    maxBytes: MAX_CONFIGURATION_BYTES,
  }
  const credentials = showAt('tunnel', wiring)
  const tunnel = openTunnel({ host, port, credentials, dialer: parts.dialer, control, news, log })
  const renewal = openRenewal({
    name: { site: config.site, gateway: config.gateway },
    ...{ wallet, news, log },
    redialTunnel: tunnel.redial,
    reconnectBroker: parts.uplink.reconnect,
    isBrokerPlain: () => isPlain(parts.uplink.state()),
    makeRequest: makeRequestApart,
    now: clock.now,
    isClockSet: clock.isSet,
  })
  return {
    state: tunnel.state,
    renewal,
    async [Symbol.asyncDispose]() {
      await renewal[Symbol.asyncDispose]()
      await tunnel[Symbol.asyncDispose]()
    },
  }
}

async function answerRenewal(
  renewal: Renewal,
  { method, body }: ControlRequest,
): Promise<ControlAnswer> {
  if (method !== 'POST') return { status: 405 }
  try {
    const offer: unknown = JSON.parse(body)
    if (Check(RenewalOffer, offer)) return { status: 200, body: await renewal.answer(offer) }
  } catch {
    // No JSON: as good as no offer.
  }
  return { status: 400 }
}
