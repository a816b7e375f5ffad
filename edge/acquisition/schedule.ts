/** Fixed-rate ticks on the monotonic clock: spread phases, no overlap, no burst to catch up. */
export interface Rate {
  intervalMs: number
  /** Offset of the grid, so that groups of one interval do not all fire together. */
  phaseMs: number
}

/** The first instant of the grid strictly after `nowMs`; both on the same monotonic clock. */
export function nextInstant({ intervalMs, phaseMs }: Rate, nowMs: number): number {
  return (Math.floor((nowMs - phaseMs) / intervalMs) + 1) * intervalMs + phaseMs
}

/** How many instants of the grid lie strictly between two of its instants: ticks that were skipped. */
export function skippedBetween({ intervalMs }: Rate, previousMs: number, nextMs: number): number {
  return Math.max(0, Math.round((nextMs - previousMs) / intervalMs) - 1)
}

/** A phase in [0, interval) that depends on the name only: the same after every restart. */
export function phaseOf(name: string, intervalMs: number): number {
  // FNV-1a: spreads names that differ in their last digit.
  let hash = 0x811c9dc5
  for (const char of name) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 0x01000193) >>> 0
  // One more mix: FNV's low bits alone follow the last character.
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 0
  return (hash % 10_000) * (intervalMs / 10_000)
}

export interface Tick {
  /** How long after its instant it started. */
  lateMs: number
  /** Instants that passed while the previous tick was still running. */
  skipped: number
}

/** Calls `tick` at every instant until the signal aborts; an instant that passed meanwhile is skipped. Throws what `tick` throws. */
export async function runSchedule(
  rate: Rate,
  tick: (tick: Tick) => Promise<void> | void,
  signal: AbortSignal,
): Promise<void> {
  let previousMs: number | undefined
  using sleeper = createSleeper(signal)
  for (;;) {
    const dueMs = nextInstant(rate, performance.now())
    if (!(await sleeper.sleepUntil(dueMs))) return
    const skipped = previousMs === undefined ? 0 : skippedBetween(rate, previousMs, dueMs)
    previousMs = dueMs
    await tick({ lateMs: performance.now() - dueMs, skipped })
  }
}

export interface Sleeper extends Disposable {
  /** By the monotonic clock; false when the signal aborted meanwhile. One sleep at a time. */
  sleepUntil(dueMs: number): Promise<boolean>
}

/** Listens to the signal once for all sleeps: a loop of ten a second would spend more on listening than on its work. */
export function createSleeper(signal: AbortSignal): Sleeper {
  let timer: NodeJS.Timeout | undefined
  let wake: ((isDue: boolean) => void) | undefined
  // Asking a signal that follows others walks through all of them.
  let isOver = signal.aborted
  const onAbort = () => {
    isOver = true
    clearTimeout(timer)
    wake?.(false)
  }
  signal.addEventListener('abort', onAbort, { once: true })
  return {
    sleepUntil(dueMs) {
      if (isOver) return Promise.resolve(false)
      return new Promise((resolve) => {
        wake = resolve
        const look = () => {
          const leftMs = dueMs - performance.now()
          // Timers may fire a fraction of a millisecond early, which would tick the same instant twice.
          if (leftMs > 0) timer = setTimeout(look, Math.ceil(leftMs))
          else resolve(true)
        }
        look()
      })
    },
    [Symbol.dispose]: () => signal.removeEventListener('abort', onAbort),
  }
}
