/** The gateway's counters in Prometheus' words; read when somebody asks, never kept twice. */
import { Counter, Gauge, Registry } from 'prom-client'
import type { BatcherCounters } from './batcher.ts'
import type { OutboxDepth } from './outbox/outbox.ts'
import type { UplinkState } from './uplink/uplink.ts'

export interface GatewayNumbers {
  batcher(): BatcherCounters
  outbox(): OutboxDepth
  uplink(): UplinkState
  devices(): { device: string; online: boolean }[]
  /** Counters of the device's link, by name. */
  links(): { device: string; counters: Readonly<Record<string, number>> }[]
  tunnel(): { up: boolean; streams: number; allowed: number; refused: Record<string, number> }
}

/** Builds the registry; each metric asks for its number at the moment of the scrape. */
export function createGatewayMetrics(numbers: GatewayNumbers): Registry {
  const registry = new Registry()
  const registers = [registry]
  const gauge = (name: string, help: string, value: () => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value())
      },
    })
  }
  const counter = (name: string, help: string, value: () => number): void => {
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(value())
      },
    })
  }
  counter(
    'gw_samples_total',
    'Samples taken over from the drivers.',
    () => numbers.batcher().samples,
  )
  gauge(
    'gw_samples_waiting',
    'Samples in memory, not on disk yet.',
    () => numbers.batcher().waiting,
  )
  gauge(
    'gw_outbox_depth',
    'Samples on disk that the cloud has not committed.',
    () => numbers.outbox().samples,
  )
  gauge('gw_outbox_bytes', 'Their size on disk.', () => numbers.outbox().bytes)
  gauge(
    'gw_outbox_oldest_timestamp_seconds',
    'When the oldest of them was read; 0: none.',
    () => (numbers.outbox().oldestAt ?? 0) / 1000,
  )
  gauge('gw_uplink_up', '1 while births are out and data flows.', () =>
    Number(numbers.uplink().connected),
  )
  counter(
    'gw_uplink_live_samples_total',
    'Samples sent at once.',
    () => numbers.uplink().liveSamples,
  )
  counter(
    'gw_uplink_historical_samples_total',
    'Samples sent later, as history.',
    () => numbers.uplink().historicalSamples,
  )
  gauge('gw_tunnel_up', '1 while the tunnel is up.', () => Number(numbers.tunnel().up))
  gauge('gw_tunnel_streams', 'Open streams.', () => numbers.tunnel().streams)
  addLabelled(registry, numbers)
  return registry
}

function addLabelled(registry: Registry, numbers: GatewayNumbers): void {
  const registers = [registry]
  new Counter({
    name: 'gw_samples_dropped_total',
    help: 'Samples given up, each inside a reported gap.',
    labelNames: ['reason'],
    registers,
    collect() {
      this.reset()
      this.inc({ reason: 'outbox-full' }, numbers.outbox().dropped)
      this.inc({ reason: 'disk-full' }, numbers.batcher().dropped)
    },
  })
  new Gauge({
    name: 'gw_device_up',
    help: '1 while the device answers.',
    labelNames: ['device'],
    registers,
    collect() {
      for (const { device, online } of numbers.devices()) this.set({ device }, Number(online))
    },
  })
  new Counter({
    name: 'gw_link_events_total',
    help: 'What happened on the line to a device.',
    labelNames: ['device', 'event'],
    registers,
    collect() {
      this.reset()
      for (const { device, counters } of numbers.links()) {
        for (const [event, count] of Object.entries(counters)) this.inc({ device, event }, count)
      }
    },
  })
  new Counter({
    name: 'gw_tunnel_decisions_total',
    help: 'Grants allowed and refused here, by reason.',
    labelNames: ['reason'],
    registers,
    collect() {
      this.reset()
      const { allowed, refused } = numbers.tunnel()
      this.inc({ reason: 'allowed' }, allowed)
      for (const [reason, count] of Object.entries(refused)) this.inc({ reason }, count)
    },
  })
}
