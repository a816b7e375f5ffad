/** F22, F27–F29, F33, F34: what happens to the gateway's own machine: kills, stops, memory, files, configuration. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Bench, openBench } from './bench.ts'
import type { Told } from './counting-plc.ts'
import { runOutage } from './edge-link-faults.ts'
import { judge } from './judge.ts'
import { runKills } from './outbox-kills.ts'
import { missingMosquitto } from './processes.ts'
import type { Scenario, Seen } from './scenario.ts'
import { until } from './until.ts'

/** The group of F22 takes the number of its kills from the command line. */
export function createHostFaults(kills: number): readonly Scenario[] {
  const scenarios: Scenario[] = [
    {
      id: 'F22',
      fault: `an appending process killed (-9) ${kills} times`,
      expect: 'every append that returned is there once; file sound',
      missing: () => undefined,
      run: () => runKills({ rounds: kills }),
    },
    {
      id: 'F22b',
      fault: 'the whole gateway killed (-9) 4 times',
      expect: 'nothing lost outside the told dead times',
      run: () => runGatewayKills(4),
    },
    {
      id: 'F27',
      fault: 'gateway stopped (SIGSTOP) for 15 s',
      expect: 'one gap told, no burst of polls afterwards',
      run: () => runStopped(15_000),
    },
    {
      id: 'F28',
      fault: 'heap of 64 MB, broker gone for 15 s',
      expect: 'goes on within its memory',
      run: () =>
        runOutage({
          bench: { gatewayEnv: { NODE_OPTIONS: '--max-old-space-size=64' } },
          begin: ({ broker }) => broker.kill(),
          lastsMs: 15_000,
          during: async ({ gateway }) => (gateway.pid() === undefined ? ['it died'] : []),
          end: ({ broker }) => broker.start(),
        }),
    },
    {
      id: 'F29',
      fault: 'no file descriptor left for 15 s',
      expect: 'telemetry goes on, new connections wait',
      missing: () =>
        existsSync('/usr/bin/prlimit') ? missingMosquitto() : 'apt-get install util-linux',
      run: () => runNoFiles(15_000),
    },
    {
      id: 'F33',
      fault: 'the identical configuration applied again (restart) during a backlog',
      expect: 'the backlog stays; one gap for the restart',
      run: runSameConfig,
    },
    {
      id: 'F34',
      fault: 'a wrong configuration file',
      expect: 'refused with path and hint, exit 2; the running gateway goes on',
      run: runBadConfig,
    },
  ]
  return scenarios.map((scenario) => ({ missing: missingMosquitto, ...scenario }))
}

async function runGatewayKills(times: number): Promise<Seen> {
  await using bench = await openBench()
  await bench.flows('before the fault')
  for (let i = 0; i < times; i++) {
    await sleep(1000 + i * 333)
    await bench.gateway.kill()
    await bench.gateway.start()
  }
  return await finish(bench, Date.now(), [])
}

async function finish(bench: Bench, endedAt: number, failed: string[]): Promise<Seen> {
  const secondsToNormal = await bench.normal(endedAt)
  const { lost, duplicated, stored, inGaps, ...verdict } = await judge(bench)
  const gaps = bench.store.gaps().map(({ reason, from, to }) => {
    return `${reason} ${((to - from) / 1000).toFixed(1)} s`
  })
  failed.push(...verdict.failed)
  const said = `${stored} stored, ${inGaps} in gaps${gaps.length > 0 ? ` (${gaps.join(', ')})` : ''}`
  return { said, lost, duplicated, secondsToNormal, failed }
}

/** Polls within any tenth of a second beyond this are a burst; one group of 100 ms makes one or two. */
const MAX_POLLS_IN_100_MS = 4

async function runStopped(lastsMs: number): Promise<Seen> {
  await using bench = await openBench()
  await bench.flows('before the fault')
  bench.gateway.signal('SIGSTOP')
  const stoppedAt = Date.now()
  await sleep(lastsMs)
  const endedAt = Date.now()
  bench.gateway.signal('SIGCONT')
  await bench.flows('after the stop')
  const failed = findBurst(bench.plc.told)
  const seen = await finish(bench, endedAt, failed)
  const isTold = bench.store
    .gaps()
    .some(({ from, to }) => from <= stoppedAt + 500 && to >= endedAt - 500)
  if (!isTold) seen.failed.push('no gap tells of the stop')
  return seen
}

function findBurst(told: readonly Told[]): string[] {
  const most = Math.max(
    ...told.map(
      ({ monoMs }, i) => told.slice(i).filter((each) => each.monoMs < monoMs + 100).length,
    ),
  )
  return most > MAX_POLLS_IN_100_MS ? [`${most} polls within 100 ms`] : []
}

async function runNoFiles(lastsMs: number): Promise<Seen> {
  await using bench = await openBench()
  await bench.flows('before the fault')
  const { pid, openFiles } = bench.gateway
  const limit = (count: number) =>
    spawnSync('prlimit', ['--pid', String(pid()), `--nofile=${count}:4096`])
  limit(openFiles())
  const port = Number(new URL(bench.localUrl()).port)
  const callers = Array.from({ length: 20 }, () => connect(port, '127.0.0.1'))
  for (const caller of callers) caller.on('error', () => caller.destroy())
  const before = bench.store.last()
  await sleep(lastsMs)
  const failed = bench.store.last() - before < lastsMs / 200 ? ['readings stopped'] : []
  for (const caller of callers) caller.destroy()
  const endedAt = Date.now()
  limit(4096)
  return await finish(bench, endedAt, failed)
}

type OutboxNow = NonNullable<Awaited<ReturnType<Bench['status']>>>['outbox'] | undefined

async function runSameConfig(): Promise<Seen> {
  await using bench = await openBench()
  await bench.flows('before the fault')
  bench.proxy.set({ refuse: true })
  bench.proxy.reset()
  await sleep(4000)
  const before = (await bench.status())?.outbox
  await bench.gateway.stop()
  await bench.gateway.start()
  let after: OutboxNow
  await until('the page answers', async () => {
    after = (await bench.status())?.outbox
    return after !== undefined
  })
  const failed: string[] = []
  if ((after?.batches ?? 0) < (before?.batches ?? 0)) {
    failed.push(`${before?.batches} batches became ${after?.batches}`)
  }
  bench.proxy.clear()
  const seen = await finish(bench, Date.now(), failed)
  const gaps = bench.store.gaps().length
  if (gaps !== 1) failed.push(`${gaps} gaps for one restart`)
  return seen
}

async function runBadConfig(): Promise<Seen> {
  await using bench = await openBench()
  await bench.flows('before the fault')
  const bad = join(bench.dir, 'bad.yaml')
  const text = readFileSync(bench.configFile, 'utf8').replace(
    'encoding: uint32',
    'encodign: uint32',
  )
  await writeFile(bad, text)
  const program = join(import.meta.dirname, '../../mimamori.ts')
  const args = [program, 'edge', 'check', '--config', bad]
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  const failed = status === 2 ? [] : [`exit ${status}`]
  if (!/devices\[0\].*encodign.*"encoding"/.test(stderr)) failed.push(`it said: ${stderr}`)
  const seen = await finish(bench, Date.now(), failed)
  const words = stderr.split('\n').find((line) => line.includes('encodign')) ?? ''
  return { ...seen, said: words.replace(/^.*bad\.yaml/, 'bad.yaml').slice(0, 120) }
}
