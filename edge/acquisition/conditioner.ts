/** Keeps the conditioning state of a device's tags and hands on what is worth it. */
import { type DeviceId, quality, type Sample, type Tag, type TagId } from '../../protocol/model.ts'
import {
  type Clocks,
  type Conditioned,
  checkSilence,
  conditionSample,
  createTagState,
  markLost,
  type Rule,
  type TagState,
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
  /** Looks for stale tags and for values to repeat. */
  check(): void
  /** One bad sample a tag: the device is gone, since its last sign of life and not since that was noticed. */
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

interface Entry {
  rule: Rule
  state: TagState
}

const systemClocks = (): Clocks => ({ wallMs: Date.now(), monoMs: performance.now() })

export function createConditioner(options: ConditionerOptions): Conditioner {
  const { device, emit, counters, readClocks = systemClocks } = options
  const entries = createEntries(options, readClocks().monoMs)
  /** Monotonic instant of the last reading of any tag: until then the device is known to have lived. */
  let livedMs: number | undefined
  const apply = (entry: Entry, { state, emit: sample, clockRepaired }: Conditioned) => {
    entry.state = state
    if (clockRepaired) counters.clockRepairs++
    return sample
  }
  const send = (samples: Sample[]) => {
    if (samples.length === 0) return
    counters.samples += samples.length
    emit(device, samples)
  }
  const sweep = (judge: (entry: Entry, tag: TagId, clocks: Clocks) => Conditioned) => {
    const clocks = readClocks()
    const kept: Sample[] = []
    for (const [tag, entry] of entries) {
      const sample = apply(entry, judge(entry, tag, clocks))
      if (sample) kept.push(sample)
    }
    return kept
  }
  return {
    take(samples) {
      const clocks = readClocks()
      livedMs = clocks.monoMs
      const kept: Sample[] = []
      for (const raw of samples) {
        const entry = entries.get(raw.tag)
        if (!entry) continue
        if (raw.quality === quality.bad) counters.exceptions++
        const conditioned = conditionSample(entry.state, raw, { rule: entry.rule, clocks })
        const sample = apply(entry, conditioned)
        if (sample) kept.push(sample)
        else counters.suppressed++
      }
      send(kept)
    },
    check() {
      const kept = sweep((entry, _tag, clocks) => checkSilence(entry.state, entry.rule, clocks))
      counters.stale += kept.filter((sample) => sample.quality === quality.stale).length
      send(kept)
    },
    lose() {
      const since = livedMs
      send(
        sweep((entry, tag, clocks) => {
          const muteMs = since === undefined ? 0 : clocks.monoMs - since
          return markLost(entry.state, tag, { ...clocks, wallMs: clocks.wallMs - muteMs })
        }),
      )
    },
  }
}

function createEntries({ groups, isPushed, unknownSince: at }: ConditionerOptions, monoMs: number) {
  const entries = new Map<TagId, Entry>()
  for (const group of groups) {
    const { intervalMs, maxSilenceMs = DEFAULT_MAX_SILENCE_MS } = group
    const staleAfterMs = isPushed(group) ? undefined : intervalMs * STALE_INTERVALS
    for (const { tag, scale, offset, min, max, deadband } of group.tags) {
      const rule = { type: tag.type, scale, offset, min, max, deadband, maxSilenceMs, staleAfterMs }
      const unknown = { tag: tag.id, value: null, quality: quality.bad }
      const last = at === undefined ? undefined : { ...unknown, at }
      entries.set(tag.id, { rule, state: { ...createTagState(monoMs), last } })
    }
  }
  return entries
}
