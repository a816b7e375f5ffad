/** F01–F09, F11: what can happen between gateway and broker. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Bench, type BenchOptions, openBench } from './bench.ts'
import { judge } from './judge.ts'
import { missingMosquitto } from './processes.ts'
import type { Scenario, Seen } from './scenario.ts'

interface Outage {
  bench?: BenchOptions
  /** Starts the fault. */
  begin(bench: Bench): Promise<void> | void
  lastsMs: number
  end(bench: Bench): Promise<void> | void
  /** What must hold beside the ledger; asked once before the end and once at the very end. */
  during?(bench: Bench): Promise<string[]>
  after?(bench: Bench): Promise<string[]>
}

/** Data flows, the fault comes, lasts, goes; then everything told must be stored once. */
export async function runOutage(outage: Outage): Promise<Seen> {
  await using bench = await openBench(outage.bench)
  await bench.flows('before the fault')
  await outage.begin(bench)
  await sleep(outage.lastsMs)
  const depth = (await bench.status())?.outbox
  const failed = [...((await outage.during?.(bench)) ?? [])]
  const endedAt = Date.now()
  await outage.end(bench)
  const secondsToNormal = await bench.normal(endedAt)
  const verdict = await judge(bench)
  failed.push(...verdict.failed, ...((await outage.after?.(bench)) ?? []))
  if ((depth?.dropped ?? 0) > 0) failed.push(`the outbox dropped ${depth?.dropped}`)
  const { lost, duplicated, stored, inGaps } = verdict
  const waited = depth ? `${depth.samples} waited, ` : ''
  const said = `${waited}${stored} stored, ${inGaps} in gaps`
  return { said, lost, duplicated, secondsToNormal, failed }
}

/** Half of them at once would still be a storm: a try doubles its wait up to a minute. */
export async function fewConnects(bench: Bench, most: number): Promise<string[]> {
  const tries = bench.proxy.accepted()
  return tries > most ? [`${tries} connections, ${most} at most`] : []
}

export const edgeLinkFaults: readonly Scenario[] = [
  {
    id: 'F01',
    fault: 'broker killed (-9), back after 20 s',
    expect: 'outbox grows, nothing dropped, drained afterwards',
    run: () =>
      runOutage({
        begin: ({ broker }) => broker.kill(),
        lastsMs: 20_000,
        end: ({ broker }) => broker.start(),
      }),
  },
  {
    id: 'F02',
    fault: 'broker refuses for 30 s',
    expect: 'tries back off with jitter, under 10 % CPU',
    run: () => runRefusal(30_000),
  },
  {
    id: 'F03',
    fault: 'link up 3 s, down 3 s, five times',
    expect: 'nothing doubled, files and connections do not grow',
    run: () => runFlaps(5),
  },
  {
    id: 'F05',
    fault: '2 s round trip, 64 kbit/s, for 25 s',
    expect: 'the session stays up, nothing lost',
    run: () =>
      runOutage({
        begin: ({ proxy }) => proxy.set({ latencyMs: 1000, bytesPerS: 8000 }),
        lastsMs: 25_000,
        end: ({ proxy }) => proxy.clear(),
        after: (bench) => fewConnects(bench, 2),
      }),
  },
  {
    id: 'F06',
    fault: 'broker stops reading (SIGSTOP) for 25 s',
    expect: 'readings wait on disk, memory bounded',
    run: () => runStall(25_000),
  },
  {
    id: 'F07',
    fault: 'half-open: nothing passes, nothing closes, 45 s',
    expect: 'found within 1.5 keep-alives (30 s), new session',
    run: () => runHalfOpen(45_000),
  },
  {
    id: 'F09',
    fault: 'acknowledgements come after 12 s, later than waited for',
    expect: 'ranges are sent again, stored once',
    run: () => runLateCommits('12000'),
  },
  {
    id: 'F11',
    fault: 'broker keeps 1 in flight and 10 queued; host killed and back after 5 s',
    expect: 'back-pressure into the outbox, no loss',
    run: () =>
      runOutage({
        bench: { brokerConfig: ['max_inflight_messages 1', 'max_queued_messages 10'] },
        begin: ({ host }) => host.kill(),
        lastsMs: 5000,
        end: ({ host }) => host.start(),
      }),
  },
].map((scenario) => ({ missing: missingMosquitto, ...scenario }))

async function runRefusal(lastsMs: number): Promise<Seen> {
  let cpuMs = 0
  let before = 0
  return await runOutage({
    begin(bench) {
      bench.proxy.set({ refuse: true })
      bench.proxy.reset()
      cpuMs = bench.gateway.cpuMs()
      before = bench.proxy.accepted()
    },
    lastsMs,
    async during(bench) {
      const share = (bench.gateway.cpuMs() - cpuMs) / lastsMs
      // 0.5 s doubling, at least half of it each: 30 s hold no more than eight tries.
      const failed = await fewConnects(bench, before + 8)
      return share > 0.1 ? [...failed, `${Math.round(share * 100)} % CPU`] : failed
    },
    end: ({ proxy }) => proxy.clear(),
  })
}

async function runFlaps(times: number): Promise<Seen> {
  let files = 0
  return await runOutage({
    async begin(bench) {
      files = bench.gateway.openFiles()
      for (let i = 0; i < times; i++) {
        bench.proxy.set({ refuse: true })
        bench.proxy.reset()
        await sleep(3000)
        bench.proxy.clear()
        await sleep(3000)
      }
    },
    lastsMs: 0,
    end: () => undefined,
    after: async ({ gateway, proxy }) => [
      ...(gateway.openFiles() > files + 5 ? [`${files} files became ${gateway.openFiles()}`] : []),
      ...(proxy.open() > 1 ? [`${proxy.open()} connections at once`] : []),
    ],
  })
}

async function runStall(lastsMs: number): Promise<Seen> {
  let rssMB = 0
  return await runOutage({
    begin({ broker, gateway }) {
      rssMB = gateway.rssMB()
      broker.signal('SIGSTOP')
    },
    lastsMs,
    during: async ({ gateway }) => {
      const more = gateway.rssMB() - rssMB
      return more > 100 ? [`${Math.round(more)} MB more memory`] : []
    },
    end: ({ broker }) => broker.signal('SIGCONT'),
  })
}

async function runHalfOpen(lastsMs: number): Promise<Seen> {
  let before = 0
  return await runOutage({
    begin({ proxy }) {
      before = proxy.accepted()
      proxy.set({ frozen: 'both' })
    },
    lastsMs,
    during: async ({ proxy }) => (proxy.accepted() === before ? ['not found out after 45 s'] : []),
    end: ({ proxy }) => proxy.clear(),
  })
}

async function runLateCommits(takesMs: string): Promise<Seen> {
  return await runOutage({
    bench: { hostEnv: { COMMIT_TAKES_MS: takesMs } },
    begin: () => undefined,
    lastsMs: 25_000,
    async during({ metric }) {
      const again = await metric('gw_uplink_historical_samples_total')
      return again > 0 ? [] : ['no range was ever sent again']
    },
    // The historian recovers.
    async end(bench) {
      await bench.host.kill()
      await bench.restartHost({})
    },
  })
}
