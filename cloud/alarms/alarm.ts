/** When a value raises and clears its alarm: the persistence rule of training and back-test, by the data's own time. Pure. */
import {
  nextPersistence,
  type Persistence,
  type PersistenceRule,
  quiet,
} from '../../models/train/persistence.ts'
import { quality, type Sample } from '../../protocol/model.ts'

/** OnDelay and OffDelay are those of OPC UA Part 9; they come from the manifest of the model. */
export interface AlarmLimits extends PersistenceRule {
  /** Above it is abnormal. */
  highLimit: number
  /** A condition is not continuous across a hole in the data longer than this. */
  maxHoleMs: number
}

/** What an alarm remembers between two samples. */
export interface AlarmMemory {
  /** Of the value as a share of its limit. */
  persistence: Persistence
  /** Newest sample seen; older ones change nothing. */
  lastAt: number
  /** The newest sample had no usable value: nothing is raised until one has. */
  uncertain: boolean
}

export type AlarmChange = 'activate' | 'clear' | undefined

export const initialAlarm: AlarmMemory = { persistence: quiet, lastAt: 0, uncertain: false }

/** Takes one sample; `change` says what it led to. A sample older than the newest seen changes nothing. */
export function applySample(
  known: AlarmMemory,
  sample: Pick<Sample, 'at' | 'value' | 'quality'>,
  limits: AlarmLimits,
): { memory: AlarmMemory; change: AlarmChange } {
  const { at, value } = sample
  const memory = known.lastAt - at > limits.maxHoleMs ? forgetFuture(known, at) : known
  if (at <= memory.lastAt) return { memory, change: undefined }
  const isKnown =
    typeof value === 'number' && !Number.isNaN(value) && sample.quality === quality.good
  const ratio = isKnown ? value / limits.highLimit : undefined
  const isContinuous = at - memory.lastAt <= limits.maxHoleMs
  // A hole is a row of unknown values that nobody sent.
  const before = isContinuous
    ? memory.persistence
    : nextPersistence(memory.persistence, { at, ratio: undefined }, limits)
  const persistence = nextPersistence(before, { at, ratio }, limits)
  return {
    memory: { persistence, lastAt: at, uncertain: !isKnown },
    change: changeOf(memory.persistence.active, persistence.active),
  }
}

/** The clock was ahead and was set right: delays that began in a future that never was would hold for as long. */
function forgetFuture({ persistence, uncertain }: AlarmMemory, at: number): AlarmMemory {
  const { active, peak, onAt = at } = persistence
  const kept = active ? { active, peak, onAt: Math.min(at, onAt) } : quiet
  return { persistence: kept, lastAt: Number.NEGATIVE_INFINITY, uncertain }
}

function changeOf(before: boolean, after: boolean): AlarmChange {
  if (before === after) return undefined
  return after ? 'activate' : 'clear'
}
