/** The running links, one a device: a new list of devices stops and starts only what differs. */
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../protocol/kit/log.ts'
import { runUntilDisposed } from '../protocol/kit/loop.ts'
import { createLinkCounters, type LinkCounters } from './acquisition/counters.ts'
import { type LinkState, runLink } from './acquisition/link.ts'
import type { Batcher } from './batcher.ts'
import { openCounterStage } from './counters/counter-stage.ts'
import { type DeviceConfig, tagsOf } from './device-config.ts'
import { createDriverMeters, type DriverMeters } from './driver-meters.ts'
import type { Connection } from './drivers/driver.ts'
import { loadDriver } from './drivers/registry.ts'
import { correctTimes, type GatewayClock } from './gateway-clock.ts'
import { isSameDevice } from './remote-config/diff-devices.ts'
import { type TagCache, unknownSamples } from './tag-cache.ts'
import type { Uplink } from './uplink/uplink.ts'
import type { WriteDesk } from './writing/write-desk.ts'

/** What was read last goes out before the birth that may not know it any more. */
const SETTLE_MS = 200

export interface DeviceLinks extends AsyncDisposable {
  /** What runs now. */
  configs(): readonly DeviceConfig[]
  /** Of every device that ever ran: a counter does not step back because a device left. */
  counters(): ReadonlyMap<string, LinkCounters>
  /** What their drivers count. */
  readonly meters: DriverMeters
  /** Puts every tag on record as bad at this instant (Unix ms): what is read is told as later than that. */
  announce(devices: readonly DeviceConfig[], at: number): void
  /** Tries a device again at once that waits for its next try; one that does not wait is left alone: false. */
  tryNow(device: string): boolean
  /** The others keep connection, schedule and counters. Throws before it has touched anything. One call at a time. */
  apply(next: readonly DeviceConfig[]): Promise<void>
}

export interface DeviceLinksOptions {
  dataDir: string
  /** Where relative paths of the options start. */
  baseDir: string
  tags: TagCache
  batcher: Pick<Batcher, 'add' | 'addRow' | 'flush'>
  uplink: Pick<Uplink, 'deviceChanged'>
  desk: Pick<WriteDesk, 'setConnection' | 'use'>
  clock: Pick<GatewayClock, 'now' | 'correct' | 'correctAt'>
  log: Log
}

interface Links {
  options: DeviceLinksOptions
  running: Map<string, RunningLink>
  counters: Map<string, LinkCounters>
  meters: DriverMeters
  /** Of the devices that wait for their next try: what ends the wait. */
  waits: Map<string, () => void>
  /** Devices on record that do not run yet, and since when. */
  announced: Map<string, { device: DeviceConfig; at: number }>
}

interface RunningLink {
  config: DeviceConfig
  link: AsyncDisposable
  /** The device goes on under another configuration, or leaves: what was under way is dropped, and that must be told. */
  isReplaced: boolean
}

/** Holds no link until the first `apply`. */
export function createDeviceLinks(options: DeviceLinksOptions): DeviceLinks {
  const links: Links = {
    ...{ options, running: new Map(), counters: new Map(), announced: new Map() },
    waits: new Map(),
    meters: createDriverMeters(),
  }
  const { running } = links
  const configs = () => [...running.values()].map(({ config }) => config)
  return {
    configs,
    counters: () => links.counters,
    meters: links.meters,
    announce: (devices, at) => announce(links, devices, at),
    tryNow(device) {
      const wake = links.waits.get(device)
      wake?.()
      return wake !== undefined
    },
    async apply(next) {
      // A driver that cannot be loaded must be known while everything still runs.
      await Promise.all(next.map(({ driver }) => loadDriver(driver)))
      const before = configs()
      const wanted = new Map(next.map((device) => [device.id, device]))
      const leaving = before.filter((old) => {
        const device = wanted.get(old.id)
        return !device || !isSameDevice(old, device)
      })
      const left = new Set(leaving.map(({ id }) => id))
      const coming = next.filter(({ id }) => left.has(id) || !running.has(id))
      const lastAt = await stopLinks(links, leaving)
      const gone = leaving.filter(({ id }) => !wanted.has(id))
      for (const { id } of gone) options.tags.remove(id)
      options.desk.use(next)
      const unheard = coming.filter((device) => links.announced.get(device.id)?.device !== device)
      announce(links, unheard, Math.max(options.clock.now(), lastAt + 1))
      for (const device of coming) await startLink(links, device)
      for (const { id } of gone) options.uplink.deviceChanged(id)
    },
    async [Symbol.asyncDispose]() {
      const ending = [...running.values()]
      running.clear()
      await Promise.all(ending.map(({ link }) => link[Symbol.asyncDispose]()))
    },
  }
}

