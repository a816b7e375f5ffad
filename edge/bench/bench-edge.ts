/** Measures the gateway in one run: CPU a tag beside Node-RED, highest rate, share of the wire, OPC UA delivery, 5,000 tags. */
import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault } from '../../protocol/kit/fault.ts'
import { brokers } from '../uplink/broker.fixture.ts'
import { createModbusDevice, startGateway } from './gateway-process.ts'
import { type Host, openHost } from './host.ts'
import { latenessOf } from './lateness.ts'
import { openModbusLoad } from './load.ts'
import { installNodeRed, type NodeRedPackages, startNodeRed } from './node-red.ts'
import { type MixedFigures, measureMixed, measureOpcua, type OpcuaFigures } from './opcua-rates.ts'
import { cpuSeconds, residentMB } from './process-meter.ts'
import { median, round } from './statistics.ts'
import { measureDeviceCeiling, measureWireShare, type WireShare } from './wire-share.ts'

const BLOCK = 125
const BLOCKS = 8
const TAGS = BLOCK * BLOCKS
const INTERVAL_MS = 100
const OWN_UNIT = 2
/**
 * A gateway runs for months: code that runs ten times a second takes two to three minutes to be compiled as it stays.
 * Ours needs a fifth less from then on; the peer, which runs its code a thousand times as often, the same.
 */
const WARM_UP_MS = 150_000
const WINDOWS = 3
const SAME_RATE_WINDOWS = 5
const WINDOW_MS = 5_000
/** Ours tells five thousand readings at a time: a short window would hold one batch more or less. */
const SAME_RATE_MS = 15_000
/** Ours may not poll faster than every 50 ms, so its highest rate needs more tags than the peer's. */
const FAST_UNITS = 10
const FAST_MS = 50
const PEER_FAST_MS = 10

interface Rates {
  cpuUsPerTag: number
  tagsPerS: number
}

export interface EdgeFigures {
  /** 1,000 registers every 100 ms; `tagsPerS` is the highest rate reached. */
  ours: Rates & { rssMB: number; p99LateMs: number }
  nodeRed: Rates | string
  nodeRedLeanest: { cpuUsPerTag: number } | string
  /** CPU a tag of Node-RED's usual flow over ours, at the same rate in the same window. */
  ratio: number
  ratioToLeanest: number
  ratioOfRates: number
  wireShare: number
  wire: { loopback: WireShare; slow: WireShare }
  /** Requests a second (of 125 registers) the load device answers by itself. */
  deviceCeilingPerS: number
  opcua: OpcuaFigures
  mixed: MixedFigures
  goals: Record<string, string>
  /** Load average of the machine before the run: what ran beside. */
  loadBefore: number
}

/** About seven minutes; needs mosquitto, and a package registry for the peer's half. */
export async function benchEdge(): Promise<EdgeFigures> {
  const mosquitto = brokers.find(({ name }) => name.startsWith('mosquitto'))
  if (!mosquitto || mosquitto.missing) {
    throw new Fault('bench.failed', { why: 'mosquitto is missing: apt-get install mosquitto' })
  }
  const loadBefore = round(loadavg()[0] ?? 0)
  await using stack = new AsyncDisposableStack()
  const packages = await installNodeRed()
  if (packages) stack.use(packages)
  const broker = stack.use(await mosquitto.open())
  const host = stack.use(await openHost(broker.url))
  const run = { url: broker.url, host, packages }
  const same = await measureSameRate(run)
  const oursFast = await measureOursFast(run)
  const peerFast = await measurePeerFast(run)
  const loopback = await measureWireShare(0)
  const slow = await measureWireShare(1)
  const opcua = await measureOpcua(run)
  const mixed = await measureMixed(run)
  return {
    ...summarize({ same, oursFast, peerFast, wire: { loopback, slow }, opcua, mixed }),
    loadBefore,
  }
}

export interface Run {
  url: string
  host: Host
  packages: NodeRedPackages | undefined
}

type Same = Awaited<ReturnType<typeof measureSameRate>>

interface Parts {
  same: Same
  oursFast: number
  peerFast: number | undefined
  wire: { loopback: WireShare; slow: WireShare }
  opcua: OpcuaFigures
  mixed: MixedFigures
}

const NO_PEER = 'left out: the package registry is not reachable'

