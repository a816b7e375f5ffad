/** When a ratio raises and clears its alarm: on-delay, off-delay and peak-relative clear, by the data's own time. Pure. */
import { quality, type Sample } from '../../protocol/model.ts'

export interface AlarmLimits {
  /** Above it is abnormal. */
  highLimit: number
  /** How long it must stay abnormal before the alarm is raised (OPC UA Part 9 OnDelay). */
  onDelayMs: number
  /** How long it must stay normal before the alarm clears (OPC UA Part 9 OffDelay). */
  offDelayMs: number
}

/** What an alarm remembers between two samples. */
export interface AlarmMemory {
  active: boolean
  /** The highest value of this occurrence. */
  peak: number
  /** Raising needs more than this: the limit, or higher after a peak-relative clear, until the limit is met once. */
  raiseAbove: number
  /** Since when the condition for the next change has held, data time; null: it does not hold. */
  since: number | null
  /** Newest sample seen; older ones change nothing. */
  lastAt: number
  /** The newest sample had no usable value: nothing is raised nor cleared until one has. */
  uncertain: boolean
}

export type AlarmChange = 'activate' | 'clear' | undefined

/** The share of the peak below which the disturbance counts as over, though its tail may be above the limit. */
const CLEAR_SHARE_OF_PEAK = 0.1
/** A condition is not continuous across a hole in the data longer than this. */
export const MAX_HOLE_MS = 60_000

export function initialAlarm(limits: AlarmLimits): AlarmMemory {
  return {
    active: false,
    peak: 0,
    raiseAbove: limits.highLimit,
    since: null,
    lastAt: 0,
    uncertain: false,
  }
}

/** The level below which an active alarm may clear. */
export function clearLevel(limits: AlarmLimits, peak: number): number {
  return Math.max(limits.highLimit, CLEAR_SHARE_OF_PEAK * peak)
}

/** Takes one sample; `change` says what it led to. A sample older than the newest seen changes nothing. */
export function applySample(
  memory: AlarmMemory,
  sample: Pick<Sample, 'at' | 'value' | 'quality'>,
  limits: AlarmLimits,
): { memory: AlarmMemory; change: AlarmChange } {
  if (sample.at <= memory.lastAt) return { memory, change: undefined }
  const { at, value } = sample
  if (typeof value !== 'number' || Number.isNaN(value) || sample.quality !== quality.good) {
    return { memory: { ...memory, since: null, lastAt: at, uncertain: true }, change: undefined }
  }
  const isContinuous = at - memory.lastAt <= MAX_HOLE_MS
  const seen = {
    ...memory,
    lastAt: at,
    uncertain: false,
    since: isContinuous ? memory.since : null,
  }
  return memory.active ? applyActive(seen, value, limits) : applyNormal(seen, value, limits)
}

function applyNormal(memory: AlarmMemory, value: number, limits: AlarmLimits) {
  if (value <= limits.highLimit) {
    const rest = { ...memory, since: null, peak: 0, raiseAbove: limits.highLimit }
    return { memory: rest, change: undefined }
  }
  if (value <= memory.raiseAbove) {
    return { memory: { ...memory, since: null, peak: 0 }, change: undefined }
  }
  const since = memory.since ?? memory.lastAt
  const peak = Math.max(memory.peak, value)
  if (memory.lastAt - since < limits.onDelayMs) {
    return { memory: { ...memory, since, peak }, change: undefined }
  }
  return {
    memory: { ...memory, active: true, since: null, peak },
    change: 'activate' as const,
  }
}

function applyActive(memory: AlarmMemory, value: number, limits: AlarmLimits) {
  const peak = Math.max(memory.peak, value)
  const level = clearLevel(limits, peak)
  if (value >= level) return { memory: { ...memory, peak, since: null }, change: undefined }
  const since = memory.since ?? memory.lastAt
  if (memory.lastAt - since < limits.offDelayMs) {
    return { memory: { ...memory, peak, since }, change: undefined }
  }
  return {
    memory: { ...memory, active: false, since: null, peak: 0, raiseAbove: level },
    change: 'clear' as const,
  }
}
