/** F16–F18, F20: what Modbus devices do to a gateway: hang, refuse, lie and tell odd numbers. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { TagId } from '../../protocol/model.ts'
import type { ModbusRequest } from '../../simulators/kit/modbus-pdu.ts'
import {
  createModbusMemory,
  encodeAdu,
  type ModbusBehaviour,
  openModbusServer,
} from '../../simulators/kit/modbus-server.ts'
import { type Bench, type BenchOptions, openBench } from './bench.ts'
import { describePlc, FIXED_VALUE } from './counting-plc.ts'
import { fixedTag, judge } from './judge.ts'
import { missingMosquitto } from './processes.ts'
import type { Scenario, Seen } from './scenario.ts'

interface Misuse {
  bench?: BenchOptions
  behave(request: ModbusRequest): ModbusBehaviour
  lastsMs: number
  during?(bench: Bench): Promise<string[]>
}

/** The counting device misbehaves for a while; nothing it told may be lost, and nothing it never told be stored. */
export async function runMisuse({
  bench: options,
  behave,
  lastsMs,
  during,
}: Misuse): Promise<Seen> {
  await using bench = await openBench(options)
  await bench.flows('before the fault')
  let misused = 0
  bench.plc.misbehave((request) => {
    const wrong = behave(request)
    if (wrong !== undefined) misused += 1
    return wrong
  })
  await sleep(lastsMs)
  const failed = [...((await during?.(bench)) ?? [])]
  bench.plc.misbehave(undefined)
  const secondsToNormal = await bench.normal(Date.now())
  const { lost, duplicated, stored, inGaps, ...verdict } = await judge(bench)
  failed.push(...verdict.failed, ...checkFixed(bench, fixedTag, FIXED_VALUE + 7))
  const said = `${misused} requests misused, ${stored} stored, ${inGaps} while marked bad`
  return { said, lost, duplicated, secondsToNormal, failed }
}

/** A register that never changes must never read differently. */
function checkFixed(bench: Bench, tag: TagId, value: number): string[] {
  const good = bench.store.samples(tag).filter(({ quality }) => quality === 192)
  const wrong = good.filter((sample) => Number(sample.value) !== value)
  return [
    ...(good.length === 0 ? [`${tag} never read good`] : []),
    ...wrong.map((sample) => `${tag} read ${sample.value} instead of ${value}`),
  ]
}

export const modbusFaults: readonly Scenario[] = [
  {
    id: 'F16',
    fault: 'device answers 3 s late for 8 s (time-out 0.5 s), then all at once',
    expect: 'link reset, no answer taken for another',
    run: () => runMisuse({ behave: () => ({ delayMs: 3000 }), lastsMs: 8000 }),
  },
  {
    id: 'F16b',
    fault: 'device accepts and keeps silent for 8 s',
    expect: 'time-out, marked bad, back by itself',
    run: () => runMisuse({ behave: () => 'silent', lastsMs: 8000 }),
  },
  {
    id: 'F17',
    fault: 'a hole in a merged block, one request of five busy, a unit behind that is down',
    expect: 'the neighbours stay good, the device stays online',
    run: runExceptions,
  },
  {
    id: 'F18',
    fault: 'truncated, foreign, oversized and garbled frames for 20 s',
    expect: 'none becomes a value; connected again each time',
    run: runHostileFrames,
  },
  {
    id: 'F20',
    fault: 'NaN, infinities, denormals, -0, 2^53+1, least int64, broken text',
    expect: 'exact, or bad quality; never another number',
    run: runOddValues,
  },
].map((scenario) => ({ missing: missingMosquitto, ...scenario }))

async function runExceptions(): Promise<Seen> {
  let count = 0
  const holding = (address: number) => ({
    ...{ name: `H${address}`, type: 'UInt16', table: 'holding', address, encoding: 'uint16' },
  })
  return await runMisuse({
    bench: {
      devices: (plc) => {
        const tags = [holding(45), holding(55), holding(65)]
        const down = { ...holding(45), name: 'Down', unitId: 2 }
        const group = { intervalMs: 200, maxSilenceMs: 86_400_000 }
        const groups = [
          { name: 'block', ...group, tags },
          { name: 'behind', ...group, tags: [down] },
        ]
        const about = { driver: 'modbus', host: '127.0.0.1', port: plc.port, timeoutMs: 500 }
        return [describePlc(plc), { id: 'holes', ...about, groups }]
      },
    },
    behave: () => (count++ % 5 === 0 ? { exception: 6 } : undefined),
    lastsMs: 10_000,
    async during(bench) {
      const devices = (await bench.status())?.devices ?? []
      const off = devices.filter(({ online }) => !online).map(({ id }) => `${id} went offline`)
      const bad = (name: string) =>
        bench.store
          .samples(`plant/gw1/holes/${name}`)
          .some(({ quality, value }) => quality === 192 && value !== null)
          ? [`${name} read good`]
          : []
      return [
        ...off,
        ...[45, 65].flatMap((at) => checkFixed(bench, `plant/gw1/holes/H${at}`, FIXED_VALUE + at)),
        ...bad('H55'),
        ...bad('Down'),
      ]
    },
  })
}

