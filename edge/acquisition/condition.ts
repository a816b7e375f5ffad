/** Pure conditioning of one tag: scale, limits, type, time, deadband, maximum silence, staleness. */
import { type DataType, quality, type Sample, type Value } from '../../protocol/model.ts'

export interface Rule {
  type: DataType
  /** value = raw × scale + offset */
  scale?: number
  offset?: number
  /** Outside of it the quality is bad and there is no value. */
  min?: number
  max?: number
  /** Smaller changes are not reported. */
  deadband?: number
  /** An unchanged value is repeated after this. */
  maxSilenceMs: number
  /** Without news for so long the tag is stale; undefined: silence is normal (a subscription). */
  staleAfterMs?: number
}

/** What is remembered between two readings of a tag. */
export interface TagState {
  /** The last sample that was emitted. */
  last?: Sample
  /** Monotonic instant of that emission. */
  emittedMs: number
  /** Monotonic instant of the last reading of any quality. */
  seenMs: number
  /** True while nothing is known: the link is down; neither staleness nor repetition applies. */
  silent: boolean
}

/** Both clocks, taken once per call: wall for `at`, monotonic for every duration. */
export interface Clocks {
  wallMs: number
  monoMs: number
}

export interface Conditioned {
  state: TagState
  /** Undefined: nothing worth reporting. */
  emit?: Sample
  /** The source's time could not be kept. */
  clockRepaired?: boolean
}

/** A source clock further ahead than this is wrong: beyond NTP trouble, below a time zone. */
export const MAX_AHEAD_MS = 60_000
/** 2015-01-01. A source time before it comes from a clock that was never set. */
export const MIN_AT = 1_420_070_400_000

export function createTagState(monoMs: number): TagState {
  return { emittedMs: monoMs, seenMs: monoMs, silent: true }
}

/** Takes a reading of a driver and says what to emit. */
export function conditionSample(
  state: TagState,
  raw: Sample,
  { rule, clocks }: { rule: Rule; clocks: Clocks },
): Conditioned {
  const reading = applyRule(raw, rule)
  const seen: TagState = { ...state, seenMs: clocks.monoMs, silent: false }
  if (!isWorthReporting(state, reading, { rule, clocks })) return { state: seen }
  const at = repairAt(reading.at, newestTold(state, clocks), clocks.wallMs)
  const emit = at === reading.at ? reading : { ...reading, at }
  return {
    state: { ...seen, last: emit, emittedMs: clocks.monoMs },
    emit,
    clockRepaired: at !== reading.at,
  }
}

/**
 * What the reading must be later than. After a time in which nothing was known that is this very moment: until
 * now the cloud may have marked the tag, by its own clock, and an older reading would hide behind that mark.
 */
function newestTold({ last, silent }: TagState, { wallMs }: Clocks): number | undefined {
  return last && silent ? Math.max(last.at, wallMs - 1) : last?.at
}

/** Looks at a tag without a new reading: stale, or to be repeated, or nothing. */
export function checkSilence(state: TagState, rule: Rule, clocks: Clocks): Conditioned {
  const { last } = state
  if (!last || state.silent) return { state }
  const isOverdue =
    rule.staleAfterMs !== undefined && clocks.monoMs - state.seenMs > rule.staleAfterMs
  if (isOverdue) {
    if (last.quality !== quality.good) return { state }
    return emitAgain(state, { ...last, quality: quality.stale }, clocks)
  }
  // Polled tags repeat by their next reading; here it is the subscription whose server keeps silent.
  const isDue = clocks.monoMs - state.emittedMs >= rule.maxSilenceMs
  if (rule.staleAfterMs !== undefined || !isDue) return { state }
  return emitAgain(state, last, clocks)
}

/** The one bad sample of a tag whose device went away. */
export function markLost(state: TagState, tag: Sample['tag'], clocks: Clocks): Conditioned {
  const lost: Sample = { tag, at: clocks.wallMs, value: null, quality: quality.bad }
  const marked = emitAgain(state, lost, clocks)
  return { ...marked, state: { ...marked.state, silent: true } }
}

