/** What the connections of each device have counted, over reconnects; measured from outside, so that no driver knows of metrics. */
import { Histogram } from 'prom-client'
import { Fault } from '../protocol/kit/fault.ts'
import type { Connection, Driver } from './drivers/driver.ts'

export interface DeviceMeter {
  device: string
  driver: string
  /** What the driver says it sent; where it does not say, its reads. */
  requests: number
  /** Answered with a refusal of the protocol. */
  exceptions: number
  /** Connects and reads that nobody answered in time. */
  timeouts: number
  /** Answers to something else, too late or foreign: thrown away, and the line opened anew. */
  lateReplies: number
  /** Exchanges without an answer to be trusted, while a bus went on. */
  lost: number
  connects: number
  /** Addresses and nodes the device does not know, asked for again from time to time; of the open connection. */
  quarantined: number
}

export interface DriverMeters {
  /** The same driver, measured. */
  measure(about: { device: string; driver: string }, plain: Driver): Driver
  list(): DeviceMeter[]
  /** Of reads, by driver. */
  readonly durations: Histogram<'driver'>
}

type Counts = Omit<DeviceMeter, 'device' | 'driver' | 'quarantined'>

interface Meter {
  driver: string
  /** Of connections that are closed, and what is seen from outside. */
  past: Counts
  open: Connection | undefined
  /** Reads of the open connection. */
  reads: number
}

/** From a fast PLC to a slow bus. */
const BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Durations wait to be sorted into their buckets: many at once take a tenth of the time. */
const MAX_WAITING = 512

export function createDriverMeters(): DriverMeters {
  const meters = new Map<string, Meter>()
  const waiting = new Map<string, number[]>()
  const durations: Histogram<'driver'> = new Histogram({
    ...{ name: 'gw_poll_duration_seconds', help: 'How long reads of a group took.' },
    ...{ labelNames: ['driver'] as const, buckets: BUCKETS_S, registers: [] },
    collect: () => {
      for (const driver of waiting.keys()) sort(driver)
    },
  })
  const sort = (driver: string) => {
    const timer = durations.labels({ driver })
    for (const seconds of waiting.get(driver) ?? []) timer.observe(seconds)
    waiting.set(driver, [])
  }
  return {
    durations,
    measure({ device, driver }, plain) {
      const meter = meters.get(device) ?? { driver, past: noCounts(), open: undefined, reads: 0 }
      meters.set(device, meter)
      if (!waiting.has(driver)) waiting.set(driver, [])
      const observe = (seconds: number) => {
        const list = waiting.get(driver)
        if (list && list.push(seconds) >= MAX_WAITING) sort(driver)
      }
      return { connect: (signal) => connect(plain, { meter, observe }, signal) }
    },
    list: () => [...meters].map(([device, meter]) => ({ device, ...readMeter(meter) })),
  }
}

interface Measuring {
  meter: Meter
  observe(seconds: number): void
}

async function connect(
  plain: Driver,
  { meter, observe }: Measuring,
  signal: AbortSignal,
): Promise<Connection> {
  const open = await countFaults(meter, () => plain.connect(signal))
  meter.past.connects++
  meter.open = open
  meter.reads = 0
  const timed = <T>(read: () => Promise<T>): Promise<T> => {
    meter.reads++
    const startedMs = performance.now()
    return countFaults(meter, async () => {
      const result = await read()
      observe((performance.now() - startedMs) / 1000)
      return result
    })
  }
  const { readColumns, subscribe } = open
  return {
    // Everything else as it is; connections are plain objects.
    ...open,
    read: (tags, until) => timed(() => open.read(tags, until)),
    readColumns: readColumns && ((tags, until) => timed(() => readColumns(tags, until))),
    subscribe:
      subscribe && ((tags, emit, until) => countFaults(meter, () => subscribe(tags, emit, until))),
    async [Symbol.asyncDispose]() {
      fold(meter, open)
      await open[Symbol.asyncDispose]()
    },
  }
}

async function countFaults<T>({ past }: Meter, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof Fault && error.code === 'driver.timeout') past.timeouts++
    if (error instanceof Fault && error.code === 'driver.foreign-reply') past.lateReplies++
    throw error
  }
}

/** A closed connection's counts are kept; the same object may be disposed twice. */
function fold(meter: Meter, open: Connection): void {
  if (meter.open !== open) return
  const { driver: _, quarantined: __, ...counts } = readMeter(meter)
  meter.past = counts
  meter.open = undefined
  meter.reads = 0
}

function readMeter({ driver, past, open, reads }: Meter): Omit<DeviceMeter, 'device'> {
  const now = open?.counters?.()
  return {
    driver,
    ...past,
    requests: past.requests + (now?.requests ?? reads),
    exceptions: past.exceptions + (now?.exceptions ?? 0),
    lost: past.lost + (now?.lost ?? 0),
    quarantined: now?.holes ?? 0,
  }
}

function noCounts(): Counts {
  return { requests: 0, exceptions: 0, timeouts: 0, lateReplies: 0, lost: 0, connects: 0 }
}
