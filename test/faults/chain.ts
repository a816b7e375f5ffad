/** Outbox, uplink, proxy, broker and ingest in one process: quick enough for hundreds of faults, and the ledger of it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { type Ingest, openIngest } from '../../cloud/ingest/ingest.ts'
import { type Outbox, openOutbox } from '../../edge/outbox/outbox.ts'
import { brokers, type TestBroker } from '../../edge/uplink/broker.fixture.ts'
import { openUplink, type Uplink } from '../../edge/uplink/uplink.ts'
import type { BackoffOptions } from '../../protocol/kit/backoff.ts'
import { createLog } from '../../protocol/kit/log.ts'
import { formatTagId, quality, type Sample, type Tag } from '../../protocol/model.ts'
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
  /** Times the gateway's uplink has been born. */
  births(): number
  /** Ends the gateway (its outbox file stays) and starts it again. */
  restartGateway(): Promise<void>
  /** Ends the host without a word and starts it again; what it had stored stays. */
  restartHost(): Promise<void>
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
  let ingest: Ingest = openHost(broker.url, stored)
  stack.defer(() => ingest[Symbol.asyncDispose]())
  const url = `mqtt://127.0.0.1:${proxy.port}`
  const open = (latest?: Latest) =>
    openGateway({ file: join(dir, 'outbox.db'), url, backoff, latest })
  let gateway = open()
  stack.defer(() => closeGateway(gateway))
  const running = stack.move()
  let next = 0
  let at = Date.now()
  let births = 0
  return {
    ...{ proxy, broker },
    append(count) {
      const samples = Array.from({ length: count }, (): Sample => {
        at += 1
        next += 1
        return { tag: id, at, value: next, quality: quality.good }
      })
      gateway.latest.sample = samples.at(-1)
      gateway.uplink.publish(gateway.outbox.append({ samples }), samples, [])
    },
    births: () => births + gateway.uplink.state().births,
    async restartGateway() {
      births += gateway.uplink.state().births
      const { latest } = gateway
      await closeGateway(gateway)
      gateway = open(latest)
    },
    async restartHost() {
      await ingest[Symbol.asyncDispose]()
      ingest = openHost(broker.url, stored)
    },
    async settle() {
      await until('the outbox is empty', () => gateway.outbox.depth().batches === 0)
      const samples = [...stored.values()]
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
      return { appended: next, lost, duplicated: doubled.length }
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
}

function openGateway({ file, url, backoff, latest = { sample: undefined } }: GatewayParts) {
  const gateway = 'gw1'
  const outbox: Outbox = openOutbox({ file, maxBytes: 1e9, maxAgeMs: 86_400_000, gateway })
  const uplink: Uplink = openUplink({
    ...{ url, site: 'plant', gateway, clientId: 'plant/gw1', outbox },
    devices: () => [{ device: 'plc', online: true, tags: [tag], latest: () => latest.sample }],
    targets: [],
    software: 'chain 1',
    primaryHost: 'mimamori',
    delivery: 'acknowledged',
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
function openHost(url: string, stored: Map<string, Sample>): Ingest {
  return openIngest({
    connect: (options) => mqtt.connect(url, { ...options, clientId: 'host' }),
    hostId: 'mimamori',
    async commit({ live, historical }) {
      for (const sample of [...live, ...historical]) {
        stored.set(`${sample.at} ${sample.quality}`, sample)
      }
    },
    onNode: () => undefined,
    backoff: BACKOFF,
    rebirthMs: 50,
    log: createLog('host'),
  })
}
