/** The one loop that publishes while a session lasts: births when due, live batches first, then history at the host's pace. */
import { wait } from '../../protocol/kit/backoff.ts'
import type { DeviceId } from '../../protocol/model.ts'
import {
  type BatchRange,
  formatGap,
  type NamedRange,
  nodeMetrics,
} from '../../protocol/sparkplug/delivery.ts'
import type { Metric } from '../../protocol/sparkplug/payload.ts'
import type { Batch, LiveBatch } from '../outbox/outbox.ts'
import { createNodeBirth, createNodeMetric } from './catalogue.ts'
import type { Session } from './context.ts'
import { collectData, splitData } from './device-data.ts'

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
    if (session.rebirthWanted && (await answerRebirth(session))) continue
    if (await publishChanges(session)) continue
    counters.expiredRanges += queue.expire(performance.now())
    const live = queue.takeLive(MAX_RANGE_SAMPLES)
    if (live) await publishRange(session, live, false)
    else if (!(await publishHistory(session))) {
      await bell.wait(TICK_MS, signal)
      if (queue.idle() && !context.options.outbox.isEmpty()) queue.reopen()
    }
  }
}

/** tck-id-operational-behavior-data-commands-rebirth-action-1: data stops until the births are out. False: it is the data's turn. */
async function answerRebirth(session: Session): Promise<boolean> {
  const waitMs = session.pace.due(performance.now())
  if (waitMs === undefined) return false
  if (waitMs > 0) await wait(waitMs, session.signal)
  if (!session.signal.aborted) await publishBirths(session)
  return true
}

/** NBIRTH, then every DBIRTH (and the DDEATH of those that are offline), before any data. */
async function publishBirths(session: Session): Promise<void> {
  const { context, publisher, bdSeq } = session
  const { options, catalogue, queue, store } = context
  session.rebirthWanted = false
  // Whatever was announced before this birth may not have arrived: it goes again, as history.
  queue.restart()
  context.changed.clear()
  catalogue.restart()
  context.counters.births += 1
  const now = context.now()
  const { software, targets } = options
  await publisher.nodeBirth(createNodeBirth({ bdSeq, software, targets, store, now }))
  const views = options.devices()
  for (const view of views) {
    await publisher.device('DBIRTH', view.device, catalogue.birth(view, context.now()))
  }
  for (const view of views) {
    if (!view.online) await publisher.device('DDEATH', view.device, [])
  }
  session.pace.born(performance.now())
}

/** Births and deaths of devices that changed since; true when there were any. */
async function publishChanges({ context, publisher }: Session): Promise<boolean> {
  if (context.changed.size === 0) return false
  const changed = [...context.changed]
  context.changed.clear()
  const views = context.options.devices()
  for (const device of changed) {
    const view = views.find((each) => each.device === device)
    const { catalogue } = context
    // Tags that changed while the device is away are declared too: its next samples, bad ones, may come before it does.
    if (view && (view.online || !catalogue.isDeclared(view))) {
      await publisher.device('DBIRTH', device, catalogue.birth(view, context.now()))
    }
    // What was never born in this session cannot die in it.
    const isBorn = view !== undefined || catalogue.devices().includes(device)
    if (isBorn && !view?.online) await publisher.device('DDEATH', device, [])
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
  batches: readonly LiveBatch[],
  historical: boolean,
): Promise<void> {
  const { context, publisher } = session
  const range = { from: batches[0]?.number ?? 0, to: batches.at(-1)?.number ?? 0 }
  const { byDevice, unborn, samples } = collectData(batches, context.catalogue, historical)
  await declareUnborn(session, unborn)
  for (const data of byDevice) {
    for (const message of splitData(data)) await publisher.data(data.device, message)
  }
  const at = context.now()
  const gaps = batches.flatMap((batch) => batch.gaps)
  for (const gap of gaps) {
    const value = formatGap(gap)
    const metric = createNodeMetric(nodeMetrics.gap, { at, type: 'String', value, historical })
    await publisher.nodeData([metric])
  }
  await publisher.nodeData(createWatermark({ ...range, store: context.store }, at))
  context.counters[historical ? 'historicalSamples' : 'liveSamples'] += samples
  if (context.options.delivery === 'state') settleByState(session, range)
  // By the monotonic clock, as above: one that is set back must not put off what goes again.
  else context.queue.sent(range, historical ? samples : 0, performance.now())
}

function createWatermark({ from, to, store }: Required<NamedRange>, at: number): Metric[] {
  const whole = (value: number) => ({ at, type: 'Int64' as const, value: BigInt(value) })
  return [
    createNodeMetric(nodeMetrics.from, whole(from)),
    createNodeMetric(nodeMetrics.watermark, whole(to)),
    createNodeMetric(nodeMetrics.store, { at, type: 'String', value: store }),
  ]
}

/** A host that knows no watermark: published while its STATE said online is all that can be known. */
function settleByState({ context }: Session, range: BatchRange): void {
  context.options.outbox.acknowledge(range.from, range.to)
  context.counters.acknowledgedBatches += range.to - range.from + 1
}

/** A tag that left the configuration while its samples waited: declared once more, so that they can be told. */
async function declareUnborn(session: Session, unborn: ReadonlySet<DeviceId>): Promise<void> {
  const { catalogue, options } = session.context
  for (const device of unborn) {
    const view = options.devices().find((each) => each.device === device)
    const known = view ?? { device, online: false, tags: [], latest: () => undefined }
    const birth = catalogue.birth(known, session.context.now())
    await session.publisher.device('DBIRTH', device, birth)
    if (!known.online) await session.publisher.device('DDEATH', device, [])
  }
}
