/** Outbox, uplink, proxy, broker and ingest in one process: quick enough for hundreds of faults, and the ledger of it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import mqtt, { type MqttClient } from 'mqtt'
import { type Ingest, openIngest } from '../../cloud/ingest/ingest.ts'
import { type EnduringOutbox, openEnduringOutbox } from '../../edge/outbox/enduring-outbox.ts'
import { brokers, type TestBroker } from '../../edge/uplink/broker.fixture.ts'
import type { DeviceView } from '../../edge/uplink/catalogue.ts'
import { openUplink, type Uplink } from '../../edge/uplink/uplink.ts'
import type { BackoffOptions } from '../../protocol/kit/backoff.ts'
import { createLog } from '../../protocol/kit/log.ts'
import { type DeviceId, formatTagId, quality, type Sample, type Tag } from '../../protocol/model.ts'
import { type ChainDevice, openChainDevice } from './chain-device.ts'
import { type FaultProxy, openFaultProxy } from './fault-proxy.ts'
import { findDoubled } from './judge.ts'
import { until } from './until.ts'

process.env.MIMAMORI_LOG ??= 'silent'

const id = formatTagId({ site: 'plant', gateway: 'gw1', device: 'plc', name: 'Count' })
const tag: Tag = { id, name: 'Count', type: 'Int32', address: {} }
const BACKOFF = { minMs: 5, maxMs: 40 }

export interface Chain extends AsyncDisposable {
  readonly proxy: FaultProxy
  readonly broker: TestBroker
  /** Appends so many consecutive integers as one batch and publishes it. */
  append(count: number): void
  /** The device went away: one bad sample, as a link gives it. */
  markLost(): void
  /** From now on the gateway's clock is off by so much. */
  stepClock(offMs: number): void
  /** The outbox's file refuses every batch, or takes them again. */
  jamDisk(isJammed: boolean): void
  /** Times the gateway's uplink has been born. */
  births(): number
  /** Ends the gateway in order (its outbox file stays; a jam is cleared, as memory ends with it) and starts it again. */
  restartGateway(): Promise<void>
  /** The configuration is applied once more as it is, or with a change; the first call brings a counting device along. */
  configure(change: 'same' | 'other'): Promise<void>
  /** Ends the host, in order or with its line torn, and starts it again; what it had stored stays. */
  restartHost(isKilled?: boolean): Promise<void>
  /** Waits until the outbox is empty; throws when an integer is missing or stored under two times. */
  settle(): Promise<ChainVerdict>
}

export interface ChainVerdict {
  appended: number
  lost: number
  duplicated: number
}

