/** The tunnel's listener, wired to the fleet that it lets in, to the renewal of certificates and to the sessions. */
import { Check } from 'typebox/value'
import {
  MAX_RENEWAL_BYTES,
  RENEWAL_PATH,
  RENEWAL_TIMEOUT_MS,
  RenewalAnswer,
  type RenewalNews,
} from '../protocol/tunnel/news.ts'
import { createRenewals, type Renewals } from './identity/renewals.ts'
import { identifyKnown } from './known-gateways.ts'
import type { Parts } from './parts.ts'
import type { Admitted } from './sessions/admission.ts'
import { type Order, openTunnelHub, type TunnelHub } from './sessions/hub.ts'

export interface TunnelEvents {
  onGateway(change: { site: string; gateway: string; online: boolean }): void
  /** Something about a gateway's certificate changed. */
  onCertificate(site: string): void
}

/** Throws what `listen` throws. */
export async function openConfiguredTunnel(
  parts: Parts,
  events: TunnelEvents,
): Promise<TunnelHub & { renewals: Renewals }> {
  const { config, pki, log } = parts
  const { host, port, renewEndedDays } = config.tunnel
  const renewals = createRenewals({
    ...parts,
    expiredDays: renewEndedDays,
    onChange: ({ site }) => events.onCertificate(site),
  })
  const onError = (error: unknown) => log.error({ error }, 'a certificate was not noted')
  const hub = await openTunnelHub({
    ...{ host, port, log },
    tls: await pki.serverCredentials(config.serverNames),
    identify: identifyKnown(config, parts),
    identifyExpired: renewEndedDays > 0 ? renewals.identifyExpired : undefined,
    onGateway: events.onGateway,
    onCertificate: (of) => void renewals.seen(of, of.certificate).catch(onError),
    async onNews(of, news, order) {
      if (news.kind === 'renewal') await renew(parts, renewals, { of, news, order })
      else await parts.sessions.endedAtSite(of, news)
    },
  })
  return { ...hub, renewals }
}

async function renew(
  { log }: Parts,
  renewals: Renewals,
  { of, news, order }: { of: Admitted; news: RenewalNews; order: Order },
): Promise<void> {
  const { site, gateway, certificate } = of
  const offer = await renewals.renew({ site, gateway }, certificate, news.request)
  const answer = await order({
    method: 'POST',
    path: RENEWAL_PATH,
    body: offer,
    timeoutMs: RENEWAL_TIMEOUT_MS,
    maxBytes: MAX_RENEWAL_BYTES,
  })
  const isTaken = Check(RenewalAnswer, answer) && answer.taken
  log.info({ site, gateway, issued: 'certificate' in offer, isTaken }, 'certificate renewal')
}
