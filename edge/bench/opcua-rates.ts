/** What of OPC UA's changes reaches the broker, and what 5,000 tags over both protocols cost. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Metric } from '../../protocol/sparkplug/payload.ts'
import type { Run } from './bench-edge.ts'
import { createModbusDevice, createOpcuaDevice, startGateway } from './gateway-process.ts'
import { latenessOf } from './lateness.ts'
import { openModbusLoad, openOpcuaLoad } from './load.ts'
import { measureServerCeiling } from './opcua-ceiling.ts'
import { cpuSeconds, residentMB } from './process-meter.ts'
import { percentile, round } from './statistics.ts'

const TAGS = 1_000
const INTERVAL_MS = 100
const ROUNDS = 100
/** 5,000 tags, half of them over each protocol, at 1 s. */
const MIXED_EACH = 2_500
const MIXED_MS = 1_000
const MIXED_ROUNDS = 15
const CONNECT_MS = 5_000
/** The last changes are on their way for a publishing interval and a flush. */
const SETTLE_MS = 3_000

export interface OpcuaFigures {
  /** Changes that arrived at the broker over changes made. */
  delivered: number
  changesPerS: number
  /** Changes a second the server itself delivers to a bare client when asked for 100,000. */
  serverCeilingPerS: number
  cpuUsPerTag: number
  rssMB: number
  /** From the source's timestamp to the broker: publishing interval and flush included. */
  p99ToBrokerMs: number
}

export async function measureOpcua({ url, host }: Run): Promise<OpcuaFigures> {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'bench-opcua-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const serverCeilingPerS = await measureServerCeiling(folder)
  const load = stack.use(await openOpcuaLoad(folder, TAGS, INTERVAL_MS))
  const device = createOpcuaDevice(load.ready.endpoint, { tags: TAGS, intervalMs: INTERVAL_MS })
  const gateway = stack.use(await startGateway(url, [device]))
  await sleep(CONNECT_MS)
  const ledger = createLedger()
  host.watch(ledger.see)
  stack.defer(() => host.watch(undefined))
  const cpu = cpuSeconds(gateway.pid)
  const from = performance.now()
  load.tell({ start: ROUNDS })
  await sleep(ROUNDS * INTERVAL_MS + SETTLE_MS)
  const { rounds } = await load.stats()
  const made = rounds * TAGS
  const seconds = (performance.now() - from - SETTLE_MS) / 1000
  return {
    delivered: round(ledger.distinct() / made),
    changesPerS: Math.round(made / seconds),
    serverCeilingPerS,
    cpuUsPerTag: round(((cpuSeconds(gateway.pid) - cpu) * 1e6) / Math.max(1, ledger.distinct())),
    rssMB: Math.round(residentMB(gateway.pid)),
    p99ToBrokerMs: Math.round(ledger.p99Ms()),
  }
}

/** Each change is one tag and one number of a round: counted once however often it comes. */
function createLedger() {
  const seen = new Set<number>()
  const delays: number[] = []
  return {
    see(metric: Metric, at: number): void {
      const value = Number(metric.value ?? 0)
      if (value < 1 || metric.alias === undefined) return
      seen.add(value * 100_000 + metric.alias)
      if (metric.at !== undefined) delays.push(at - metric.at)
    },
    distinct: () => seen.size,
    p99Ms: () => percentile(delays, 0.99),
  }
}

export interface MixedFigures {
  tags: number
  tagsPerS: number
  /** 1 is one whole core. */
  coreShare: number
  rssMB: number
  /** How late the Modbus polls began. */
  p99LateMs: number
}

export async function measureMixed({ url, host }: Run): Promise<MixedFigures> {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'bench-opcua-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const modbus = stack.use(await openModbusLoad())
  const opcua = stack.use(await openOpcuaLoad(folder, MIXED_EACH, MIXED_MS))
  const shape = { tags: MIXED_EACH, intervalMs: MIXED_MS }
  const devices = [
    createModbusDevice(modbus.ready.port, { id: 'plc', ...shape }),
    createOpcuaDevice(opcua.ready.endpoint, shape),
  ]
  const gateway = stack.use(await startGateway(url, devices))
  opcua.tell({ start: MIXED_ROUNDS + CONNECT_MS / MIXED_MS })
  await sleep(CONNECT_MS)
  await modbus.stats()
  const cpu = cpuSeconds(gateway.pid)
  const count = host.metrics()
  const from = performance.now()
  await sleep(MIXED_ROUNDS * MIXED_MS)
  const seconds = (performance.now() - from) / 1000
  const { arrivals } = await modbus.stats()
  return {
    tags: MIXED_EACH * 2,
    tagsPerS: Math.round((host.metrics() - count) / seconds),
    coreShare: round((cpuSeconds(gateway.pid) - cpu) / seconds),
    rssMB: Math.round(residentMB(gateway.pid)),
    p99LateMs: round(latenessOf(arrivals, MIXED_MS)),
  }
}
