/** How much of the last hour of an asset could not be judged, and by whose fault: a blind machine must not look like a calm one. */
import type { UnjudgedView } from '../../protocol/api-models.ts'
import {
  type AssetId,
  derivedTagId,
  quality,
  type Sample,
  type SiteId,
} from '../../protocol/model.ts'
import type { ScoringResult } from './result.ts'
import type { Problem } from './window.ts'

/** An hour of a fast model in minutes; of a slow one so many of its rows. */
const BUCKETS = 60
const LEAST_BUCKET_MS = 60_000
/** With less than half of the span watched nothing is said. */
const LEAST_BUCKETS = BUCKETS / 2
/** A tag that is missing less often is not to blame. */
const LEAST_TAG_SHARE = 0.1
const MAX_TAGS = 3

/** From this share on an asset counts as not judged. */
export const UNJUDGED_LIMIT = 0.5
/** Below half of that it counts as judged again: what hovers must not come and go. */
export const UNJUDGED_DEADBAND = 0.5
export const UNJUDGED_OUTPUT = 'Unjudged'

/** A minute's news of an asset. */
export interface UnjudgedReport {
  asset: AssetId
  /** The share, of the derived tag; bad without a value where too little was watched. */
  sample: Sample
  /** Who is to blame, as a message of an alarm names it. */
  causes: string[]
}

export interface UnjudgedWatch {
  /** Results of the model that speaks for an asset; others are passed over. */
  accept(results: readonly ScoringResult[]): UnjudgedReport[]
  /** Undefined: it was not watched for long enough. */
  of(asset: string): UnjudgedView | undefined
}

export interface UnjudgedParts {
  siteOf(asset: string): SiteId | undefined
  periodMsOf(model: string): number | undefined
}

interface Bucket {
  at: number
  rows: number
  unjudged: number
  /** Rows without a value of their own, by tag. */
  missing: Map<string, { rows: number; problem: Problem }>
  /** Why there was no score, where no tag was missing. */
  reason?: string
}

interface Seen {
  model: string
  bucketMs: number
  buckets: Bucket[]
}

export function bucketMsOf(periodMs: number): number {
  return Math.max(LEAST_BUCKET_MS, periodMs)
}

export function createUnjudgedWatch({ siteOf, periodMsOf }: UnjudgedParts): UnjudgedWatch {
  const watched = new Map<string, Seen>()
  /** Each version at its own pace: the one before it may have been faster. */
  const begin = (model: string): Seen => {
    return { model, bucketMs: bucketMsOf(periodMsOf(model) ?? 0), buckets: [] }
  }

  function take(result: ScoringResult): UnjudgedReport | undefined {
    const { asset, model, at } = result
    const known = watched.get(asset)
    const seen = known?.model === model ? known : begin(model)
    watched.set(asset, seen)
    const start = Math.floor(at / seen.bucketMs) * seen.bucketMs
    const last = seen.buckets.at(-1)
    if (last?.at === start) {
      count(last, result)
      return undefined
    }
    const view = sum(seen)
    const bucket: Bucket = { at: start, rows: 0, unjudged: 0, missing: new Map() }
    const from = start - BUCKETS * seen.bucketMs
    // A clock that was set back leaves no buckets of the future.
    seen.buckets = [...seen.buckets.filter((one) => one.at > from && one.at < start), bucket]
    count(bucket, result)
    const site = siteOf(asset)
    return last && site ? report(asset, site, { at, view }) : undefined
  }

  return {
    accept(results) {
      return results.filter(({ isPrimary }) => isPrimary).flatMap((result) => take(result) ?? [])
    },
    of(asset) {
      const seen = watched.get(asset)
      return seen && sum(seen)
    },
  }
}

/** A machine that is off, or whose gateway is, has no fresh value at all: that is told as such, and is no row to judge. */
function isDark({ row, missing = [] }: ScoringResult): boolean {
  const isOff = ({ problem }: { problem: Problem }) => problem === 'silent' || problem === 'stale'
  return row.length > 0 && missing.length === row.length && missing.every(isOff)
}

function count(bucket: Bucket, result: ScoringResult): void {
  if (isDark(result)) return
  bucket.rows += 1
  if (result.state === 'unknown') bucket.unjudged += 1
  for (const { name, problem } of result.missing ?? []) {
    const rows = (bucket.missing.get(name)?.rows ?? 0) + 1
    bucket.missing.set(name, { rows, problem })
  }
  if (result.state === 'scored' || result.missing?.length) return
  if (result.filling) bucket.reason ??= result.reason
  else bucket.reason = result.reason
}

function sum({ buckets }: Seen): UnjudgedView | undefined {
  const counted = buckets.filter(({ rows }) => rows > 0)
  const [first, last] = [counted[0], counted.at(-1)]
  if (!first || !last || counted.length < LEAST_BUCKETS) return undefined
  const total = (of: (bucket: Bucket) => number) => counted.reduce((all, one) => all + of(one), 0)
  const rows = total((one) => one.rows)
  const names = new Set(counted.flatMap(({ missing }) => [...missing.keys()]))
  const tags = [...names]
    .map((name) => ({
      name,
      share: total(({ missing }) => missing.get(name)?.rows ?? 0) / rows,
      problem: counted.findLast(({ missing }) => missing.has(name))?.missing.get(name)?.problem,
    }))
    .flatMap(({ problem, ...tag }) => (problem ? [{ ...tag, problem }] : []))
    .filter(({ share }) => share >= LEAST_TAG_SHARE)
    .sort((one, other) => other.share - one.share)
    .slice(0, MAX_TAGS)
  const reason = counted.findLast((one) => one.reason !== undefined)?.reason ?? null
  const share = total(({ unjudged }) => unjudged) / rows
  return { from: first.at, share, tags, reason: tags.length > 0 ? null : reason }
}

function report(
  asset: AssetId,
  site: SiteId,
  { at, view }: { at: number; view: UnjudgedView | undefined },
): UnjudgedReport {
  const value = view?.share ?? null
  const own = { at, value, quality: value === null ? quality.bad : quality.good }
  const causes = view?.tags.map(
    ({ name, share, problem }) => `${name}:${problem} in ${Math.round(100 * share)} % of the rows`,
  )
  const named = causes?.length ? causes : view?.reason ? [view.reason] : []
  return {
    asset,
    sample: { tag: derivedTagId(site, asset, UNJUDGED_OUTPUT), ...own },
    causes: named,
  }
}
