/** What a gateway may do on the broker: its own births, data and deaths out, its own commands and the host's state in. */
import type { IConnectPacket, IPublishPacket } from 'mqtt-packet'
import type { GatewayId, SiteId } from '../../protocol/model.ts'
import { NAMESPACE, parseTopic } from '../../protocol/sparkplug/topic.ts'

/** Who a certificate proves a connection to be. */
export interface GatewayIdentity {
  site: SiteId
  gateway: GatewayId
}

/** Sparkplug data is QoS 0 and its deaths QoS 1; QoS 2 only costs the broker memory per half-open handshake. */
export const MAX_QOS = 1

const PUBLISHED: ReadonlySet<string> = new Set([
  'NBIRTH',
  'NDATA',
  'NDEATH',
  'DBIRTH',
  'DDATA',
  'DDEATH',
])

/** The one client id a gateway may use, so that two machines with one certificate are seen. */
export function formatClientId({ site, gateway }: GatewayIdentity): string {
  return `${site}/${gateway}`
}

/** Why this CONNECT is refused; undefined when it may pass. */
export function findConnectProblem(
  identity: GatewayIdentity,
  packet: Pick<IConnectPacket, 'clientId' | 'clean' | 'will'>,
): string | undefined {
  if (packet.clientId !== formatClientId(identity)) return 'the client id is not the identity'
  // tck-id-principles-persistence-clean-session-311; a session kept here would queue without bound.
  if (!packet.clean) return 'persistent sessions are not served'
  return packet.will && findPublishProblem(identity, packet.will)
}

/** Why this message (or will) is refused; undefined when it may pass. */
export function findPublishProblem(
  identity: GatewayIdentity,
  { topic, qos = 0, retain }: Pick<IPublishPacket, 'topic'> & Partial<IPublishPacket>,
): string | undefined {
  const parsed = parseTopic(topic)
  const isOwn =
    parsed !== undefined &&
    parsed.type !== 'STATE' &&
    PUBLISHED.has(parsed.type) &&
    parsed.site === identity.site &&
    parsed.gateway === identity.gateway
  if (!isOwn) return 'the topic is not its own'
  if (qos > MAX_QOS) return 'QoS 2 is not served'
  // No message of an edge node is retained (6.4.x *-retain), and what is retained stays in memory for ever.
  return retain ? 'an edge node retains nothing' : undefined
}

/** True when the gateway may listen to this filter. */
export function maySubscribe({ site, gateway }: GatewayIdentity, filter: string): boolean {
  if (filter === `${NAMESPACE}/STATE/+`) return true
  const commands = `${NAMESPACE}/${site}/DCMD/${gateway}`
  // Both wildcards stand below the gateway's own level: they reach its own devices only.
  if (filter === `${commands}/+` || filter === `${commands}/#`) return true
  const topic = parseTopic(filter)
  if (topic === undefined) return false
  if (topic.type === 'STATE') return true
  const isCommand = topic.type === 'NCMD' || topic.type === 'DCMD'
  return isCommand && topic.site === site && topic.gateway === gateway
}