function emitAgain(state: TagState, sample: Sample, clocks: Clocks): Conditioned {
  const emit = { ...sample, at: repairAt(clocks.wallMs, state.last?.at, clocks.wallMs) }
  return { state: { ...state, last: emit, emittedMs: clocks.monoMs }, emit }
}

/**
 * The source's time is kept unless it cannot be true (never set, or too far ahead) or does not move on
 * (equal or earlier than the last one of this tag): then it is the gateway's own time, and at least one
 * millisecond after the last, because the historian knows a sample by tag and time.
 */
export function repairAt(at: number, lastAt: number | undefined, wallMs: number): number {
  const isTrue = Number.isFinite(at) && at >= MIN_AT && at <= wallMs + MAX_AHEAD_MS
  const kept = isTrue ? Math.floor(at) : wallMs
  if (lastAt === undefined || kept > lastAt) return kept
  return Math.max(wallMs, lastAt + 1)
}

function isWorthReporting(
  { last, emittedMs }: TagState,
  next: Sample,
  { rule, clocks }: { rule: Rule; clocks: Clocks },
): boolean {
  if (!last || last.quality !== next.quality || last.status !== next.status) return true
  if (clocks.monoMs - emittedMs >= rule.maxSilenceMs) return true
  return isChanged(last.value, next.value, rule.deadband ?? 0)
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

function applyRule(raw: Sample, rule: Rule): Sample {
  if (raw.value === null) return raw
  const value = fitType(scaleValue(raw.value, rule), rule.type)
  if (value === null || isOutside(value, rule)) {
    return { ...raw, value: null, quality: quality.bad }
  }
  return value === raw.value ? raw : { ...raw, value }
}

function scaleValue(value: Value, { scale, offset }: Rule): Value {
  const isNumeric = typeof value === 'number' || typeof value === 'bigint'
  if (!isNumeric || (scale === undefined && offset === undefined)) return value
  return Number(value) * (scale ?? 1) + (offset ?? 0)
}

function isOutside(value: Value, { min, max }: Rule): boolean {
  if (typeof value !== 'number' && typeof value !== 'bigint') return false
  return (min !== undefined && value < min) || (max !== undefined && value > max)
}

const integerBits: Partial<Record<DataType, readonly [bits: number, isSigned: boolean]>> = {
  Int8: [8, true],
  Int16: [16, true],
  Int32: [32, true],
  Int64: [64, true],
  UInt8: [8, false],
  UInt16: [16, false],
  UInt32: [32, false],
  UInt64: [64, false],
}

/** The value as its tag's type; null when it has none there (NaN, infinity, out of the type's range). */
export function fitType(value: Value, type: DataType): Value | null {
  if (type === 'String') return String(value)
  if (type === 'Boolean') return typeof value === 'boolean' ? value : Number(value) !== 0
  if (typeof value === 'string') return null
  const bits = integerBits[type]
  if (bits) return fitInteger(value, bits)
  const number = Number(value)
  return Number.isFinite(type === 'Float' ? Math.fround(number) : number) ? number : null
}

function fitInteger(
  value: number | bigint | boolean,
  [bits, isSigned]: readonly [number, boolean],
): Value | null {
  if (typeof value === 'number' && !Number.isFinite(value)) return null
  if (typeof value !== 'bigint' && bits < 64)
    return fitSmall(Math.round(Number(value)), bits, isSigned)
  const integer = typeof value === 'bigint' ? value : BigInt(Math.round(Number(value)))
  const fitted = isSigned ? BigInt.asIntN(bits, integer) : BigInt.asUintN(bits, integer)
  if (fitted !== integer) return null
  return bits === 64 ? integer : Number(integer)
}

/** Beside the bigints: nearly every integer of a plant comes through here. */
function fitSmall(integer: number, bits: number, isSigned: boolean): number | null {
  const limit = 2 ** (isSigned ? bits - 1 : bits)
  // + 0: no negative zero.
  return integer < limit && integer >= (isSigned ? -limit : 0) ? integer + 0 : null
}
