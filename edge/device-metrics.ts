/** The numbers of single devices in Prometheus' words; so many devices at most have a series of their own. */
import type { MetricSet } from '../protocol/kit/metrics.ts'
import type { LinkCounters } from './acquisition/counters.ts'
import type { DeviceMeter } from './driver-meters.ts'

export interface DeviceNumbers {
  devices(): readonly { device: string; online: boolean }[]
  /** Of every device that ever ran. */
  links(): ReadonlyMap<string, LinkCounters>
  meters(): readonly DeviceMeter[]
}

/** Series a metric; the devices beyond are summed up in one, so that a big site does not drown its Prometheus. */
const MAX_DEVICES = 300
const OTHERS = 'other'

type Pairs = Iterable<[string, number]>

const linkCounters = {
  polls: ['gw_polls_total', 'Reads of a group.'],
  skipped: ['gw_polls_skipped_total', 'Reads left out: the one before was still running.'],
  exceptions: ['gw_bad_readings_total', 'Readings with a bad quality.'],
  disconnects: ['gw_device_disconnects_total', 'Lines lost, silence included.'],
  reconnects: ['gw_device_reconnects_total', 'Connections made after the first.'],
  samples: ['gw_device_samples_total', 'Samples handed on.'],
  suppressed: ['gw_samples_suppressed_total', 'Readings not worth a report (deadband).'],
  stale: ['gw_samples_stale_total', 'Samples told because the tag had gone silent.'],
  clockRepairs: ['gw_source_times_repaired_total', 'Times of a source that could not be kept.'],
} as const satisfies Partial<Record<keyof LinkCounters, [string, string]>>

const meterCounters = {
  requests: ['gw_driver_requests_total', 'Requests sent, or reads where a driver does not say.'],
  exceptions: ['gw_driver_exceptions_total', 'Requests the device refused.'],
  timeouts: ['gw_driver_timeouts_total', 'Connects and reads nobody answered in time.'],
  lateReplies: ['gw_driver_late_replies_total', 'Late or foreign answers, thrown away.'],
  lost: ['gw_driver_lost_exchanges_total', 'Exchanges without an answer while the bus went on.'],
  connects: ['gw_driver_connects_total', 'Connections made.'],
} as const satisfies Partial<Record<keyof DeviceMeter, [string, string]>>

/** Adds the metrics that have the label `device`. */
export function addDeviceMetrics(set: MetricSet, { devices, links, meters }: DeviceNumbers): void {
  const ofLinks = (pick: (counters: LinkCounters) => number) => () =>
    bound([...links()].map(([device, counters]) => [device, pick(counters)]))
  const ofMeters = (pick: (meter: DeviceMeter) => number) => () =>
    bound(meters().map((meter) => [meter.device, pick(meter)]))
  set.gauges('gw_device_up', '1 while the device answers.', 'device', () =>
    bound(devices().map(({ device, online }) => [device, Number(online)])),
  )
  for (const [key, [name, help]] of Object.entries(linkCounters)) {
    set.counters(
      name,
      help,
      'device',
      ofLinks((it) => it[key as keyof typeof linkCounters]),
    )
  }
  for (const [key, [name, help]] of Object.entries(meterCounters)) {
    set.counters(
      name,
      help,
      'device',
      ofMeters((it) => it[key as keyof typeof meterCounters]),
    )
  }
  set.counters(
    'gw_poll_late_seconds_total',
    'How late reads began, all together.',
    'device',
    ofLinks(({ lateMs }) => lateMs / 1000),
  )
  set.gauges('gw_poll_late_max_seconds', 'The latest of them since the start.', 'device', () =>
    boundByMax([...links()].map(([device, { lateMaxMs }]) => [device, lateMaxMs / 1000])),
  )
  set.gauges(
    'gw_driver_quarantined_tags',
    'Addresses or nodes the device does not know, left out of its reads.',
    'device',
    ofMeters(({ quarantined }) => quarantined),
  )
}

/** The devices beyond the bound in one series, added up. */
export function bound(pairs: [string, number][], max = MAX_DEVICES): Pairs {
  if (pairs.length <= max) return pairs
  const rest = pairs.slice(max - 1).reduce((sum, [, value]) => sum + value, 0)
  return [...pairs.slice(0, max - 1), [OTHERS, rest]]
}

function boundByMax(pairs: [string, number][]): Pairs {
  if (pairs.length <= MAX_DEVICES) return pairs
  const rest = pairs.slice(MAX_DEVICES - 1).map(([, value]) => value)
  return [...pairs.slice(0, MAX_DEVICES - 1), [OTHERS, Math.max(...rest)]]
}