/** All of them before the first is waited for: dead time ends where these marks begin. */
function announce({ options, announced }: Links, devices: readonly DeviceConfig[], at: number) {
  const { tags, batcher, uplink } = options
  for (const device of devices) {
    tags.define(device.id, tagsOf(device), at)
    announced.set(device.id, { device, at })
    uplink.deviceChanged(device.id)
  }
  const unknown = unknownSamples(devices.flatMap(tagsOf), at)
  tags.keep(unknown)
  batcher.add(unknown)
}

/** Answers the time of their last reading: a mark at the same time would take its place in the historian. */
async function stopLinks(
  { options, running }: Links,
  leaving: readonly DeviceConfig[],
): Promise<number> {
  const { tags, batcher, log } = options
  if (leaving.length === 0) return 0
  const ending = leaving.flatMap(({ id }) => running.get(id) ?? [])
  for (const each of ending) each.isReplaced = true
  await Promise.all(ending.map(({ link }) => link[Symbol.asyncDispose]()))
  batcher.flush()
  await sleep(SETTLE_MS)
  const times = leaving.flatMap(tagsOf).map(({ id }) => tags.latest(id)?.at ?? 0)
  for (const { id } of leaving) {
    running.delete(id)
    log.info({ device: id }, 'device stopped')
  }
  return times.reduce((last, at) => Math.max(last, at), 0)
}

async function startLink(links: Links, device: DeviceConfig): Promise<void> {
  const { options, announced, running } = links
  const { dataDir, baseDir, tags, batcher, uplink, desk, clock, log } = options
  const { id, groups } = device
  const module = await loadDriver(device.driver)
  const stateDir = join(dataDir, 'devices', id)
  const plain = module.createDriver(device.options, {
    device: id,
    stateDir,
    baseDir,
    notice: (say) => log.warn({ device: id }, say),
  })
  const driver = correctTimes(
    links.meters.measure({ device: id, driver: device.driver }, plain),
    clock,
  )
  const readClocks = () => ({ wallMs: clock.now(), monoMs: performance.now() })
  const counters = links.counters.get(id) ?? createLinkCounters()
  links.counters.set(id, counters)
  const onState = ({ state, at, sentence }: LinkState): void => {
    log.info({ device: id, sentence }, `device ${state}`)
    tags.setState(id, { online: state === 'online', since: at, sentence })
    uplink.deviceChanged(id)
  }
  const onConnection = (open: Connection | undefined) => desk.setConnection(id, open)
  const onWait = (tryNow: (() => void) | undefined) => {
    if (tryNow) links.waits.set(id, tryNow)
    else links.waits.delete(id)
  }
  const counting = openCounterStage(device.counters, { dir: stateDir, log })
  const emit: Parameters<typeof runLink>[0]['emit'] = (_, read) => {
    const samples = counting.extend(read)
    tags.keep(samples)
    batcher.add(samples)
  }
  const emitRow: Parameters<typeof runLink>[0]['emitRow'] = (_, row) => {
    tags.keepRow(row)
    batcher.addRow(row)
  }
  // Counters are looked at sample by sample.
  const rows = device.counters.length === 0 ? { emitRow } : {}
  const unknownSince = announced.get(id)?.at
  const about = { device: id, driver, groups, counters, unknownSince, readClocks, ...rows }
  announced.delete(id)
  const isReplaced = () => running.get(id)?.isReplaced === true
  const link = runUntilDisposed(async (signal) => {
    using _ = counting
    await runLink({ ...about, onState, onConnection, onWait, emit, isReplaced }, signal)
  })
  running.set(id, { config: device, link, isReplaced: false })
}
