/** A counting device of the chain, polled by the gateway's own links, whose configuration is changed while it runs. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { checkDevices, type DeviceConfig } from '../../edge/device-config.ts'
import { createDeviceLinks, type DeviceLinks } from '../../edge/device-links.ts'
import { createGatewayClock } from '../../edge/gateway-clock.ts'
import { type Row, toSamples } from '../../edge/readings.ts'
import { createTagCache } from '../../edge/tag-cache.ts'
import type { DeviceView } from '../../edge/uplink/catalogue.ts'
import { createLog } from '../../protocol/kit/log.ts'
import { type DeviceId, type Gap, quality, type Sample, type TagId } from '../../protocol/model.ts'
import { type CountingPlc, describePlc, openCountingPlc } from './counting-plc.ts'
import { findDoubled, findMissing, type StoredSample } from './judge.ts'
import { until } from './until.ts'

const DEVICE = 'unit'
const tag: TagId = `plant/gw1/${DEVICE}/Count`
/** As a slow controller: a change of the configuration often finds a request under way. */
const ANSWER_MS = 20
const clock = createGatewayClock()

export interface ChainDevice extends AsyncDisposable {
  views(): DeviceView[]
  /** The list that runs already: link and readings must not notice. */
  applySame(): Promise<void>
  /** Another interval, one tag more or less: this device's link is made anew. */
  applyOther(): Promise<void>
  /** With the gateway, and after it. */
  stop(): Promise<void>
  start(): Promise<void>
  judge(stored: readonly Sample[]): { lost: number; duplicated: number }
}

export interface ChainSink {
  deliver(samples: Sample[]): void
  deviceChanged(device: DeviceId): void
}

export async function openChainDevice(sink: ChainSink): Promise<ChainDevice> {
  await using stack = new AsyncDisposableStack()
  const dataDir = mkdtempSync(join(tmpdir(), 'mimamori-chain-device-'))
  stack.defer(() => rmSync(dataDir, { recursive: true, force: true }))
  const plc = stack.use(await openCountingPlc())
  plc.misbehave(() => ({ delayMs: ANSWER_MS }))
  const variants = await describeVariants(plc)
  const tags = createTagCache()
  const batcher = {
    add: (samples: readonly Sample[]) => sink.deliver([...samples]),
    addRow: (row: Row) => sink.deliver(toSamples(row)),
    flush: () => undefined,
  }
  const desk = { setConnection: () => undefined, use: () => undefined }
  const uplink = { deviceChanged: sink.deviceChanged }
  const places = { dataDir, baseDir: dataDir, log: createLog('links') }
  const open = () => createDeviceLinks({ ...places, tags, batcher, uplink, desk, clock })
  let links: DeviceLinks = open()
  let current = 0
  const gaps: Gap[] = []
  let stoppedAt = 0
  const config = () => [variants[current % variants.length] as DeviceConfig]
  const running = stack.move()
  running.defer(() => links[Symbol.asyncDispose]())
  const answers = () => until('the device is read', isRead(plc))
  await links.apply(config())
  await answers()
  return {
    views: () => tags.devices().map((device) => ({ ...device, latest: tags.latest })),
    async applySame() {
      const before = plc.server.connections()
      await links.apply(structuredClone(config()))
      await answers()
      if (plc.server.connections() !== before)
        throw new Error('the same configuration broke a link')
    },
    async applyOther() {
      current += 1
      await links.apply(config())
      await answers()
    },
    async stop() {
      await links[Symbol.asyncDispose]()
      // A request under way is dropped: told, as the outbox does, as part of the dead time.
      stoppedAt = (tags.latest(tag)?.at ?? 0) + 1
    },
    async start() {
      links = open()
      // The outbox tells of its own dead time, by a clock that the chain steps.
      gaps.push({ gateway: 'gw1', from: stoppedAt, to: Date.now(), reason: 'gateway-down' })
      await links.apply(config())
      await answers()
    },
    judge(all) {
      const stored = all.filter((sample) => sample.tag === tag)
      const told = stored
        .filter((sample) => sample.quality !== quality.stale)
        .map(
          (sample): StoredSample => ({ ...sample, value: String(sample.value), historical: false }),
        )
      const { unexplained } = findMissing(told, { told: plc.told, gaps })
      const good = told.filter((sample) => sample.quality === quality.good)
      const marks = stored.filter((sample) => sample.quality === quality.stale)
      const times = good.map(({ value, at }) => ({ value: Number(value), at }))
      const doubled = findDoubled(
        times,
        marks.map(({ at }) => at),
      )
      // Behind the last one that is stored may be the one answer that was dropped when the links stopped.
      const last = Math.max(0, ...times.map(({ value }) => value))
      const unseen = plc.told.filter(({ value }) => value > last).length
      const lost = unexplained.length + Math.max(0, unseen - 1)
      return { lost, duplicated: doubled.length }
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

function isRead({ told, last }: CountingPlc): () => boolean {
  const target = last() + 3
  return () => told.length >= target
}

async function describeVariants({ port }: CountingPlc): Promise<DeviceConfig[]> {
  const plain = describePlc({ port, id: DEVICE, intervalMs: 50 })
  const [count, fixed] = describePlc({ port, id: DEVICE, intervalMs: 70 }).groups
  const more = {
    ...fixed,
    tags: [{ ...fixed?.tags[0], name: 'More', address: 8 }, ...(fixed?.tags ?? [])],
  }
  const place = { site: 'plant', gateway: 'gw1' }
  const one = async (raw: object) => {
    const { devices, problems } = await checkDevices([raw], place)
    if (problems.length > 0) throw new Error(problems.map(({ say }) => say).join(', '))
    return devices
  }
  return [...(await one(plain)), ...(await one({ ...plain, groups: [count, more] }))]
}
