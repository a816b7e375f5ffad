/** F19: a quarter of the devices dead, and what the others notice of it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createModbusMemory, openModbusServer } from '../../simulators/kit/modbus-server.ts'
import { openTcpServer } from '../../simulators/kit/tcp-server.ts'
import { openBench } from './bench.ts'
import { describePlc } from './counting-plc.ts'
import { judge } from './judge.ts'
import { missingMosquitto } from './processes.ts'
import type { Scenario, Seen } from './scenario.ts'
import { until } from './until.ts'

const ALIVE = 150
const DEAD = 50
/** A poll this late was missed, on a machine with nothing else to do. */
const MISSED_MS = 2000
/** On a busy one ours is late as well: the gateway may be so many times as late as a timer of our own. */
const NOISE_FACTOR = 10
const WATCH_MS = 20_000

/** How late a timer of this process comes at worst. */
async function measureNoise(lastsMs: number): Promise<number> {
  let most = 0
  for (const endMs = performance.now() + lastsMs; performance.now() < endMs; ) {
    const startedMs = performance.now()
    await sleep(100)
    most = Math.max(most, performance.now() - startedMs - 100)
  }
  return most
}

async function runDeadDevices(): Promise<Seen> {
  const seen = Array.from({ length: ALIVE + 1 }, (): number[] => [])
  const memory = createModbusMemory({ holding: [[0, 1]] })
  await using server = await openModbusServer({
    units: Object.fromEntries(seen.map((_, unit) => [unit, memory])),
    behave: ({ unit }) => void seen[unit]?.push(performance.now()),
  })
  await using mute = await openTcpServer({ onConnection: () => undefined })
  const closed = await openTcpServer({ onConnection: () => undefined })
  await closed[Symbol.asyncDispose]()
  const describe = (id: string, port: number, unit: number) => {
    const tags = [{ name: 'V', type: 'UInt16', table: 'holding', address: 0, encoding: 'uint16' }]
    const groups = [{ name: 'g', intervalMs: 1000, tags }]
    return { id, driver: 'modbus', host: '127.0.0.1', port, unit, timeoutMs: 500, groups }
  }
  const devices = (plc: { port: number }) => [
    describePlc(plc),
    ...Array.from({ length: ALIVE }, (_, i) => describe(`alive${i}`, server.port, i + 1)),
    ...Array.from({ length: DEAD }, (_, i) =>
      describe(`dead${i}`, i % 2 === 0 ? mute.port : closed.port, 1),
    ),
  ]
  await using bench = await openBench({ devices })
  await bench.flows('at all')
  await until('every living device was read', () => seen.slice(1).every(({ length }) => length > 0))
  for (const times of seen) times.length = 0
  const noiseMs = await measureNoise(WATCH_MS)
  const periods = seen.flatMap((times) => times.slice(1).map((at, i) => at - (times[i] ?? at)))
  const jitter = periods.map((ms) => Math.abs(ms - 1000)).sort((one, other) => one - other)
  const p99 = jitter[Math.floor(jitter.length * 0.99)] ?? Number.NaN
  const longest = Math.max(...periods)
  const mostMs = MISSED_MS + noiseMs * NOISE_FACTOR
  const failed = longest > mostMs ? [`one waited ${Math.round(longest)} ms`] : []
  const starved = seen.slice(1).filter(({ length }) => length < 2).length
  if (starved > 0) failed.push(`${starved} were not read again`)
  const secondsToNormal = await bench.normal(Date.now())
  const { lost, duplicated, ...verdict } = await judge(bench)
  failed.push(...verdict.failed)
  const said = `${periods.length} polls, p99 of jitter ${p99.toFixed(0)} ms, longest period ${longest.toFixed(0)} ms, our own timer late by ${noiseMs.toFixed(0)} ms`
  return { said, lost, duplicated, secondsToNormal, failed }
}

export const deadDeviceFaults: readonly Scenario[] = [
  {
    id: 'F19',
    fault: '50 of 200 devices dead (25 refuse, 25 are silent)',
    expect: 'the other 150 keep their period of 1 s: none misses a poll',
    missing: missingMosquitto,
    run: runDeadDevices,
  },
]