export async function openChain(backoff: BackoffOptions = BACKOFF): Promise<Chain> {
  await using stack = new AsyncDisposableStack()
  const dir = mkdtempSync(join(tmpdir(), 'mimamori-chain-'))
  stack.defer(() => rmSync(dir, { recursive: true, force: true }))
  const broker = stack.use(await openBroker())
  const proxy = stack.use(await openFaultProxy(Number(new URL(broker.url).port)))
  const stored = new Map<string, Sample>()
  let host = openHost(broker.url, stored)
  stack.defer(() => host.ingest[Symbol.asyncDispose]())
  const url = `mqtt://127.0.0.1:${proxy.port}`
  const file = join(dir, 'outbox.db')
  const skew = { ms: 0 }
  let device: ChainDevice | undefined
  const views = () => device?.views() ?? []
  const open = (latest?: Latest) => openGateway({ file, url, backoff, latest, skew, views })
  let gateway = open()
  stack.defer(() => closeGateway(gateway))
  const running = stack.move()
  let next = 0
  let at = Date.now()
  let births = 0
  const push = (samples: Sample[]) => {
    gateway.latest.sample = samples.at(-1)
    gateway.uplink.publish(gateway.outbox.append({ samples }), samples, [])
  }
  const deliver = (samples: Sample[]) =>
    gateway.uplink.publish(gateway.outbox.append({ samples }), samples, [])
  const deviceChanged = (id: DeviceId) => gateway.uplink.deviceChanged(id)
  return {
    ...{ proxy, broker },
    async configure(change) {
      device ??= running.use(await openChainDevice({ deliver, deviceChanged }))
      if (change === 'same') await device.applySame()
      else await device.applyOther()
    },
    stepClock(offMs) {
      skew.ms = offMs
    },
    jamDisk: (isJammed) => jam(file, isJammed),
    markLost() {
      at += 1
      push([{ tag: id, at, value: null, quality: quality.bad }])
    },
    append(count) {
      const samples = Array.from({ length: count }, (): Sample => {
        at += 1
        next += 1
        return { tag: id, at, value: next, quality: quality.good }
      })
      push(samples)
    },
    births: () => births + gateway.uplink.state().births,
    async restartGateway() {
      jam(file, false)
      births += gateway.uplink.state().births
      const { latest } = gateway
      await device?.stop()
      await closeGateway(gateway)
      gateway = open(latest)
      await device?.start()
    },
    async restartHost(isKilled = false) {
      if (isKilled) host.tear()
      await host.ingest[Symbol.asyncDispose]()
      host = openHost(broker.url, stored)
    },
    async settle() {
      await device?.stop()
      await until('the outbox is empty', () => {
        // As the batcher of a gateway does; a disk that refused is looked at again.
        gateway.outbox.heartbeat(Date.now())
        return gateway.outbox.depth().batches === 0
      })
      const own = device?.judge([...stored.values()]) ?? { lost: 0, duplicated: 0 }
      const samples = [...stored.values()].filter((sample) => sample.tag === id)
      const good = samples
        .filter((sample) => sample.quality === quality.good)
        .map(({ value, at }) => ({ value: Number(value), at }))
      const stale = samples.filter((sample) => sample.quality === quality.stale)
      const different = new Set(good.map(({ value }) => value))
      const all = Array.from({ length: next }, (_, i) => i + 1)
      const lost = all.filter((value) => !different.has(value)).length
      const doubled = findDoubled(
        good,
        stale.map(({ at }) => at),
      )
      return { appended: next, lost: lost + own.lost, duplicated: doubled.length + own.duplicated }
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

async function openBroker(): Promise<TestBroker> {
  const aedes = brokers.find(({ missing }) => !missing)
  if (!aedes) throw new Error('no broker')
  return await aedes.open()
}

interface Latest {
  sample: Sample | undefined
}

interface GatewayParts {
  file: string
  url: string
  backoff: BackoffOptions
  latest?: Latest
  skew: { readonly ms: number }
  /** Of the devices beside the one that only counts. */
  views(): DeviceView[]
}

/** A file that takes no batch: as full as a disk can be, from another connection. */
function jam(file: string, isJammed: boolean): void {
  const database = new DatabaseSync(file)
  database.exec('PRAGMA busy_timeout = 5000; DROP TRIGGER IF EXISTS jam')
  const refuse = "BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END"
  if (isJammed) database.exec(`CREATE TRIGGER jam BEFORE INSERT ON batch ${refuse}`)
  database.close()
}

function openGateway({ file, url, backoff, skew, views, ...parts }: GatewayParts) {
  const { latest = { sample: undefined } } = parts
  const gateway = 'gw1'
  const now = () => Date.now() + skew.ms
  // Ages are of no interest here, and clocks step by more than a day.
  const bounds = { maxBytes: 1e9, maxAgeMs: 1e12 }
  const outbox: EnduringOutbox = openEnduringOutbox({ file, gateway, now, ...bounds })
  const uplink: Uplink = openUplink({
    ...{ url, site: 'plant', gateway, clientId: 'plant/gw1', outbox },
    devices: () => [
      { device: 'plc', online: true, tags: [tag], latest: () => latest.sample },
      ...views(),
    ],
    targets: [],
    software: 'chain 1',
    primaryHost: 'mimamori',
    delivery: 'acknowledged',
    now,
    ackTimeoutMs: 300,
    backoff,
    log: createLog('gateway'),
  })
  return { outbox, uplink, latest }
}

async function closeGateway({ uplink, outbox }: ReturnType<typeof openGateway>): Promise<void> {
  await uplink[Symbol.asyncDispose]()
  await outbox[Symbol.asyncDispose]()
}

/** Stores by (tag, at), as the historian does. */
function openHost(url: string, stored: Map<string, Sample>): { ingest: Ingest; tear(): void } {
  let client: MqttClient | undefined
  const ingest = openIngest({
    connect(options) {
      client = mqtt.connect(url, { ...options, clientId: 'host' })
      return client
    },
    hostId: 'mimamori',
    async commit({ live, historical }) {
      for (const sample of [...live, ...historical]) {
        stored.set(`${sample.tag} ${sample.at} ${sample.quality}`, sample)
      }
    },
    onNode: () => undefined,
    backoff: BACKOFF,
    rebirthMs: 50,
    log: createLog('host'),
  })
  return { ingest, tear: () => void client?.stream.destroy() }
}
