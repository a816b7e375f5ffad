/** Calls back once per period of an injectable clock, never skipping one: late ticks are caught up in order. */

export interface TickerOptions {
  periodMs: number
  /** `at` is the instant the tick was due, `count` starts at 1. */
  tick(at: number, count: number): void
  /** Unix ms; the system's clock when left out. */
  now?: () => number
}

/** Further behind than this (a suspended machine, a clock set forward) ticks go on from now. */
const MAX_BEHIND_MS = 60_000

/** Starts ticking; disposing it stops. */
export function openTicker({ periodMs, tick, now = Date.now }: TickerOptions): Disposable {
  let due = now() + periodMs
  let count = 0
  const run = () => {
    const at = now()
    if (at - due > MAX_BEHIND_MS) due = at
    for (; due <= at; due += periodMs) tick(due, ++count)
    timer = setTimeout(run, Math.min(periodMs, Math.max(1, due - now())))
  }
  let timer = setTimeout(run, periodMs)
  return { [Symbol.dispose]: () => clearTimeout(timer) }
}
