/** Conditioning of one tag, without clock or I/O of its own: scale, limits, type, time, deadband, maximum silence, staleness. */
import { type Quality, quality, type Sample, type TagId, type Value } from '../../protocol/model.ts'
import { createFit, type Fit, fitValue, type ValueRule } from './fit-value.ts'

export interface Rule extends ValueRule {
  /** Smaller changes are not reported. */
  deadband?: number
  /** An unchanged value is repeated after this. */
  maxSilenceMs: number
  /** Without news for so long the tag is stale; undefined: silence is normal (a subscription). */
  staleAfterMs?: number
}

/** A tag with its rule and what is remembered between two readings of it; the functions below change it. */
export interface TagState {
  readonly tag: TagId
  readonly rule: Rule
  readonly fit: Fit
  /** The last sample that was emitted. */
  last: Sample | undefined
  /** Monotonic instant of that emission. */
  emittedMs: number
  /** Monotonic instant of the last reading of any quality. */
  seenMs: number
  /** True while nothing is known: the link is down; neither staleness nor repetition applies. */
  silent: boolean
}

/** What a driver says of a tag now: a sample without its tag. */
export interface Reading {
  at: number
  value: Value | null
  quality: Quality
  status?: number
}

/** Both clocks, taken once per call: wall for `at`, monotonic for every duration. */
export interface Clocks {
  wallMs: number
  monoMs: number
}

/** A source clock further ahead than this is wrong: beyond NTP trouble, below a time zone. */
export const MAX_AHEAD_MS = 60_000
/** 2015-01-01. A source time before it comes from a clock that was never set. */
export const MIN_AT = 1_420_070_400_000

export function createTagState(tag: TagId, rule: Rule, monoMs: number): TagState {
  const times = { emittedMs: monoMs, seenMs: monoMs }
  return { tag, rule, fit: createFit(rule), last: undefined, ...times, silent: true }
}

/** Takes a reading and gives the sample to emit; undefined: nothing worth reporting. */
export function takeReading(state: TagState, reading: Reading, clocks: Clocks): Sample | undefined {
  const value = reading.value === null ? null : fitValue(reading.value, state.rule, state.fit)
  const isRefused = value === null && reading.value !== null
  const rating = isRefused ? quality.bad : reading.quality
  const at = dateReading(state, reading, clocks)
  state.seenMs = clocks.monoMs
  state.silent = false
  const { last, rule } = state
  const isNews =
    last === undefined ||
    last.quality !== rating ||
    last.status !== reading.status ||
    clocks.monoMs - state.emittedMs >= rule.maxSilenceMs ||
    isChanged(last.value, value, rule.deadband ?? 0)
  if (!isNews) return undefined
  return keep(
    state,
    createSample(state.tag, { at, value, quality: rating }, reading.status),
    clocks,
  )
}

function createSample(tag: TagId, { at, value, quality }: Reading, status?: number): Sample {
  return status === undefined ? { tag, at, value, quality } : { tag, at, value, quality, status }
}

function keep(state: TagState, sample: Sample, { monoMs }: Clocks): Sample {
  state.last = sample
  state.emittedMs = monoMs
  return sample
}

/**
 * What the reading must be later than. After a time in which nothing was known that is this very moment: until
 * now the cloud may have marked the tag, by its own clock, and an older reading would hide behind that mark.
 */
function newestTold({ last, silent }: TagState, { wallMs }: Clocks): number | undefined {
  return last && silent ? Math.max(last.at, wallMs - 1) : last?.at
}

/**
 * What says that nothing is known, where its own time cannot stand, begins right behind what was known: at our own
 * time it would come after the changes that it speaks of.
 */
function dateReading(state: TagState, { at, quality: how }: Reading, clocks: Clocks): number {
  const { last, rule, silent, seenMs } = state
  const repaired = repairAt(at, newestTold(state, clocks), clocks.wallMs)
  if (how !== quality.bad || silent || !last || repaired === Math.floor(at)) return repaired
  // A polled tag was known at each reading; a subscribed one where it was told last.
  if (rule.staleAfterMs !== undefined) return dateSince(state, { ...clocks, sinceMs: seenMs })
  return isAhead(last.at, clocks.wallMs) ? repaired : last.at + 1
}

