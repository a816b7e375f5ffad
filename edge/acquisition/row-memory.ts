/** What is remembered of a polled group's good numbers, in columns: a poll of thousands of tags makes one row of what is new. */
import { quality } from '../../protocol/model.ts'
import { type Columns, GOOD } from '../drivers/driver.ts'
import type { Row, RowTags } from '../readings.ts'
import { type Clocks, findNewAt, type TagState } from './condition.ts'
import { fitValue } from './fit-value.ts'

/**
 * Of each tag either the columns know (its last value was a good number) or its state does, which judges everything
 * else: bad readings, texts, the first reading after a silence, a time that has to be put right.
 */
export interface RowMemory {
  /** Takes a poll; `left` are the places whose states must judge it. The row's arrays are the caller's. */
  take(columns: Columns, clocks: Clocks): { row: Row | undefined; left: number[]; same: number }
  /** Hands what the columns know of a tag back to its state. */
  settle(place: number): void
  settleAll(): void
  /** The other way round, where the state's last value is a good number. */
  adopt(place: number): void
  /** True while the columns know the tag. */
  knows(place: number): boolean
  /** True when the columns know all of them. */
  knowsAll(): boolean
  /** Monotonic instant after which the tags that the columns know are stale, if nothing is read until then. */
  staleMs(): number
}

export function createRowMemory(states: readonly TagState[]): RowMemory {
  const of: RowTags = { tags: states.map(({ tag }) => tag) }
  const all = Int32Array.from(states.keys())
  /** NaN: the state knows. */
  const known = new Float64Array(states.length).fill(Number.NaN)
  const toldAt = new Float64Array(states.length)
  const emittedMs = new Float64Array(states.length)
  const rules = createRules(states)
  /** Room for the news of a poll. */
  const places = new Int32Array(states.length)
  const values = new Float64Array(states.length)
  const { staleAfterMs = Number.POSITIVE_INFINITY } = states[0]?.rule ?? {}
  /** No tag in the columns was told with a later time. */
  let newestAt = Number.NEGATIVE_INFINITY
  let seenMs = 0
  let size = 0

  const settle = (place: number) => {
    const value = known[place] as number
    if (Number.isNaN(value)) return
    const state = states[place] as TagState
    state.last = { tag: state.tag, at: toldAt[place] as number, value, quality: quality.good }
    state.emittedMs = emittedMs[place] as number
    state.seenMs = seenMs
    state.silent = false
    known[place] = Number.NaN
    size--
  }
  /** NaN: nothing the columns can judge. */
  const readNumber = ({ values, statuses }: Columns, place: number): number => {
    const raw = values[place]
    if (typeof raw !== 'number' || statuses[place] !== GOOD) return Number.NaN
    if (raw >= (rules.lows[place] as number) && raw <= (rules.highs[place] as number)) {
      if (rules.isWhole[place] === 0) return raw
      // + 0: no negative zero.
      if (Number.isInteger(raw)) return raw + 0
    }
    const { fit, rule } = states[place] as TagState
    const value = fitValue(raw, rule, fit)
    return typeof value === 'number' ? value : Number.NaN
  }
  const settleAll = () => {
    for (let place = 0; size > 0; place++) settle(place)
    newestAt = Number.NEGATIVE_INFINITY
  }
  return {
    take(columns, clocks) {
      const { monoMs } = clocks
      const at = findNewAt(columns.at, newestAt, clocks.wallMs)
      if (at === undefined) {
        settleAll()
        seenMs = monoMs
        return { row: undefined, left: [...all], same: 0 }
      }
      const left: number[] = []
      let count = 0
      for (let place = 0; place < known.length; place++) {
        const last = known[place] as number
        const value = readNumber(columns, place)
        if (Number.isNaN(value) || Number.isNaN(last)) {
          left.push(place)
          continue
        }
        const isSame = value === last || Math.abs(value - last) < (rules.deadbands[place] as number)
        const sinceMs = monoMs - (emittedMs[place] as number)
        if (isSame && sinceMs < (rules.silencesMs[place] as number)) continue
        known[place] = value
        toldAt[place] = at
        emittedMs[place] = monoMs
        places[count] = place
        values[count++] = value
      }
      // Those that are left were seen before, as far as the columns can tell.
      for (const place of left) settle(place)
      seenMs = monoMs
      const same = known.length - count - left.length
      if (count === 0) return { row: undefined, left, same }
      newestAt = at
      const isAll = count === known.length
      const row = { of, at, places: isAll ? all : places.slice(0, count) }
      return { row: { ...row, values: values.slice(0, count) }, left, same }
    },
    settle,
    settleAll,
    adopt(place) {
      const { last, rule, silent, emittedMs: emitted } = states[place] as TagState
      if (!last || silent || typeof last.value !== 'number' || rule.staleAfterMs === undefined)
        return
      if (last.quality !== quality.good || last.status !== undefined) return
      if (Number.isNaN(known[place])) size++
      known[place] = last.value
      toldAt[place] = last.at
      emittedMs[place] = emitted
      newestAt = Math.max(newestAt, last.at)
    },
    knows: (place) => !Number.isNaN(known[place]),
    knowsAll: () => size === known.length,
    staleMs: () => (size > 0 ? seenMs + staleAfterMs : Number.POSITIVE_INFINITY),
  }
}

/** What the loop asks of each tag's rule. Of a scaled one no number lies between the bounds. */
function createRules(states: readonly TagState[]) {
  return {
    lows: Float64Array.from(states, ({ fit }) => (fit.isScaled ? 1 : fit.low)),
    highs: Float64Array.from(states, ({ fit }) => (fit.isScaled ? 0 : fit.high)),
    isWhole: Uint8Array.from(states, ({ fit }) => (fit.isWhole ? 1 : 0)),
    deadbands: Float64Array.from(states, ({ rule }) => rule.deadband ?? 0),
    silencesMs: Float64Array.from(states, ({ rule }) => rule.maxSilenceMs),
  }
}
