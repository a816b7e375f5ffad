/** Keeps the conditioning state of a device's tags and hands on what is worth it. */
import { type DeviceId, quality, type Sample, type Tag, type TagId } from '../../protocol/model.ts'
import { type Columns, GOOD, MAX_LAG_MS, NO_VALUE } from '../drivers/driver.ts'
import { type Row, toSamples } from '../readings.ts'
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
import { createRowMemory, type RowMemory } from './row-memory.ts'

export type Emit = (device: DeviceId, samples: Sample[]) => void
export type EmitRow = (device: DeviceId, row: Row) => void

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
  /** `knownAt`: until then no change of their group is missing; default: the newest of their times. */
  take(samples: readonly Sample[], knownAt?: number): void
  /** The same of all tags of a group, by its place in the list of groups. */
  takeColumns(group: number, columns: Columns): void
  /** Nothing of this group has changed until then, Unix ms by the device's clock. */
  hear(group: number, knownAt: number): void
  /** Looks for stale tags and for values to repeat. */
  check(): void
  /** Monotonic instant before which a look finds nothing. */
  quietUntil(): number
  /** One bad sample a tag: the device is gone, since its group's last sign of life and not since that was noticed. */
  lose(): void
}

export interface ConditionerOptions {
  device: DeviceId
  groups: readonly GroupPlan[]
  /** True for a group whose changes are pushed: its silence is no sign of staleness. */
  isPushed(group: GroupPlan): boolean
  emit: Emit
  /** Takes good numbers of one instant; without it they come as samples. */
  emitRow?: EmitRow
  counters: LinkCounters
  /** Every tag is on record as bad since this instant, Unix ms. */
  unknownSince?: number
  readClocks?(): Clocks
}

const systemClocks = (): Clocks => ({ wallMs: Date.now(), monoMs: performance.now() })

export function createConditioner(options: ConditionerOptions): Conditioner {
  const { device, groups, emit, emitRow, counters, readClocks = systemClocks } = options
  const byGroup = groups.map((group) => createStates(group, options, readClocks().monoMs))
  const memories = byGroup.map(createRowMemory)
  const states = new Map<TagId, TagState>(byGroup.flat().map((state) => [state.tag, state]))
  const groupOf = new Map(
    byGroup.flatMap((states, i) => states.map(({ tag }) => [tag, i] as const)),
  )
  /**
   * Of each group, the monotonic instant of its last sign of life: until then all its tags are known. A later answer
   * to another group says that the device lived, but not what the tags of this one were.
   */
  const livedMs: (number | undefined)[] = groups.map(() => undefined)
  const live = (group: number, atMs: number) => {
    livedMs[group] = Math.max(livedMs[group] ?? atMs, atMs)
  }
  /** Monotonic: until then no tag is stale or to be repeated. */
  let quietUntilMs = 0
  const send = (samples: Sample[]) => {
    if (samples.length === 0) return
    counters.samples += samples.length
    emit(device, samples)
  }
  const sendRow = (row: Row) => {
    if (!emitRow) return send(toSamples(row))
    counters.samples += row.values.length
    emitRow(device, row)
  }
  const judge = (state: TagState, reading: Reading, clocks: Clocks) => {
    if (reading.quality === quality.bad) counters.exceptions++
    const sample = takeReading(state, reading, clocks)
    if (!sample) counters.suppressed++
    else if (sample.at !== reading.at && !Number.isNaN(reading.at)) counters.clockRepairs++
    return sample
  }
  return {
    take(samples, knownAt) {
      const clocks = readClocks()
      const { wallMs, monoMs } = clocks
      const heardMs =
        knownAt === undefined
          ? monoMs - lagOf(newestOf(samples), wallMs)
          : monoMs - Math.max(0, wallMs - knownAt)
      const kept: Sample[] = []
      for (const raw of samples) {
        const state = states.get(raw.tag)
        const group = groupOf.get(raw.tag)
        if (group !== undefined) {
          live(group, heardMs)
          memories[group]?.settleAll()
        }
        const sample = state && judge(state, raw, clocks)
        if (sample) kept.push(sample)
      }
      send(kept)
    },
    takeColumns(group, columns) {
      const clocks = readClocks()
      live(group, clocks.monoMs)
      const states = byGroup[group] ?? []
      const memory = memories[group] as RowMemory
      const { row, left, same } = memory.take(columns, clocks)
      const reading: Reading = { at: columns.at, value: null, quality: quality.bad }
      const kept: Sample[] = []
      for (const place of left) {
        readPlace(reading, columns, place)
        const sample = judge(states[place] as TagState, reading, clocks)
        memory.adopt(place)
        if (sample) kept.push(sample)
      }
      counters.suppressed += same
      send(kept)
      if (row) sendRow(row)
    },
    hear(group, knownAt) {
      const { wallMs, monoMs } = readClocks()
      live(group, monoMs - Math.max(0, wallMs - knownAt))
    },
    check() {
      const clocks = readClocks()
      if (clocks.monoMs < quietUntilMs) return
      const kept: Sample[] = []
      for (const [group, members] of byGroup.entries()) {
        const memory = memories[group] as RowMemory
        if (clocks.monoMs > memory.staleMs()) memory.settleAll()
        if (memory.knowsAll()) continue
        for (const [place, state] of members.entries()) {
          if (memory.knows(place)) continue
          const sample = checkSilence(state, clocks, livedMs[group])
          if (sample) kept.push(sample)
        }
      }
      quietUntilMs = findQuietEnd({ byGroup, memories }, clocks.monoMs)
      counters.stale += kept.filter((sample) => sample.quality === quality.stale).length
      send(kept)
    },
    quietUntil: () => quietUntilMs,
    lose() {
      const clocks = readClocks()
      for (const memory of memories) memory.settleAll()
      const marks = byGroup.flatMap((members, group) => {
        const since = { ...clocks, sinceMs: livedMs[group] ?? clocks.monoMs }
        return members.map((state) => markLost(state, since))
      })
      send(marks)
    },
  }
}

