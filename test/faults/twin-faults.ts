/** F10: two gateways with one identity put each other out; both ledgers are judged. */
import { cpSync } from 'node:fs'
import { type Bench, openBench, type Twin } from './bench.ts'
import { TWIN_FIRST } from './counting-plc.ts'
import { fewConnects } from './edge-link-faults.ts'
import { countTag, findDoubled, findMissing, judge } from './judge.ts'
import { missingMosquitto } from './processes.ts'
import type { Scenario, Seen } from './scenario.ts'
import { until } from './until.ts'

/** Waits of half a second and doubling: five take-overs of either side, and a few tries more. */
const MOST_CONNECTS = 40
const TOLD_MS = 180_000

export const twinFaults: readonly Scenario[] = [
  {
    id: 'F10',
    fault: 'a second gateway with the same identity, until both have noticed',
    expect: 'told on both pages, no take-over storm; alone again, each delivers all it has read',
    missing: missingMosquitto,
    run: () => runTwins(false),
  },
  {
    id: 'F10b',
    fault:
      'the same, and the second one runs on a copy of the disk: batches of both have one number',
    expect: 'an acknowledgement of the one deletes nothing of the other',
    missing: missingMosquitto,
    run: () => runTwins(true),
  },
]

async function runTwins(isCopy: boolean): Promise<Seen> {
  await using bench = await openBench()
  await bench.flows('before the fault')
  const twin = await bench.createTwin()
  const before = bench.proxy.accepted()
  if (isCopy) {
    await bench.gateway.stop()
    cpSync(bench.dataDir, twin.dataDir, { recursive: true })
    await Promise.all([bench.gateway.start(), twin.gateway.start()])
  } else await twin.gateway.start()
  for (const { status } of [bench, twin]) {
    const isTold = async () => (await status())?.cloud.contest !== undefined
    await until('the contest is told on the page', isTold, TOLD_MS)
  }
  const failed = await fewConnects(bench, before + MOST_CONNECTS)
  await twin.gateway.stop()
  const endedAt = Date.now()
  const secondsToNormal = await bench.normal(endedAt)
  const first = await judge(bench, { isSound: true })
  // The site has found the mistake: now the second one has the name to itself, with what waited on its disk.
  await bench.gateway.stop()
  await twin.gateway.start()
  await drain(bench, twin)
  const second = judgeTwin(bench, twin)
  failed.push(...first.failed, ...second.failed)
  return {
    said: `${first.stored} and ${second.stored} stored, ${bench.proxy.accepted() - before} connections`,
    lost: first.lost + second.lost,
    duplicated: first.duplicated + second.duplicated,
    secondsToNormal,
    failed,
  }
}

async function drain({ store }: Bench, { plc, status }: Twin): Promise<void> {
  const target = plc.last() + 1
  const since = Date.now()
  await until(
    'the second one has delivered',
    async () => {
      const { oldestAt } = (await status())?.outbox ?? { oldestAt: 0 }
      const isFresh = store.samples(countTag).some(({ value }) => Number(value) >= target)
      return isFresh && (oldestAt === undefined || oldestAt > since)
    },
    TOLD_MS,
  )
}

/** Its own device was sound all the time: a mark of the other gateway, which has the same tags, excuses nothing. */
function judgeTwin({ store }: Bench, { plc: { told } }: Twin) {
  const own = store.samples(countTag).filter(({ value }) => Number(value) >= TWIN_FIRST)
  const { unexplained } = findMissing(own, { told, gaps: store.gaps() })
  const values = new Set(own.map(({ value }) => value))
  const times = own.map(({ value, at }) => ({ value: Number(value), at }))
  const doubled = findDoubled(times, store.staleMarks(countTag))
  const known = new Set(told.map(({ value }) => String(value)))
  const wrong = [...values].filter((value) => !known.has(String(value)))
  return {
    stored: values.size,
    lost: unexplained.length,
    duplicated: doubled.length,
    failed: wrong.length > 0 ? [`${wrong.length} values the second device never told`] : [],
  }
}
