/** One device of an edge node as its birth declared it: tags, aliases, samples, and what goes stale with it. */
import { type DeviceId, formatTagId, quality, type Sample } from '../../protocol/model.ts'
import type { Metric, Payload } from '../../protocol/sparkplug/payload.ts'
import { typeValue } from '../../protocol/sparkplug/values.ts'
import type { KnownDevice, KnownTag, NodeOptions } from './contract.ts'
import { flattenTemplates } from './templates.ts'

/** Tags of one device, and the length of a name: far above any gateway of ours. */
const MAX_TAGS = 20_000
const MAX_NAME = 256

/** The tables a DBIRTH declares; what cannot be a tag is quarantined. */
export function createDevice(
  options: NodeOptions,
  device: DeviceId,
  metrics: readonly Metric[],
): KnownDevice {
  const known: KnownDevice = {
    online: true,
    tags: new Map(),
    aliases: new Map(),
    templates: new Map(),
  }
  for (const { name, alias, rich } of metrics) {
    if (rich?.kind === 'Template' && name && alias !== undefined) known.templates.set(alias, name)
  }
  for (const metric of flattenTemplates(metrics)) addTag(options, { device, known }, metric)
  return known
}

function addTag(
  options: NodeOptions,
  { device, known }: { device: DeviceId; known: KnownDevice },
  { name, alias, type, unit }: Metric,
): void {
  if (!name || name.length > MAX_NAME || known.tags.size >= MAX_TAGS) {
    options.counters.quarantined += 1
    return
  }
  const { site, gateway } = options
  const tag: KnownTag = { id: formatTagId({ site, gateway, device, name }), name, type, unit }
  known.tags.set(name, tag)
  if (alias === undefined) return
  // Two metrics of one alias (against tck-id-payloads-alias-uniqueness): whose value it is nobody can say, so it is nobody's.
  const isTaken = known.aliases.has(alias)
  if (isTaken) options.counters.quarantined += 1
  known.aliases.set(alias, isTaken ? { ...tag, type: undefined } : tag)
}

/** Takes the samples of a birth or of data; an ill-typed value is quarantined. False when a metric was unknown. */
export function storeSamples(options: NodeOptions, device: KnownDevice, payload: Payload): boolean {
  const live: Sample[] = []
  const historical: Sample[] = []
  let complete = true
  const metrics = flattenTemplates(payload.metrics, (alias) => device.templates.get(alias))
  for (const metric of metrics) {
    const tag =
      metric.name === undefined
        ? device.aliases.get(metric.alias ?? -1)
        : device.tags.get(metric.name)
    if (!tag) {
      complete = false
      continue
    }
    const sample = toSample(tag, metric, payload.at ?? options.now())
    if (!sample) options.counters.quarantined += 1
    else if (metric.historical) historical.push(sample)
    else {
      live.push(sample)
      if (!tag.last || sample.at >= tag.last.at) tag.last = sample
    }
  }
  options.counters.samples += live.length + historical.length
  if (!options.committer.add({ live, historical })) {
    options.counters.overflowed += live.length + historical.length
  }
  return complete
}

/** Undefined when the metric carries nothing a sample can hold. */
function toSample(tag: KnownTag, metric: Metric, fallbackAt: number): Sample | undefined {
  if (metric.unsupported || tag.type === undefined) return undefined
  const value = metric.value === null ? null : typeValue(metric.value, tag.type)
  if (value === undefined) return undefined
  const natural = value === null ? quality.bad : quality.good
  const at = metric.at ?? fallbackAt
  const sample: Sample = { tag: tag.id, at, value, quality: metric.quality ?? natural }
  if (metric.status !== undefined) sample.status = metric.status
  return sample
}

/** Repeats each tag's last value with quality stale; never earlier than that value itself. */
export function markStale(options: NodeOptions, device: KnownDevice, at: number): void {
  device.online = false
  const live: Sample[] = []
  for (const tag of device.tags.values()) {
    if (!tag.last || tag.last.quality === quality.stale) continue
    const { value, at: seen } = tag.last
    const stale = { tag: tag.id, at: Math.max(at, seen + 1), value, quality: quality.stale }
    tag.last = stale
    live.push(stale)
  }
  options.counters.staleSamples += live.length
  options.committer.add({ live })
}

/**
 * A birth tells the values that stand now, with the times they were read. Where a death's stale mark is younger than
 * that, the value is told once more at the birth's time: without it a calm tag would look stale until it changes.
 */
export function affirmStanding(
  options: NodeOptions,
  { known, before }: { known: KnownDevice; before: KnownDevice | undefined },
  at: number,
): void {
  const live: Sample[] = []
  for (const tag of known.tags.values()) {
    const mark = before?.tags.get(tag.name)?.last
    if (mark?.quality !== quality.stale || tag.last?.quality !== quality.good) continue
    // Of the very same time the reading wins in the historian: told again it would be a second one.
    if (tag.last.at >= mark.at) continue
    tag.last = { ...tag.last, at: Math.max(at, mark.at + 1) }
    live.push(tag.last)
  }
  if (live.length > 0) options.committer.add({ live })
}

/** A tag that a new birth of its device leaves out has left the configuration: its last value must not look fresh for ever. */
export function markLeft(
  options: NodeOptions,
  { known, before }: { known: KnownDevice; before: KnownDevice },
  at: number,
): void {
  const left = [...before.tags].filter(([name]) => !known.tags.has(name))
  if (left.length > 0) markStale(options, { ...before, tags: new Map(left) }, at)
}
