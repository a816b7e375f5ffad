/** The store of samples: what every implementation promises. */
import type { Quality, Sample, TagId } from '../../protocol/model.ts'

/** One time bucket of a chart. */
export interface Bucket {
  /** Start of the bucket, Unix ms. */
  at: number
  min: number | null
  mean: number | null
  max: number | null
  /** Samples of any quality in the bucket. */
  count: number
  /** The worst quality seen in the bucket. */
  quality: Quality
}

export interface RangeQuery {
  tag: TagId
  /** Inclusive, Unix ms. */
  from: number
  /** Exclusive, Unix ms. */
  to: number
  /** At most this many buckets. */
  points: number
}

export interface ScanQuery {
  tags: readonly TagId[]
  from: number
  to: number
  /** Grid step, ms. */
  stepMs: number
}

/** A fixed grid for training: `values[tag][row]`, NaN where no good value is known at or before the row within one step. */
export interface Grid {
  at: Float64Array
  values: Float64Array[]
}

/** What happened to each sample of a write; nothing else may happen to it. */
export interface WriteResult {
  committed: number
  /** Refused for good, with the reason; the caller quarantines them. */
  rejected: { sample: Sample; reason: string }[]
}

export interface RetentionPolicy {
  /** Samples older than this are deleted. */
  maxAgeMs: number
}

export interface Historian extends AsyncDisposable {
  /**
   * Durable when it resolves; idempotent on (tag, at): writing the same sample again changes nothing.
   * Throws Fault 'historian.unavailable' (retry) when nothing of it is known to be stored.
   */
  write(samples: readonly Sample[]): Promise<WriteResult>
  /** min/mean/max per bucket; buckets without samples are left out. */
  range(query: RangeQuery): Promise<Bucket[]>
  /** Raw samples of one tag in order of time, at most `limit`. */
  raw(tag: TagId, from: number, to: number, limit: number): Promise<Sample[]>
  /** The newest sample of each tag that has one. */
  latest(tags: readonly TagId[]): Promise<Sample[]>
  scan(query: ScanQuery): Promise<Grid>
  /** Deletes what is older than the policy allows; answers how many samples went (−1: unknown). */
  retain(policy: RetentionPolicy, now: number): Promise<number>
}
