/** The gateway's counters in Prometheus' words. */
import type { Registry } from 'prom-client'
import { createMetricSet } from '../protocol/kit/metrics.ts'
import type { BatcherCounters } from './batcher.ts'
import type { OutboxDepth } from './outbox/outbox.ts'
import type { UplinkState } from './uplink/uplink.ts'

export interface GatewayNumbers {
  batcher(): BatcherCounters
  outbox(): OutboxDepth
  uplink(): UplinkState
  devices(): { device: string; online: boolean }[]
  /** Counters of the devices' links, summed up by name. */
  links(): Record<string, number>
  /** Orders to write, by what became of them. */
  writes(): Readonly<Record<string, number>>
  tunnel(): { up: boolean; streams: number; allowed: number; refused: Record<string, number> }
}

/** Builds the registry; each metric asks for its number at the moment of the scrape. */
export function createGatewayMetrics(numbers: GatewayNumbers): Registry {
  const { registry, gauge, counter, gauges, counters } = createMetricSet()
  const { batcher, outbox, uplink, tunnel } = numbers
  counter('gw_samples_total', 'Samples taken over from the drivers.', () => batcher().samples)
  gauge('gw_samples_waiting', 'Samples in memory, not on disk yet.', () => batcher().waiting)
  gauge('gw_outbox_depth', 'Samples on disk, not acknowledged.', () => outbox().samples)
  gauge('gw_outbox_bytes', 'Their size on disk.', () => outbox().bytes)
  gauge(
    'gw_outbox_oldest_timestamp_seconds',
    'When the oldest of them was kept; 0: none.',
    () => (outbox().oldestAt ?? 0) / 1000,
  )
  gauge('gw_uplink_up', '1 while births are out and data flows.', () => Number(uplink().connected))
  counter('gw_uplink_live_samples_total', 'Samples sent at once.', () => uplink().liveSamples)
  counter(
    'gw_uplink_historical_samples_total',
    'Samples sent later, as history.',
    () => uplink().historicalSamples,
  )
  gauge('gw_tunnel_up', '1 while the tunnel is up.', () => Number(tunnel().up))
  gauge('gw_tunnel_streams', 'Open streams.', () => tunnel().streams)
  counters('gw_samples_dropped_total', 'Samples given up, inside reported gaps.', 'reason', () => [
    ['outbox-full', outbox().dropped],
    ['disk-full', batcher().dropped],
  ])
  gauges('gw_device_up', '1 while the device answers.', 'device', () =>
    numbers.devices().map(({ device, online }) => [device, Number(online)]),
  )
  counters('gw_link_events_total', 'What happened on the lines to the devices.', 'event', () =>
    Object.entries(numbers.links()),
  )
  counters('gw_writes_total', 'Orders to write a tag, by what became of them.', 'outcome', () =>
    Object.entries(numbers.writes()),
  )
  counters('gw_tunnel_decisions_total', 'Grants, by what was decided here.', 'reason', () =>
    Object.entries({ allowed: tunnel().allowed, ...tunnel().refused }),
  )
  return registry
}
