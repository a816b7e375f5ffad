/** The way of a sample through the cloud: historian, then console and models; a score takes the same way and may raise an alarm. */
import type { SampleView } from '../protocol/api.ts'
import { Fault } from '../protocol/kit/fault.ts'
import { CLOUD_NODE, parseTagId, quality, type Sample, type TagId } from '../protocol/model.ts'
import type { Alarms } from './alarms/alarms.ts'
import type { Cases } from './cases/cases.ts'
import type { CloudConfig } from './config.ts'
import type { Fleet } from './fleet/fleet.ts'
import { toSampleView } from './fleet/sample-view.ts'
import type { Historian } from './historian/historian.ts'
import type { CommitBatch } from './ingest/ingest.ts'
import type { Models } from './open-models.ts'
import type { ScoringResult } from './scoring/result.ts'
import type { Scoring } from './scoring/scoring.ts'
import type { UnjudgedReport } from './scoring/unjudged-watch.ts'

/** A thousand assets can have one trouble; a line of the log names so many. */
const MAX_SAID = 5

export interface FlowOptions {
  config: CloudConfig
  historian: Historian
  fleet: Fleet
  scoring: Scoring
  alarms: Alarms
  cases: Cases
  models: Pick<Models, 'accept'>
  /** To the pages that look at this asset. */
  show(samples: SampleView[], of: { asset: string; site: string }): void
}

export interface FlowCounters {
  quarantined: number
  scored: number
  unknown: number
  inferenceSeconds: number
}

export interface Flow {
  /** Durable when it resolves; rejects when nothing is known to be stored, and the gateway sends again. */
  commit(batch: CommitBatch): Promise<void>
  /** Scores what is due. */
  score(now: number): Promise<void>
  latestScore(asset: string): ScoringResult | undefined
  /** When a cell of each tag was filled last in a score of the asset's own model, by the model's names. */
  filledAt(asset: string): ReadonlyMap<string, number>
  counters(): FlowCounters
}

export function createFlow(options: FlowOptions): Flow {
  const { historian, fleet, scoring, alarms, cases, models } = options
  const show = createShow(options)
  const latest = new Map<string, ScoringResult>()
  const filled = new Map<string, Map<string, number>>()
  const counters: FlowCounters = { quarantined: 0, scored: 0, unknown: 0, inferenceSeconds: 0 }

  async function store(samples: Sample[], from: { site: string; gateway: string }): Promise<void> {
    const { rejected } = await historian.write(samples)
    counters.quarantined += rejected.length
    if (rejected.length === 0) return
    const at = Date.now()
    await fleet.quarantine(rejected.map(({ sample, reason }) => ({ at, ...from, sample, reason })))
  }

  function keepLatest(result: ScoringResult): void {
    latest.set(result.asset, result)
    if (!result.filled?.length) return
    const times = filled.get(result.asset) ?? new Map<string, number>()
    for (const name of result.filled) times.set(name, result.at)
    filled.set(result.asset, times)
  }

  async function react(result: ScoringResult): Promise<void> {
    counters[result.state] += 1
    if (result.isPrimary) keepLatest(result)
    const { contributions, breaches, windowFilled } = result
    await alarms.accept(result.samples, { contributions, breaches, filled: windowFilled })
    if (!result.isPrimary) return
    const ratio = result.samples.find(({ tag }) => tag.endsWith('/Model/Ratio'))
    if (ratio) await cases.acceptRatio(result.asset, ratio)
  }

  /** Once a minute of each asset. */
  async function tellUnjudged(reports: readonly UnjudgedReport[]): Promise<void> {
    if (reports.length === 0) return
    const samples = reports.map(({ sample }) => sample)
    const stored = await attempt(() => store(samples, { site: 'cloud', gateway: 'scoring' }))
    for (const { sample, causes } of reports)
      await alarms.accept([sample], { contributions: [], breaches: causes })
    throwIfAny(stored ? [stored] : [])
  }

  return {
    async commit({ site, gateway, live, historical, gaps }) {
      await store([...historical, ...live], { site, gateway })
      for (const gap of gaps) await fleet.gap({ ...gap, site })
      scoring.accept(live)
      show(live)
    },
    async score(now) {
      const startedAt = performance.now()
      const results = await scoring.tick(now)
      counters.inferenceSeconds += (performance.now() - startedAt) / 1000
      const samples = results.flatMap((result) => result.samples)
      if (samples.length === 0) return
      // A full disk, or the trouble of one asset, takes no alarm from the others: these instants do not come again.
      const attempts = [await attempt(() => store(samples, { site: 'cloud', gateway: 'scoring' }))]
      show(samples)
      for (const result of results) attempts.push(await attempt(() => react(result)))
      attempts.push(await attempt(() => tellUnjudged(models.accept(results))))
      throwIfAny(attempts.filter((error) => error !== undefined))
    },
    latestScore: (asset) => latest.get(asset),
    filledAt: (asset) => filled.get(asset) ?? new Map(),
    counters: () => counters,
  }
}

/** Answers what went wrong. */
async function attempt(work: () => Promise<void>): Promise<Error | undefined> {
  try {
    await work()
    return undefined
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** Throws the one that there is, or all of them as one. */
function throwIfAny(errors: readonly Error[]): void {
  const [first, ...others] = errors
  if (first === undefined) return
  if (others.length === 0) throw first
  const said = [...new Set(errors.map(({ message }) => message))].slice(0, MAX_SAID)
  throw new Fault('internal', { what: said.join(' · ') }, { cause: first })
}

/** Sends each asset's pages the samples of its tags. */
function createShow({ config, show }: FlowOptions): (samples: readonly Sample[]) => void {
  const assetsOf = new Map<TagId, { asset: string; site: string }[]>()
  for (const { id, site, tags } of config.fleet.assets) {
    for (const tag of tags) assetsOf.set(tag, [...(assetsOf.get(tag) ?? []), { asset: id, site }])
  }
  return (samples) => {
    const grouped = new Map<string, { of: { asset: string; site: string }; views: SampleView[] }>()
    for (const sample of samples) {
      for (const of of assetsOf.get(sample.tag) ?? ownerOf(sample.tag)) {
        const group = grouped.get(of.asset) ?? { of, views: [] }
        grouped.set(of.asset, group)
        group.views.push(toSampleView(sample))
      }
    }
    for (const { of, views } of grouped.values()) show(views, of)
  }
}

/** The asset that a derived tag belongs to. */
function ownerOf(tag: TagId): { asset: string; site: string }[] {
  const path = parseTagId(tag)
  return path?.gateway === CLOUD_NODE ? [{ asset: path.device, site: path.site }] : []
}

/** Good for what stands still: an unchanged value is repeated within this. */
const HELD_MS = 90_000
/** A few minutes of a fast tag; a summary of more is not wanted anywhere. */
const MAX_SUMMARISED = 10_000

/** What stands for a tag over [from, to): the mean of numbers, the last text or switch; null: nothing good. */
export async function summarise(
  historian: Pick<Historian, 'raw'>,
  tag: TagId,
  { from, to }: { from: number; to: number },
): Promise<number | string | boolean | null> {
  const samples = await historian.raw(tag, from - HELD_MS, to, MAX_SUMMARISED)
  const good = samples.filter(({ value, quality: q }) => value !== null && q === quality.good)
  const last = good.at(-1)?.value ?? null
  if (typeof last !== 'number') return typeof last === 'bigint' ? last.toString() : last
  const inside = good.filter(({ at }) => at >= from).map(({ value }) => Number(value))
  return inside.length === 0 ? last : inside.reduce((sum, value) => sum + value, 0) / inside.length
}
