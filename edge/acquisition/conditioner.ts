/** Keeps the conditioning state of a device's tags and hands on what is worth it. */
import { type DeviceId, quality, type Sample, type Tag, type TagId } from '../../protocol/model.ts'
import { type Columns, GOOD, NO_VALUE } from '../drivers/driver.ts'
import {
  type Clocks,
  checkSilence,
  createTagState,
  markLost,
  type Reading,
  silenceDueMs,
  type TagState,
  takeReading,
} from './condition.ts'
import type { LinkCounters } from './counters.ts'

export type Emit = (device: DeviceId, samples: Sample[]) => void

/** A tag with its conditioning, as the configuration has it. */
export interface TagPlan {
  tag: Tag
  scale?: number
  offset?: number
  min?: number
  max?: number
  deadband?: number
}

/** Tags that are read, or pushed, together. */
export interface GroupPlan {
  name: string
  intervalMs: number
  mode: 'poll' | 'subscribe'
  maxSilenceMs?: number
  tags: readonly TagPlan[]
}

/** An unchanged value is repeated after this, so that a chart has points and a lost line is told from calm. */
export const DEFAULT_MAX_SILENCE_MS = 60_000
/** Intervals without news after which a polled tag is stale. */
const STALE_INTERVALS = 3

export interface Conditioner {
  take(samples: readonly Sample[]): void
  /** The same of all tags of a group, by its place in the list of groups. */
  takeColumns(group: number, columns: Columns): void
  /** Looks for stale tags and for values to repeat. */
  check(): void
  /** One bad sample a tag: the device is gone, since its group's last sign of life and not since that was noticed. */
  lose(): void
}

export interface ConditionerOptions {
  device: DeviceId
  groups: readonly GroupPlan[]
  /** True for a group whose changes are pushed: its silence is no sign of staleness. */
  isPushed(group: GroupPlan): boolean
  emit: Emit
  counters: LinkCounters
  /** Every tag is on record as bad since this instant, Unix ms. */
  unknownSince?: number
  readClocks?(): Clocks
}

const systemClocks = (): Clocks => ({ wallMs: Date.now(), monoMs: performance.now() })

export function createConditioner(options: ConditionerOptions): Conditioner {
  const { device, groups, emit, counters, readClocks = systemClocks } = options
  const byGroup = groups.map((group) => createStates(group, options, readClocks().monoMs))
  const states = new Map<TagId, TagState>(byGroup.flat().map((state) => [state.tag, state]))
  const groupOf = new Map(
    byGroup.flatMap((states, i) => states.map(({ tag }) => [tag, i] as const)),
  )
  /**
   * Of each group, the monotonic instant of its last reading: until then all its tags are known. A later answer to
   * another group says that the device lived, but not what the tags of this one were.
   */
  const livedMs: (number | undefined)[] = groups.map(() => undefined)
  /** Monotonic: until then no tag is stale or to be repeated. */
  let quietUntilMs = 0
  const send = (samples: Sample[]) => {
    if (samples.length === 0) return
    counters.samples += samples.length
    emit(device, samples)
  }
  const judge = (state: TagState, reading: Reading, clocks: Clocks) => {
    if (reading.quality === quality.bad) counters.exceptions++
    const sample = takeReading(state, reading, clocks)
    if (!sample) counters.suppressed++
    else if (sample.at !== reading.at) counters.clockRepairs++
    return sample
  }
  return {
    take(samples) {
      const clocks = readClocks()
      const heardMs = clocks.monoMs - lagOf(samples, clocks.wallMs)
      const kept: Sample[] = []
      for (const raw of samples) {
        const state = states.get(raw.tag)
        const group = groupOf.get(raw.tag)
        if (group !== undefined) livedMs[group] = heardMs
        const sample = state && judge(state, raw, clocks)
        if (sample) kept.push(sample)
      }
      send(kept)
    },
    takeColumns(group, columns) {
      const clocks = readClocks()
      livedMs[group] = clocks.monoMs
      const reading: Reading = { at: columns.at, value: null, quality: quality.bad }
      const states = byGroup[group] ?? []
      // As long as it may get: growing step by step would leave twice as much behind.
      const kept: Sample[] = new Array(states.length)
      let count = 0
      for (let i = 0; i < states.length; i++) {
        readPlace(reading, columns, i)
        const sample = judge(states[i] as TagState, reading, clocks)
        if (sample) kept[count++] = sample
      }
      kept.length = count
      send(kept)
    },
    check() {
      const clocks = readClocks()
      if (clocks.monoMs < quietUntilMs) return
      const kept: Sample[] = []
      for (const state of states.values()) {
        const sample = checkSilence(state, clocks)
        if (sample) kept.push(sample)
      }
      quietUntilMs = findQuietEnd(states.values(), clocks.monoMs)
      counters.stale += kept.filter((sample) => sample.quality === quality.stale).length
      send(kept)
    },
    lose() {
      const clocks = readClocks()
      const marks = [...states.values()].map((state) => {
        const heardMs = livedMs[groupOf.get(state.tag) ?? 0] ?? clocks.monoMs
        const wallMs = clocks.wallMs - (clocks.monoMs - heardMs)
        return markLost(state, { ...clocks, wallMs })
      })
      send(marks)
    },
  }
}

/** A source whose newest time lies further back than this has a wrong clock, or told what has stood for long. */
const MAX_LAG_MS = 10_000

/** How long ago the newest of them was true: a busy gateway takes late what its source told in time. */
function lagOf(samples: readonly Sample[], wallMs: number): number {
  let newest = Number.NEGATIVE_INFINITY
  for (const { at } of samples) if (at > newest) newest = at
  const lag = wallMs - newest
  return lag > 0 && lag <= MAX_LAG_MS ? lag : 0
}

function readPlace(reading: Reading, { values, statuses }: Columns, i: number): void {
  const status = statuses[i] ?? NO_VALUE
  reading.value = values[i] ?? null
  reading.quality = status === GOOD ? quality.good : quality.bad
  reading.status = status < 0 ? undefined : status
}

/** A tag that is silent now, or read again meanwhile, is due later than one that is read this very moment. */
function findQuietEnd(states: Iterable<TagState>, monoMs: number): number {
  let endMs = Number.POSITIVE_INFINITY
  for (const state of states) {
    const { maxSilenceMs, staleAfterMs = maxSilenceMs } = state.rule
    endMs = Math.min(endMs, silenceDueMs(state), monoMs + staleAfterMs)
  }
  return endMs
}

function createStates(
  group: GroupPlan,
  { isPushed, unknownSince: at }: ConditionerOptions,
  monoMs: number,
): TagState[] {
  const { intervalMs, maxSilenceMs = DEFAULT_MAX_SILENCE_MS } = group
  const staleAfterMs = isPushed(group) ? undefined : intervalMs * STALE_INTERVALS
  return group.tags.map(({ tag, scale, offset, min, max, deadband }) => {
    const rule = { type: tag.type, scale, offset, min, max, deadband, maxSilenceMs, staleAfterMs }
    const state = createTagState(tag.id, rule, monoMs)
    if (at !== undefined) state.last = { tag: tag.id, at, value: null, quality: quality.bad }
    return state
  })
}
