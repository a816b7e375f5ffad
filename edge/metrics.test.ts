/** What Prometheus is told: names and labels as committed, in its own format, and no more series than a bound. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Fault, type FaultCode } from '../protocol/kit/fault.ts'
import { quality, type Sample } from '../protocol/model.ts'
import { createLinkCounters } from './acquisition/counters.ts'
import { bound } from './device-metrics.ts'
import { createDriverMeters } from './driver-meters.ts'
import type { Connection } from './drivers/driver.ts'
import { createGatewayMetrics, type GatewayNumbers } from './metrics.ts'
import { type RowTags, toSamples } from './readings.ts'
import { tallyResults } from './result-tally.ts'

const DEVICES = 400
const never = () => new AbortController().signal

function createNumbers(meters = createDriverMeters()): GatewayNumbers {
  const devices = Array.from({ length: DEVICES }, (_, i) => `plc-${i}`)
  return {
    batcher: () => ({ samples: 10, batches: 2, dropped: 0, waiting: 3 }),
    outbox: () => ({
      ...{ batches: 1, samples: 5, bytes: 100, oldestAt: 5_000, dropped: 7, droppedInMemory: 2 },
      memory: undefined,
    }),
    clock: () => ({ isSet: true, offsetMs: 1500, isCorrected: false }),
    uplink: () => ({
      ...{ connects: 1, births: 1, messages: 1, liveSamples: 1, historicalSamples: 1 },
      ...{ acknowledgedBatches: 1, expiredRanges: 0, refusedMessages: 0, rebirthRequests: 0 },
      ...{
        staleStates: 0,
        foreignAnswers: 0,
        connected: true,
        since: 0,
        hostOnline: true,
        bdSeq: 0,
        misfits: 0,
      },
      ...{ server: 'mqtt://x', takeovers: 0, contest: undefined },
    }),
    devices: () => devices.map((device) => ({ device, online: true })),
    links: () => new Map(devices.map((id) => [id, { ...createLinkCounters(), polls: 2 }])),
    meters: meters.list,
    durations: meters.durations,
    results: () => ({ good: 8, stale: 1, bad: 1 }),
    gaps: () => ({ 'outbox-full': 1 }),
    writes: () => ({ written: 1 }),
    certificates: () => ({ gateway: 1_800_000_000 }),
    renewalFailures: () => 0,
    tunnel: () => ({
      ...{ up: true, streams: 2, allowed: 3, refused: { killed: 1 }, sessions: ['web', 'web'] },
      ...{ bytes: { in: 10, out: 20 }, questions: 1, isCut: false },
    }),
  }
}

interface Family {
  type: string
  labels: Set<string>
  series: number
}

/** Reads the text format 0.0.4; throws on a line that is none. */
function parseExposition(text: string): Map<string, Family> {
  const families = new Map<string, Family>()
  const helped = new Set<string>()
  for (const line of text.trimEnd().split('\n')) {
    const help = /^# HELP ([a-z_]+) \S.*[.?]$/.exec(line)?.[1]
    const [, name, type] = /^# TYPE ([a-z_]+) (counter|gauge|histogram)$/.exec(line) ?? []
    const series = /^([a-z_]+)(?:\{([a-z]+="[^"\\]*"(?:,[a-z]+="[^"\\]*")*)\})? -?[\d.e+-]+$/
    const [, metric, pairs = ''] = series.exec(line) ?? []
    if (help !== undefined) helped.add(help)
    else if (name !== undefined && type !== undefined) {
      if (!helped.has(name)) throw new Error(`no help before ${line}`)
      families.set(name, { type, labels: new Set(), series: 0 })
    } else if (metric !== undefined) {
      const base = families.has(metric) ? metric : metric.replace(/_(bucket|sum|count)$/, '')
      const family = families.get(base)
      if (!family) throw new Error(`no type before ${line}`)
      family.series++
      for (const [, label] of pairs.matchAll(/([a-z]+)="/g)) family.labels.add(label ?? '')
    } else if (line !== '') throw new Error(`not in the format: ${line}`)
  }
  return families
}

/** A connection whose reads answer in this order. */
function createConnection(outcomes: (FaultCode | 'good')[]): Connection {
  const sample: Sample = { tag: 'a/b/c/d', at: 1, value: 1, quality: quality.good }
  return {
    async read() {
      const outcome = outcomes.shift() ?? 'good'
      if (outcome !== 'good') throw new Fault(outcome, {})
      return [sample]
    },
    counters: () => ({ requests: 40, exceptions: 4, lost: 1, holes: 6 }),
    async [Symbol.asyncDispose]() {},
  }
}

async function readAll(connection: Connection, times: number): Promise<void> {
  for (let i = 0; i < times; i++) await connection.read([], never()).catch(() => undefined)
}

describe('/metrics', () => {
  it('has the committed names, types and labels, in the format of Prometheus', async () => {
    const meters = createDriverMeters()
    const driver = { connect: async () => createConnection([]) }
    const measured = meters.measure({ device: 'a', driver: 'modbus' }, driver)
    await readAll(await measured.connect(never()), 1)
    const families = parseExposition(await createGatewayMetrics(createNumbers(meters)).metrics())
    const lines = [...families].map(([name, { type, labels }]) => {
      return [name, type, ...[...labels].sort()].join(' ')
    })
    const committed = await readFile(join(import.meta.dirname, 'metric-names.txt'), 'utf8')
    expect(lines.sort()).toEqual(committed.trimEnd().split('\n'))
    for (const [name, { type }] of families) {
      expect(name.endsWith('_total'), name).toBe(type === 'counter')
    }
  })

  it('has a bounded number of series, and the devices beyond are added up', async () => {
    const families = parseExposition(await createGatewayMetrics(createNumbers()).metrics())
    expect(families.get('gw_polls_total')?.series).toBe(300)
    const text = await createGatewayMetrics(createNumbers()).metrics()
    expect(text).toContain(`gw_polls_total{device="other"} ${2 * (DEVICES - 299)}`)
    expect([...bound([['a', 1]], 1)]).toEqual([['a', 1]])
  })
})

describe('the meter of a driver', () => {
  it('keeps counting over reconnects, and tells timeouts from late replies', async () => {
    const meters = createDriverMeters()
    const lives: (FaultCode | 'good')[][] = [
      ['good', 'driver.timeout'],
      ['good', 'driver.foreign-reply'],
    ]
    const driver = { connect: async () => createConnection(lives.shift() ?? []) }
    const measured = meters.measure({ device: 'plc', driver: 'modbus' }, driver)
    const first = await measured.connect(never())
    await readAll(first, 2)
    await first[Symbol.asyncDispose]()
    await first[Symbol.asyncDispose]()
    expect(meters.list()).toMatchObject([{ requests: 40, quarantined: 0 }])
    await readAll(await measured.connect(never()), 3)
    expect(meters.list()).toEqual([
      {
        ...{ device: 'plc', driver: 'modbus', requests: 80, exceptions: 8, lost: 2 },
        ...{ timeouts: 1, lateReplies: 1, connects: 2, quarantined: 6 },
      },
    ])
    const { values } = await meters.durations.get()
    expect(values.find(({ metricName }) => metricName?.endsWith('_count'))?.value).toBe(3)
  })

  it('counts samples by quality on their way', () => {
    const seen: Sample[] = []
    const tally = tallyResults({
      add: (samples) => void seen.push(...samples),
      addRow: (row) => void seen.push(...toSamples(row)),
      flush: () => {},
      run: async () => {},
      counters: () => ({ samples: 0, batches: 0, dropped: 0, waiting: 0 }),
    })
    const of = (it: number) => ({ tag: 'a/b/c/d', at: 1, value: 1, quality: it }) as Sample
    tally.add([of(192), of(500), of(0), of(192)])
    const of2: RowTags = { tags: ['a/b/c/d', 'a/b/c/e'] }
    const row = { of: of2, at: 2, places: Int32Array.of(1) }
    tally.addRow({ ...row, values: Float64Array.of(7) })
    expect(tally.counts()).toEqual({ good: 3, stale: 1, bad: 1 })
    expect(seen).toHaveLength(5)
  })
})
