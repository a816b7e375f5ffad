/** The one loop that publishes while a session lasts: births when due, live batches first, then history at the host's pace. */
import type { DeviceId } from '../../protocol/model.ts'
import { type BatchRange, formatGap, nodeMetrics } from '../../protocol/sparkplug/delivery.ts'
import type { Metric } from '../../protocol/sparkplug/payload.ts'
import type { Batch } from '../outbox/outbox.ts'
import { byTime, createNodeBirth, createNodeMetric } from './catalogue.ts'
import type { Session } from './context.ts'

/** Metrics in one message: about 10 kB, which small brokers and slow links swallow in one go. */
const MAX_METRICS = 500
/** Text values are cut into messages by their length as well: far below any broker's packet limit. */
const MAX_MESSAGE_TEXT = 256 * 1024
/** Samples in one announced range; small enough that live data never waits long behind history. */
const MAX_RANGE_SAMPLES = 2_000
const MAX_RANGE_BATCHES = 100
/** How often the loop looks at its deadlines when nothing rings. */
const TICK_MS = 500

/** Runs until the session's signal aborts; throws when the link refuses a message. */
export async function pumpDelivery(session: Session): Promise<void> {
  const { context, bell, signal } = session
  const { queue, counters } = context
  await publishBirths(session)
  while (!signal.aborted) {
    if (session.rebirthWanted) {
      await publishBirths(session)
      continue
    }
    if (await publishChanges(session)) continue
    counters.expiredRanges += queue.expire(context.now())
    const live = queue.takeLive(MAX_RANGE_SAMPLES)
    if (live) await publishRange(session, live, false)
    else if (!(await publishHistory(session))) {
      await bell.wait(TICK_MS, signal)
      if (queue.idle() && context.options.outbox.depth().batches > 0) queue.reopen()
    }
  }
}

/** NBIRTH, then every DBIRTH (and the DDEATH of those that are offline), before any data. */
async function publishBirths(session: Session): Promise<void> {
  const { context, publisher, bdSeq } = session
  const { options, catalogue, queue } = context
  session.rebirthWanted = false
  // Whatever was announced before this birth may not have arrived: it goes again, as history.
  queue.restart()
  context.changed.clear()
  catalogue.restart()
  context.counters.births += 1
  const now = context.now()
  const { software, targets } = options
  await publisher.nodeBirth(createNodeBirth({ bdSeq, software, targets, now }))
  const views = options.devices()
  for (const view of views) {
    await publisher.device('DBIRTH', view.device, catalogue.birth(view, context.now()))
  }
  for (const view of views) {
    if (!view.online) await publisher.device('DDEATH', view.device, [])
  }
}

/** Births and deaths of devices that changed since; true when there were any. */
async function publishChanges({ context, publisher }: Session): Promise<boolean> {
  if (context.changed.size === 0) return false
  const changed = [...context.changed]
  context.changed.clear()
  const views = context.options.devices()
  for (const device of changed) {
    const view = views.find((each) => each.device === device)
    if (view?.online) {
      await publisher.device('DBIRTH', device, context.catalogue.birth(view, context.now()))
    } else await publisher.device('DDEATH', device, [])
  }
  return true
}

/** Sends the next left-over batches; false when there are none to send now. */
async function publishHistory(session: Session): Promise<boolean> {
  const { queue, options } = session.context
  const range = queue.nextLeft()
  if (!range) return false
  const found = limitSamples(
    options.outbox
      .peek(range.from - 1, MAX_RANGE_BATCHES)
      .filter((batch) => batch.number <= range.to),
  )
  queue.takeLeft(range, found)
  if (found.length > 0) await publishRange(session, found, true)
  return true
}

function limitSamples(batches: readonly Batch[]): Batch[] {
  let samples = 0
  const cut = batches.findIndex((batch) => {
    samples += batch.samples.length
    return samples > MAX_RANGE_SAMPLES
  })
  return cut < 0 ? [...batches] : batches.slice(0, Math.max(1, cut))
}

/** The data of a range of batches, then its watermark. */
async function publishRange(
  session: Session,
  batches: readonly Batch[],
  historical: boolean,
): Promise<void> {
  const { context, publisher } = session
  const range = { from: batches[0]?.number ?? 0, to: batches.at(-1)?.number ?? 0 }
  const { byDevice, samples } = await toMetrics(session, batches, historical)
  for (const [device, metrics] of byDevice) {
    for (const part of split(metrics)) await publisher.device('DDATA', device, part)
  }
  const at = context.now()
  const gaps = batches.flatMap((batch) => batch.gaps)
  for (const gap of gaps) {
    const value = formatGap(gap)
    const metric = createNodeMetric(nodeMetrics.gap, { at, type: 'String', value, historical })
    await publisher.nodeData([metric])
  }
  await publisher.nodeData(createWatermark(range, at))
  context.counters[historical ? 'historicalSamples' : 'liveSamples'] += samples
  if (context.options.delivery === 'state') settleByState(session, range)
  else context.queue.sent(range, historical ? samples : 0, at)
}

function createWatermark(range: BatchRange, at: number): Metric[] {
  const whole = (value: number) => ({ at, type: 'Int64' as const, value: BigInt(value) })
  return [
    createNodeMetric(nodeMetrics.from, whole(range.from)),
    createNodeMetric(nodeMetrics.watermark, whole(range.to)),
  ]
}

/** A host that knows no watermark: published while its STATE said online is all that can be known. */
function settleByState({ context }: Session, range: BatchRange): void {
  context.options.outbox.acknowledge(range.from, range.to)
  context.counters.acknowledgedBatches += range.to - range.from + 1
}

async function toMetrics(session: Session, batches: readonly Batch[], historical: boolean) {
  const { catalogue, options } = session.context
  const byDevice = new Map<DeviceId, Metric[]>()
  const unborn = new Set<DeviceId>()
  let samples = 0
  for (const sample of batches.flatMap((batch) => batch.samples)) {
    const found = catalogue.declare(sample)
    if (!found) continue
    const { device } = found.declared
    if (found.isNew) unborn.add(device)
    const metric = catalogue.toMetric(sample, found.declared)
    if (historical) metric.historical = true
    const metrics = byDevice.get(device)
    if (metrics) metrics.push(metric)
    else byDevice.set(device, [metric])
    samples += 1
  }
  // A tag that left the configuration while its samples waited: declared once more, so that they can be told.
  for (const device of unborn) {
    const view = options.devices().find((each) => each.device === device)
    const known = view ?? { device, online: false, tags: [], latest: () => undefined }
    const birth = catalogue.birth(known, session.context.now())
    await session.publisher.device('DBIRTH', device, birth)
    if (!known.online) await session.publisher.device('DDEATH', device, [])
  }
  if (!historical) for (const metrics of byDevice.values()) metrics.sort(byTime)
  return { byDevice, samples }
}

function* split(metrics: readonly Metric[]): Generator<Metric[]> {
  let part: Metric[] = []
  let text = 0
  for (const metric of metrics) {
    const size = typeof metric.value === 'string' ? metric.value.length : 0
    if (part.length === MAX_METRICS || (part.length > 0 && text + size > MAX_MESSAGE_TEXT)) {
      yield part
      part = []
      text = 0
    }
    part.push(metric)
    text += size
  }
  if (part.length > 0) yield part
}
