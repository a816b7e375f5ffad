/** F36: a whole bad week in one run: an OPC UA server restarted twenty times, a Modbus device with holes that hangs. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createSeededRandom } from '../../simulators/kit/seeded-random.ts'
import { type Bench, openBench } from './bench.ts'
import { describePlc, FIXED_VALUE } from './counting-plc.ts'
import {
  type CountingPress,
  describePress,
  openCountingPress,
  pressJudge,
  pressTag,
} from './counting-press.ts'
import { fixedTag, judge } from './judge.ts'
import { missingMosquitto } from './processes.ts'
import type { Scenario, Seen } from './scenario.ts'
import { until } from './until.ts'

const RESTARTS = 20
const SEED = 36
/** Values of the holes' neighbours; the hole itself is 50 to 59. */
const neighbours = [45, 65]

export const chaosFaults: readonly Scenario[] = [
  {
    id: 'F36',
    fault: `OPC UA server restarted ${RESTARTS} times while the Modbus device has holes and hangs`,
    expect: 'no manual restart, wrong values 0, both live again each time',
    missing: missingMosquitto,
    run: runChaos,
  },
]

async function runChaos(): Promise<Seen> {
  await using press = await openCountingPress()
  await using bench = await openBench({
    devices: (plc) => [describePlc(plc), describeHoles(plc.port), describePress(press)],
  })
  const from = Date.now()
  await bench.flows('before the fault')
  await pressFlows(bench, press, 'before the fault')
  const pid = bench.gateway.pid()
  const stop = new AbortController()
  const hanging = hangNowAndThen(bench, stop.signal)
  for (let restart = 1; restart <= RESTARTS; restart++) {
    await press.stop()
    await press.start()
    await pressFlows(bench, press, `after restart ${restart}`)
  }
  stop.abort()
  const hangs = await hanging
  bench.plc.misbehave(undefined)
  const secondsToNormal = await bench.normal(Date.now())
  const failed = bench.gateway.pid() === pid ? [] : ['the gateway was restarted']
  failed.push(...findWrong(bench))
  const opcua = await judge(bench, pressJudge(press, from))
  const modbus = await judge(bench)
  failed.push(...opcua.failed, ...modbus.failed)
  if (press.sessions() > 1) failed.push(`${press.sessions()} sessions at once`)
  return {
    said: `${RESTARTS} restarts, ${hangs} hangs, ${opcua.stored} and ${modbus.stored} stored, wrong values ${failed.length}`,
    lost: opcua.lost + modbus.lost,
    duplicated: opcua.duplicated + modbus.duplicated,
    secondsToNormal,
    failed,
  }
}

async function pressFlows({ store }: Bench, { told }: CountingPress, what: string): Promise<void> {
  const target = told.length + 3
  await until(`OPC UA data ${what}`, () => store.last(pressTag) >= target, 150_000)
}

/** A block with a hole in its middle, on the same device as the counter. */
function describeHoles(port: number) {
  const tags = [...neighbours, 55].map((address) => ({
    ...{ name: `H${address}`, type: 'UInt16', table: 'holding', address, encoding: 'uint16' },
  }))
  const groups = [{ name: 'block', intervalMs: 200, maxSilenceMs: 1000, tags }]
  return { id: 'holes', driver: 'modbus', host: '127.0.0.1', port, timeoutMs: 500, groups }
}

/** Silent, late or busy for a moment, at random; how often. */
async function hangNowAndThen({ plc }: Bench, signal: AbortSignal): Promise<number> {
  const random = createSeededRandom(SEED)
  let hangs = 0
  while (!signal.aborted) {
    await sleep(500 + random.next() * 2000)
    const kind = Math.floor(random.next() * 3)
    plc.misbehave(() => (kind === 0 ? 'silent' : kind === 1 ? { delayMs: 900 } : { exception: 6 }))
    hangs += 1
    await sleep(300 + random.next() * 1200)
    plc.misbehave(undefined)
  }
  return hangs
}

/** Registers that never change must never read differently, and the hole never good. */
function findWrong({ store }: Bench): string[] {
  const expected = new Map<typeof fixedTag, number | undefined>([
    [fixedTag, FIXED_VALUE + 7],
    ['plant/gw1/holes/H55', undefined],
    ...neighbours.map((address) => [`plant/gw1/holes/H${address}`, FIXED_VALUE + address] as const),
  ])
  return [...expected].flatMap(([tag, value]) => {
    const good = store.samples(tag).filter(({ quality }) => quality === 192)
    const wrong = good.filter((sample) => Number(sample.value) !== value)
    const never = value !== undefined && good.length === 0 ? [`${tag} never read good`] : []
    return [...never, ...wrong.map((sample) => `${tag} read ${sample.value}`)]
  })
}