function summarize({
  same,
  oursFast,
  peerFast,
  wire,
  opcua,
  mixed,
}: Parts): Omit<EdgeFigures, 'loadBefore'> {
  const { ours, usual, leanest } = same.cpuUsPerTag
  const ratio = round(usual / ours)
  const ratioToLeanest = round(leanest / ours)
  const ratioOfRates = round(oursFast / (peerFast ?? Number.NaN))
  const hasPeer = peerFast !== undefined
  const judge = (goal: string, met: boolean) => `${goal}: ${met ? 'met' : 'MISSED'}`
  return {
    ours: {
      cpuUsPerTag: round(ours),
      tagsPerS: oursFast,
      rssMB: Math.round(same.rssMB),
      p99LateMs: round(same.p99LateMs),
    },
    nodeRed: hasPeer ? { cpuUsPerTag: round(usual), tagsPerS: peerFast } : NO_PEER,
    nodeRedLeanest: hasPeer ? { cpuUsPerTag: round(leanest) } : NO_PEER,
    ratio,
    ratioToLeanest,
    ratioOfRates,
    wireShare: wire.loopback.share,
    wire,
    deviceCeilingPerS: same.deviceCeilingPerS,
    opcua,
    mixed,
    goals: {
      ratio: judge('>= 10', ratio >= 10),
      ratioToLeanest: judge('>= 3', ratioToLeanest >= 3),
      ratioOfRates: judge('>= 2', ratioOfRates >= 2),
      wireShare: judge('>= 0.8', wire.loopback.share >= 0.8),
      rssMB: judge('< 130', same.rssMB < 130),
      opcuaDelivered: judge('>= 0.99', opcua.delivered >= 0.99),
      mixedRssMB: judge('< 180', mixed.rssMB < 180),
      mixedP99LateMs: judge('< 100', mixed.p99LateMs < 100),
    },
  }
}

/** All three read the same device at the same rate in the same windows: what disturbs one disturbs all. */
async function measureSameRate({ url, host, packages }: Run) {
  await using stack = new AsyncDisposableStack()
  const load = stack.use(await openModbusLoad())
  const { port } = load.ready
  const deviceCeilingPerS = await measureDeviceCeiling(port)
  // A unit of its own: the peers' requests must not count as our polls.
  const place = { id: 'plc', unit: OWN_UNIT }
  const device = createModbusDevice(port, { ...place, tags: TAGS, intervalMs: INTERVAL_MS })
  // The first start after an installation compiles for all that follow.
  await (await startGateway(url, [device]))[Symbol.asyncDispose]()
  const gateway = stack.use(await startGateway(url, [device]))
  const mqttPort = Number(new URL(url).port)
  const flow = { modbusPort: port, mqttPort, blocks: BLOCKS, intervalMs: INTERVAL_MS }
  const sides: Record<Side, { pid: number; tags: () => number } | undefined> = {
    ours: { pid: gateway.pid, tags: host.metrics },
    usual: undefined,
    leanest: undefined,
  }
  if (packages) {
    const usual = stack.use(await startNodeRed(packages.folder, { ...flow, flow: 'tag' }))
    const lean = stack.use(await startNodeRed(packages.folder, { ...flow, flow: 'block' }))
    sides.usual = { pid: usual.pid, tags: () => host.messages('tag/') }
    sides.leanest = { pid: lean.pid, tags: () => host.messages('block') * BLOCK }
  }
  await sleep(WARM_UP_MS)
  await load.stats()
  const costs: Record<Side, number[]> = { ours: [], usual: [], leanest: [] }
  for (let index = 0; index < SAME_RATE_WINDOWS; index++) {
    const ends = Object.entries(sides).map(([side, it]) => [side as Side, it && start(it)] as const)
    await sleep(SAME_RATE_MS)
    for (const [side, end] of ends) if (end) costs[side].push(end())
  }
  const { arrivals } = await load.stats()
  return {
    cpuUsPerTag: {
      ours: median(costs.ours),
      usual: packages ? median(costs.usual) : Number.NaN,
      leanest: packages ? median(costs.leanest) : Number.NaN,
    },
    rssMB: residentMB(gateway.pid),
    p99LateMs: latenessOf({ [OWN_UNIT]: arrivals[OWN_UNIT] ?? [] }, INTERVAL_MS),
    deviceCeilingPerS,
  }
}

type Side = 'ours' | 'usual' | 'leanest'

/** Begins a window; the function that ends it gives microseconds of CPU for each tag that arrived. */
function start({ pid, tags }: { pid: number; tags: () => number }): () => number {
  const cpu = cpuSeconds(pid)
  const count = tags()
  return () => ((cpuSeconds(pid) - cpu) * 1e6) / Math.max(1, tags() - count)
}

async function tagsPerS(tags: () => number): Promise<number> {
  await sleep(WINDOW_MS)
  const rates: number[] = []
  for (let index = 0; index < WINDOWS; index++) {
    const from = performance.now()
    const count = tags()
    await sleep(WINDOW_MS / 2)
    rates.push(((tags() - count) * 1000) / (performance.now() - from))
  }
  return Math.round(median(rates))
}

async function measureOursFast({ url, host }: Run): Promise<number> {
  await using load = await openModbusLoad()
  const { port } = load.ready
  const devices = Array.from({ length: FAST_UNITS }, (_, unit) =>
    createModbusDevice(port, { id: `plc${unit}`, unit, tags: TAGS, intervalMs: FAST_MS }),
  )
  await using _gateway = await startGateway(url, devices)
  return await tagsPerS(host.metrics)
}

async function measurePeerFast({ url, host, packages }: Run): Promise<number | undefined> {
  if (!packages) return undefined
  await using load = await openModbusLoad()
  const ports = { modbusPort: load.ready.port, mqttPort: Number(new URL(url).port) }
  const flow = { ...ports, flow: 'tag', blocks: BLOCKS, intervalMs: PEER_FAST_MS } as const
  await using _peer = await startNodeRed(packages.folder, flow)
  return await tagsPerS(() => host.messages('tag/'))
}
