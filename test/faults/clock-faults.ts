/** F30–F32: clocks that were never set, step, drift or change to summer time, by libfaketime under a real gateway. */
import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Bench, type BenchOptions, openBench } from './bench.ts'
import { type JudgeOptions, judge } from './judge.ts'
import { missingMosquitto } from './processes.ts'
import type { Scenario, Seen } from './scenario.ts'
import { until } from './until.ts'

const FAKETIME = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1'

function missingFaketime(): string | undefined {
  return existsSync(FAKETIME) ? missingMosquitto() : 'apt-get install faketime'
}

/** A poll of 100 ms that comes later than this was skipped, on the busiest machine; a dead gateway is no skipped poll. */
const SKIPPED_MS = 15_000
/** Nobody can tell a slow line from a clock that is off by less; beyond it readings carry the cloud's time. */
const TRUSTED_MS = 10_000
/** The cloud's time is known up to the way of its word. */
const HEARD_MS = 1500

interface ClockRun {
  /** What the gateway's clock says when it starts, in faketime's words. */
  start?: string
  env?: Readonly<Record<string, string>>
  bench?: BenchOptions
  judge?: JudgeOptions
  isRestarted?: boolean
  /** The gateway runs and data flows; `set` steps its clock. */
  fault(bench: Bench, set: (clock: string) => Promise<void>): Promise<string[] | undefined>
}

/** Nothing is lost, doubled or skipped, and every good reading has the time at which it was read. */
async function runClock({ start = '+0', env, fault, ...run }: ClockRun): Promise<Seen> {
  await using stack = new AsyncDisposableStack()
  const tmp = process.env.TMPDIR ?? '/tmp'
  const clockFile = join(tmp, `mimamori-clock-${process.pid}-${performance.now()}`)
  const set = (clock: string) => writeFile(clockFile, clock)
  await set(start)
  stack.defer(() => rm(clockFile, { force: true }))
  const gatewayEnv = {
    LD_PRELOAD: FAKETIME,
    FAKETIME_TIMESTAMP_FILE: clockFile,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    ...env,
  }
  const bench = stack.use(await openBench({ ...run.bench, gatewayEnv }))
  await bench.flows('before the fault')
  const failed = (await fault(bench, set)) ?? []
  const endedAt = Date.now()
  await bench.flows('after the steps')
  const secondsToNormal = (Date.now() - endedAt) / 1000
  const verdict = await judge(bench, { anyOutbox: true, stampMs: HEARD_MS, ...run.judge })
  const { lost, duplicated, stored, inGaps } = verdict
  failed.push(...verdict.failed)
  const pauseMs = findPause(bench)
  if (!run.isRestarted && pauseMs > SKIPPED_MS) failed.push(`no poll for ${pauseMs} ms`)
  const said = `${stored} stored, ${inGaps} in gaps, longest pause between polls ${pauseMs} ms`
  return { said, lost, duplicated, secondsToNormal, failed }
}

function findPause({ plc: { told } }: Bench): number {
  const pauses = told.slice(1).map((each, i) => each.monoMs - (told[i]?.monoMs ?? 0))
  return Math.round(Math.max(...pauses))
}

export const clockFaults: readonly Scenario[] = [
  {
    id: 'F30',
    fault: 'clock steps +2 h, -3 h, -5 s, then to 1970, while polling',
    expect: 'no poll skipped, every reading once, with its true time',
    run: () =>
      runClock({
        async fault(_, set) {
          for (const step of ['+2h', '-1h', '-3605s', '@1970-01-02 00:00:00']) {
            await set(step)
            await sleep(4000)
          }
        },
      }),
  },
  {
    id: 'F30b',
    fault: 'clock in 1970 at boot, then right; the cloud is there',
    expect: "the cloud's time from the first word on, no reading with another",
    run: () =>
      runClock({
        start: '@1970-01-02 00:00:00',
        async fault(_, set) {
          await sleep(3000)
          await set('+0')
          await sleep(4000)
        },
      }),
  },
  {
    id: 'F30c',
    fault: 'killed with a backlog, boots in 1970 without a cloud, clock set after 4 s',
    expect: 'nothing dropped as too old; what was read in 1970 gets its true time; dead time told',
    run: () => runClock({ isRestarted: true, fault: bootIn1970 }),
  },
  {
    id: 'F31',
    fault: 'clock drifts by 260 s (a month of 100 ppm, in 29 s)',
    expect: 'offset measured, told on page and in /metrics; no reading off by more than 10 s',
    run: () => runClock({ judge: { stampMs: TRUSTED_MS + HEARD_MS }, fault: drift }),
  },
  {
    id: 'F32',
    fault: 'daylight saving begins (Europe/Berlin, 2031-03-30 02:00), the cloud years behind',
    expect: 'no event: UTC goes on without a hole or a double',
    run: () =>
      runClock({
        start: '@2031-03-30 01:59:50',
        env: { TZ: 'Europe/Berlin' },
        fault: () => sleep(15_000),
      }),
  },
].map((scenario) => ({ missing: missingFaketime, ...scenario }))

async function bootIn1970(bench: Bench, set: (clock: string) => Promise<void>): Promise<string[]> {
  bench.proxy.set({ refuse: true })
  bench.proxy.reset()
  await sleep(3000)
  await bench.gateway.kill()
  await set('@1970-01-02 00:00:00')
  await bench.gateway.start()
  await sleep(4000)
  const failed = (await bench.metric('gw_clock_set')) === 0 ? [] : ['1970 was believed']
  await set('+0')
  await until('the clock is believed', async () => (await bench.metric('gw_clock_set')) === 1)
  await sleep(1000)
  bench.proxy.clear()
  await bench.flows('after the cloud is back')
  const dropped = (await bench.status())?.outbox.dropped ?? 0
  if (dropped > 0) failed.push(`${dropped} dropped`)
  if (bench.store.gaps().length !== 1) failed.push(`${bench.store.gaps().length} gaps`)
  return failed
}

async function drift(bench: Bench, set: (clock: string) => Promise<void>): Promise<string[]> {
  await set('+0 x10')
  await sleep(29_000)
  const offsetS = await bench.metric('gw_clock_offset_seconds')
  const failed = offsetS < -200 ? [] : [`offset told: ${offsetS} s`]
  if ((await bench.metric('gw_clock_corrected')) !== 1) failed.push('not corrected')
  if ((await bench.status())?.clock.isCorrected !== true) failed.push('the page does not tell')
  await set('+0')
  return failed
}