/** How long ago that was: a busy gateway takes late what its source told in time. */
function lagOf(at: number, wallMs: number): number {
  const lag = wallMs - at
  return lag > 0 && lag <= MAX_LAG_MS ? lag : 0
}

function newestOf(samples: readonly Sample[]): number {
  let newest = Number.NEGATIVE_INFINITY
  for (const { at } of samples) if (at > newest) newest = at
  return newest
}

function readPlace(reading: Reading, columns: Columns, i: number): void {
  const { values, statuses, unheard } = columns
  // Without a time of its own it begins right behind the last reading.
  reading.at = unheard?.has(i) ? Number.NaN : columns.at
  const status = statuses[i] ?? NO_VALUE
  reading.value = values[i] ?? null
  reading.quality = status === GOOD ? quality.good : quality.bad
  reading.status = status < 0 ? undefined : status
}

/** A tag that is silent now, or read again meanwhile, is due later than one that is read this very moment. */
function findQuietEnd({ byGroup, memories }: Known, monoMs: number): number {
  let endMs = Number.POSITIVE_INFINITY
  for (const [group, members] of byGroup.entries()) {
    const memory = memories[group] as RowMemory
    endMs = Math.min(endMs, memory.staleMs())
    // Read again, they are stale at the earliest so long after this very moment.
    if (memory.knowsAll()) {
      endMs = Math.min(endMs, monoMs + (members[0]?.rule.staleAfterMs ?? Number.POSITIVE_INFINITY))
      continue
    }
    for (const [place, state] of members.entries()) {
      const { maxSilenceMs, staleAfterMs = maxSilenceMs } = state.rule
      endMs = Math.min(endMs, monoMs + staleAfterMs)
      if (!memory.knows(place)) endMs = Math.min(endMs, silenceDueMs(state))
    }
  }
  return endMs
}

/** Of each tag either its state knows, or the columns of its group. */
interface Known {
  byGroup: readonly (readonly TagState[])[]
  memories: readonly RowMemory[]
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