/** Whole replies as no honest device sends them. */
function hostileReply(kind: number, { transaction, unit, fn, quantity }: ModbusRequest): Buffer {
  const plain = (words: number) =>
    Buffer.concat([Buffer.from([fn, words * 2]), Buffer.alloc(words * 2, 0x5a)])
  const good = encodeAdu(transaction, unit, plain(quantity))
  const change = (at: number, value: number): Buffer => {
    const bytes = Buffer.from(good)
    bytes.writeUInt16BE(value, at)
    return bytes
  }
  const all: (() => Buffer)[] = [
    () => good.subarray(0, good.length - 1),
    () => good.subarray(0, 5),
    () => encodeAdu(transaction, unit + 1, plain(quantity)),
    () => encodeAdu(transaction, unit, Buffer.concat([Buffer.from([fn + 1]), plain(quantity)])),
    () => encodeAdu(transaction, unit, plain(quantity + 1)),
    () => encodeAdu(transaction, unit, plain(Math.max(0, quantity - 1))),
    () => encodeAdu(transaction + 1, unit, plain(quantity)),
    () => encodeAdu(transaction - 256, unit, plain(quantity)),
    () => change(4, 0),
    () => change(4, 65_535),
    () => change(2, 1),
    () => Buffer.concat([Buffer.from('garbage'), good]),
    () => Buffer.alloc(300, 0xff),
  ]
  return all[kind % all.length]?.() ?? good
}

async function runHostileFrames(): Promise<Seen> {
  let count = 0
  let kind = 0
  return await runMisuse({
    // One honest answer between two hostile ones: the line is made again each time.
    behave: (request) => (count++ % 2 === 0 ? undefined : { raw: hostileReply(kind++, request) }),
    lastsMs: 20_000,
    during: async () => (kind < 13 ? [`${kind} of 13 kinds were sent`] : []),
  })
}

/** Name, type, encoding, bytes on the wire, and what must be stored; null: bad quality. */
const oddValues: readonly [string, string, string, Buffer, string | null][] = [
  ['NaN', 'Float', 'float32', Buffer.from('7fc00000', 'hex'), null],
  ['Infinity', 'Float', 'float32', Buffer.from('7f800000', 'hex'), null],
  ['MinusInfinity', 'Double', 'float64', Buffer.from('fff0000000000000', 'hex'), null],
  ['Denormal', 'Double', 'float64', Buffer.from('0000000000000001', 'hex'), '5e-324'],
  ['MinusZero', 'Double', 'float64', Buffer.from('8000000000000000', 'hex'), '-0'],
  ['Beyond53', 'UInt64', 'uint64', Buffer.from('0020000000000001', 'hex'), '9007199254740993'],
  ['Most64', 'UInt64', 'uint64', Buffer.from('ffffffffffffffff', 'hex'), '18446744073709551615'],
  ['Least64', 'Int64', 'int64', Buffer.from('8000000000000000', 'hex'), '-9223372036854775808'],
  ['TooLarge', 'Int16', 'uint16', Buffer.from('ffff', 'hex'), null],
]

async function runOddValues(): Promise<Seen> {
  const memory = createModbusMemory({ holding: [[0, 100]] })
  oddValues.forEach(([, , , bytes], i) => {
    for (let word = 0; word < bytes.length / 2; word++) {
      memory.setUint16('holding', i * 10 + word, bytes.readUInt16BE(word * 2))
    }
  })
  await using server = await openModbusServer({ units: { 1: memory } })
  const tags = oddValues.map(([name, type, encoding], i) => {
    return { name, type, encoding, table: 'holding', address: i * 10 }
  })
  const groups = [{ name: 'odd', intervalMs: 200, maxSilenceMs: 1000, tags }]
  const odd = { id: 'odd', driver: 'modbus', host: '127.0.0.1', port: server.port, groups }
  await using bench = await openBench({ devices: (plc) => [describePlc(plc), odd] })
  await bench.flows('at all')
  await sleep(3000)
  const secondsToNormal = await bench.normal(Date.now())
  const failed = oddValues.flatMap(([name, , , , expected]) => {
    const samples = bench.store.samples(`plant/gw1/odd/${name}`)
    if (samples.length === 0) return [`${name}: nothing stored`]
    const good = samples.filter(({ quality }) => quality === 192)
    if (expected === null) return good.map(({ value }) => `${name}: ${value} stored as good`)
    if (good.length === 0) return [`${name}: never good`]
    return good.filter(({ value }) => value !== expected).map(({ value }) => `${name}: ${value}`)
  })
  const { lost, duplicated, ...verdict } = await judge(bench)
  failed.push(...verdict.failed)
  return { said: `${oddValues.length} values`, lost, duplicated, secondsToNormal, failed }
}