/**
 * Looks at a tag without a new reading: the sample that says it is stale, or repeats it, or nothing. `knownMs` is the
 * monotonic instant up to which no change of a subscribed tag can be missing.
 */
export function checkSilence(
  state: TagState,
  clocks: Clocks,
  knownMs = state.seenMs,
): Sample | undefined {
  const { last, rule, seenMs } = state
  const dueMs = silenceDueMs(state)
  if (!last || clocks.monoMs < dueMs) return undefined
  if (rule.staleAfterMs === undefined) {
    // Silence means "unchanged" up to the last sign of life only: after it the line may be dead, and nobody knows.
    return knownMs < dueMs ? undefined : emitAgain(state, last, { ...clocks, sinceMs: knownMs })
  }
  if (clocks.monoMs - seenMs <= rule.staleAfterMs) return undefined
  // Since the last reading, not since that was noticed: a later bad mark must not hide an answer that got lost before.
  return emitAgain(state, { ...last, quality: quality.stale }, { ...clocks, sinceMs: seenMs })
}

/** Monotonic instant before which `checkSilence` has nothing to say, if nothing is read until then. */
export function silenceDueMs({ last, silent, rule, seenMs, emittedMs }: TagState): number {
  if (!last || silent) return Number.POSITIVE_INFINITY
  // Polled tags repeat by their next reading; a subscription's server may keep silent.
  if (rule.staleAfterMs === undefined) return emittedMs + rule.maxSilenceMs
  return last.quality === quality.good ? seenMs + rule.staleAfterMs : Number.POSITIVE_INFINITY
}

/** The one bad sample of a tag whose device went away: nothing is known of it since `sinceMs`. */
export function markLost(state: TagState, since: Since): Sample {
  const lost: Sample = { tag: state.tag, at: since.wallMs, value: null, quality: quality.bad }
  state.silent = true
  return emitAgain(state, lost, since)
}

/** Now, and an instant of the past by the monotonic clock. */
export interface Since extends Clocks {
  sinceMs: number
}

function emitAgain(state: TagState, sample: Sample, since: Since): Sample {
  return keep(state, { ...sample, at: dateSince(state, since) }, since)
}

/** That instant, but behind what was told last: whatever is older hides behind that. */
function dateSince({ last }: TagState, { wallMs, monoMs, sinceMs }: Since): number {
  const at = Math.floor(wallMs - (monoMs - sinceMs))
  return last === undefined || isAhead(last.at, wallMs) ? at : Math.max(at, last.at + 1)
}

/** Told by a clock that was wrong, or has been put right since. */
function isAhead(at: number, wallMs: number): boolean {
  return at > wallMs + MAX_AHEAD_MS
}

/**
 * The source's time is kept unless it cannot be true (never set, or too far ahead) or does not move on
 * (equal or earlier than the last one of this tag): then it is the gateway's own time, and at least one
 * millisecond after the last, because the historian knows a sample by tag and time.
 */
export function repairAt(at: number, lastAt: number | undefined, wallMs: number): number {
  const isTrue = Number.isFinite(at) && at >= MIN_AT && !isAhead(at, wallMs)
  const kept = isTrue ? Math.floor(at) : wallMs
  if (lastAt === undefined || kept > lastAt || isAhead(lastAt, wallMs)) return kept
  return Math.max(wallMs, lastAt + 1)
}

/** The time of many readings at once; undefined where any of them would have to be repaired. */
export function findNewAt(at: number, newestAt: number, wallMs: number): number | undefined {
  const isTrue = Number.isFinite(at) && at >= MIN_AT && !isAhead(at, wallMs)
  const kept = Math.floor(at)
  return isTrue && kept > newestAt ? kept : undefined
}

function isChanged(before: Value | null, after: Value | null, deadband: number): boolean {
  if (typeof before === 'number' && typeof after === 'number') {
    return before !== after && Math.abs(after - before) >= deadband
  }
  if (typeof before === 'bigint' && typeof after === 'bigint' && deadband > 0) {
    return Math.abs(Number(after - before)) >= deadband
  }
  return before !== after
}
