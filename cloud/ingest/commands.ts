/** What the host tells its nodes: acknowledgements, and rebirth requests no faster than they can be answered. */
import type { MqttClient } from 'mqtt'
import type { GatewayId, SiteId } from '../../protocol/model.ts'
import { type NamedRange, nodeMetrics } from '../../protocol/sparkplug/delivery.ts'
import { encodePayload, type Metric } from '../../protocol/sparkplug/payload.ts'
import { formatTopic } from '../../protocol/sparkplug/topic.ts'
import type { IngestCounters } from './contract.ts'

export interface NodeAddress {
  site: SiteId
  gateway: GatewayId
  /** The alias the node's birth gave this metric. */
  alias(name: string): number | undefined
}

export interface CommandsOptions {
  counters: IngestCounters
  now: () => number
  rebirthMs: number
}

export function createCommands({ counters, now, rebirthMs }: CommandsOptions) {
  let client: MqttClient | undefined
  const asked = new Map<string, number>()

  /** tck-id-topics-ncmd-mqtt: QoS 0, not retained; lost ones are asked for again by their cause. */
  const send = ({ site, gateway }: NodeAddress, metrics: Metric[]): boolean => {
    if (!client?.connected) return false
    const payload = encodePayload({ at: now(), metrics }, { omitTypes: true })
    const topic = formatTopic({ type: 'NCMD', site, gateway })
    client.publish(topic, Buffer.from(payload), { qos: 0, retain: false })
    return true
  }
  return {
    /** The connected client from now on; undefined: none. */
    use(next: MqttClient | undefined) {
      client = next
    },
    acknowledge(address: NodeAddress, range: NamedRange) {
      const call = (name: string) => {
        const alias = address.alias(name)
        return alias === undefined ? { name } : { alias }
      }
      const metric = (name: string, value: number): Metric => ({
        ...call(name),
        type: 'Int64',
        value: BigInt(value),
      })
      const { store } = range
      const sent = send(address, [
        metric(nodeMetrics.from, range.from),
        metric(nodeMetrics.acknowledged, range.to),
        // Two of one name hear the same topic: each takes its own.
        ...(store === undefined
          ? []
          : [{ ...call(nodeMetrics.store), type: 'String' as const, value: store }]),
      ])
      if (sent) counters.acknowledgedRanges += 1
    },
    rebirth(address: NodeAddress) {
      const key = `${address.site}/${address.gateway}`
      // By the monotonic clock: one that is set back by hours would leave a broken node without a birth for as long.
      const atMs = performance.now()
      if (atMs - (asked.get(key) ?? Number.NEGATIVE_INFINITY) < rebirthMs) return
      const metric: Metric = { name: nodeMetrics.rebirth, type: 'Boolean', value: true }
      if (!send(address, [metric])) return
      asked.set(key, atMs)
      counters.rebirthRequests += 1
    },
  }
}
