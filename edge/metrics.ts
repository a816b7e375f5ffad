/** The gateway's counters in Prometheus' words. */
import type { Metric, Registry } from 'prom-client'
import { createMetricSet, type MetricSet } from '../protocol/kit/metrics.ts'
import type { BatcherCounters } from './batcher.ts'
import { addDeviceMetrics, type DeviceNumbers } from './device-metrics.ts'
import type { ClockState } from './gateway-clock.ts'
import type { EnduringDepth } from './outbox/enduring-outbox.ts'
import { addProcessMetrics } from './process-metrics.ts'
import type { UplinkState } from './uplink/uplink.ts'

export interface GatewayNumbers extends DeviceNumbers {
  batcher(): BatcherCounters
  outbox(): EnduringDepth
  clock(): ClockState
  uplink(): UplinkState
  /** Samples taken over, by their quality. */
  results(): Readonly<Record<string, number>>
  /** Gaps told, by reason. */
  gaps(): Readonly<Record<string, number>>
  /** Orders to write, by what became of them. */
  writes(): Readonly<Record<string, number>>
  tunnel(): TunnelNumbers
  /** Unix seconds at which they end, by what they are for. */
  certificates(): Readonly<Record<string, number>>
  /** Tries in a row to renew our own that came to nothing. */
  renewalFailures(): number
  /** Of reads; filled elsewhere. */
  readonly durations: Metric
}

export interface TunnelNumbers {
  up: boolean
  streams: number
  allowed: number
  refused: Readonly<Record<string, number>>
  /** Kinds of the targets of the sessions that are here. */
  sessions: readonly string[]
  bytes: { in: number; out: number }
  /** Sessions that wait for somebody at the site. */
  questions: number
  isCut: boolean
}

/** Builds the registry; each metric asks for its number at the moment of the scrape. */
export function createGatewayMetrics(numbers: GatewayNumbers): Registry {
  const set = createMetricSet()
  addSampleMetrics(set, numbers)
  addClockMetrics(set, numbers)
  addUplinkMetrics(set, numbers)
  addTunnelMetrics(set, numbers)
  addDeviceMetrics(set, numbers)
  set.registry.registerMetric(numbers.durations)
  set.counters('gw_writes_total', 'Orders to write a tag, by their outcome.', 'outcome', () =>
    Object.entries(numbers.writes()),
  )
  set.gauges('cert_expiry_timestamp_seconds', 'When a certificate ends.', 'certificate', () =>
    Object.entries(numbers.certificates()),
  )
  set.gauge(
    'gw_certificate_renewal_failures',
    "Tries in a row to renew the gateway's certificate that came to nothing.",
    () => numbers.renewalFailures(),
  )
  addProcessMetrics(set)
  return set.registry
}

function addSampleMetrics(
  { gauge, gauges, counters }: MetricSet,
  { batcher, outbox, results, gaps }: GatewayNumbers,
): void {
  counters('gw_samples_total', 'Samples taken over, by quality.', 'result', () =>
    Object.entries(results()),
  )
  gauge(
    'gw_samples_waiting',
    'Samples in memory, not on disk yet.',
    () => batcher().waiting + (outbox().memory?.samples ?? 0),
  )
  gauge('gw_disk_refuses', '1 while the disk takes no readings and they wait in memory.', () =>
    Number(outbox().memory !== undefined),
  )
  counters('gw_samples_dropped_total', 'Samples given up, inside reported gaps.', 'reason', () => [
    ['outbox-full', outbox().dropped - outbox().droppedInMemory],
    ['disk-full', outbox().droppedInMemory],
    ['clock-unset', batcher().dropped],
  ])
  gauge('gw_outbox_depth', 'Samples on disk, not acknowledged.', () => outbox().samples)
  gauge('gw_outbox_bytes', 'Their size on disk.', () => outbox().bytes)
  gauge(
    'gw_outbox_oldest_timestamp_seconds',
    'When the oldest of them was kept; 0: none.',
    () => (outbox().oldestAt ?? 0) / 1000,
  )
  counters('gw_outbox_gaps_total', 'Gaps told, by reason.', 'reason', () => Object.entries(gaps()))
  gauges('gw_info', 'The program; always 1.', 'node', () => [[process.version, 1]])
}

