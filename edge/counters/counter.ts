/** One counter of one part: what a reading means for the life of the part, without clocks and files. */
import { quality, type Sample, type Value } from '../../protocol/model.ts'

/** What is known of a counter; also what is kept on disk, as JSON. */
export interface CounterState {
  /** Serial number of the part in place; undefined: not read yet, or none is configured. */
  serial?: string
  /** Last good count of the device, and its instant. */
  raw?: number
  at?: number
  /** The last thing that happened to it, in words. */
  event?: string
  /** Counted by the part in place: the device's own count, with what it forgot by resets. */
  life?: number
  /** The count fell, and only the serial number, read after that, tells a reset from another part. */
  fellTo?: number
  /** The serial number changed at this instant and the new part's count has not been read since. */
  swapped?: { from: string; at: number }
}

export interface CounterRules {
  rollover?: number
  hasSerial: boolean
}

export interface Step {
  state: CounterState
  /** In words, for the tag `…/Event`; undefined: counted on. */
  event?: string
}

/** Beyond this share of the rollover a fall to its lowest tenth is a rollover. */
const NEAR_END = 0.9
const NEAR_START = 0.1

/** A good count was read; in the order of arrival, because a clock that was ahead, perhaps in an earlier run, is put right. */
export function countTo(state: CounterState, reading: Reading, rules: CounterRules): Step {
  const { raw, at } = reading
  const next = { ...state, raw, at }
  if (state.raw === undefined || state.life === undefined) return { state: { ...next, life: raw } }
  if (state.swapped) return replacePart(next, state.swapped.from)
  if (state.fellTo !== undefined) return { state: { ...state, at, fellTo: raw } }
  if (raw >= state.raw) return { state: { ...next, life: state.life + raw - state.raw } }
  const { rollover } = rules
  if (rollover && state.raw >= NEAR_END * rollover && raw <= NEAR_START * rollover) {
    const life = state.life + rollover - state.raw + raw
    return { state: { ...next, life }, event: `rolled over at ${rollover}` }
  }
  if (rules.hasSerial) return { state: { ...state, at, fellTo: raw } }
  return { state: { ...next, life: state.life + raw }, event: sayReset(state.raw, raw) }
}

export interface Reading {
  raw: number
  at: number
}

/** A good serial number was read; in the order of arrival, because a server may stamp it with its own start. */
export function seeSerial(state: CounterState, serial: string, at: number): Step {
  if (state.serial === undefined || state.serial === serial) {
    const known = { ...state, serial }
    const { fellTo } = state
    if (fellTo === undefined || state.raw === undefined) return { state: known }
    // The same part: it was reset, and has counted from 0 again.
    const life = (state.life ?? 0) + fellTo
    const after = { ...known, life, raw: fellTo, fellTo: undefined }
    return { state: after, event: sayReset(state.raw, fellTo) }
  }
  const from = state.serial
  const moved: CounterState = { ...state, serial, fellTo: undefined, swapped: { from, at } }
  const raw = state.fellTo ?? state.raw
  const isOfNewPart = state.at !== undefined && raw !== undefined && state.at >= at
  if (!isOfNewPart && state.fellTo === undefined) return { state: moved }
  return replacePart({ ...moved, raw }, from)
}

function replacePart(state: CounterState, from: string): Step {
  const { raw = 0, serial } = state
  const event = `part exchanged: serial number ${from} became ${serial}, which starts at ${raw}`
  return { state: { ...state, life: raw, swapped: undefined }, event }
}

/** True while the life of the part cannot be told for certain. */
export function isUncertain(state: CounterState, rules: CounterRules): boolean {
  const isUnread = rules.hasSerial && state.serial === undefined
  return isUnread || state.life === undefined || state.fellTo !== undefined || !!state.swapped
}

/** The count of a good sample; undefined for what is not a whole number from 0 on. */
export function readCount(sample: Sample): number | undefined {
  if (sample.quality !== quality.good) return undefined
  const count = toNumber(sample.value)
  return Number.isSafeInteger(count) && count >= 0 ? count : undefined
}

function toNumber(value: Value | null): number {
  return typeof value === 'number' || typeof value === 'bigint' ? Number(value) : Number.NaN
}

function sayReset(from: number, to: number): string {
  return `reset: it stood at ${from}, then at ${to}`
}