function addClockMetrics({ gauge }: MetricSet, { clock }: GatewayNumbers): void {
  gauge('gw_clock_set', '0 while nobody knows what time it is.', () => Number(clock().isSet))
  gauge('gw_clock_corrected', "1 while readings carry the cloud's time.", () =>
    Number(clock().isCorrected),
  )
  gauge(
    'gw_clock_offset_seconds',
    "The cloud's clock minus the machine's; alarm beyond 2.",
    () => (clock().offsetMs ?? 0) / 1000,
  )
}

function addUplinkMetrics({ gauge, counter }: MetricSet, { uplink }: GatewayNumbers): void {
  gauge('gw_uplink_up', '1 while births are out and data flows.', () => Number(uplink().connected))
  gauge('gw_uplink_host_online', '1 while the primary host stores.', () =>
    Number(uplink().hostOnline),
  )
  gauge('gw_uplink_contested', '1 while another gateway seems to use our identity.', () =>
    Number(uplink().contest !== undefined),
  )
  for (const [key, [name, help]] of Object.entries(uplinkCounters)) {
    counter(name, help, () => uplink()[key as keyof typeof uplinkCounters])
  }
}

const uplinkCounters = {
  connects: ['gw_uplink_connects_total', 'Connections to a broker tried.'],
  births: ['gw_uplink_births_total', 'Birth sequences sent.'],
  messages: ['gw_uplink_messages_total', 'Data messages sent.'],
  liveSamples: ['gw_uplink_live_samples_total', 'Samples sent at once.'],
  historicalSamples: ['gw_uplink_historical_samples_total', 'Samples sent later, as history.'],
  acknowledgedBatches: ['gw_uplink_acknowledged_batches_total', 'Batches the cloud has stored.'],
  expiredRanges: ['gw_uplink_resent_ranges_total', 'Ranges sent again: no acknowledgement came.'],
  foreignAnswers: [
    'gw_uplink_foreign_acknowledgements_total',
    "Acknowledgements meant for another run's outbox: nothing was deleted by them.",
  ],
  refusedMessages: ['gw_uplink_refused_messages_total', 'Messages to us that were not valid.'],
  rebirthRequests: ['gw_uplink_rebirth_requests_total', 'Rebirths a host asked for.'],
  staleStates: ['gw_uplink_stale_states_total', "STATEs older than their host's last one."],
  takeovers: [
    'gw_uplink_takeovers_total',
    'Sessions the broker ended and opened again at once: another client with our identity?',
  ],
  misfits: ['gw_uplink_misfits_total', 'Samples whose value did not fit the declared type.'],
} as const satisfies Partial<Record<keyof UplinkState, [string, string]>>

function addTunnelMetrics(
  { gauge, gauges, counters }: MetricSet,
  { tunnel }: GatewayNumbers,
): void {
  gauge('gw_tunnel_up', '1 while the tunnel is up.', () => Number(tunnel().up))
  gauge('gw_tunnel_streams', 'Open streams.', () => tunnel().streams)
  gauge('gw_tunnel_cut', '1 while remote access is cut at the site.', () => Number(tunnel().isCut))
  gauge('gw_consent_waiting', 'Sessions that wait for somebody at the site.', () => {
    return tunnel().questions
  })
  counters('gw_tunnel_decisions_total', 'Grants, by what was decided here.', 'reason', () =>
    Object.entries({ allowed: tunnel().allowed, ...tunnel().refused }),
  )
  gauges('tunnel_sessions', 'Sessions that are here, by kind of target.', 'kind', () =>
    Object.entries(Object.groupBy(tunnel().sessions, (kind) => kind)).map(([kind, all]) => [
      kind,
      all?.length ?? 0,
    ]),
  )
  counters('tunnel_bytes_total', 'Bytes to the machines (in) and from them (out).', 'dir', () =>
    Object.entries(tunnel().bytes),
  )
}
