/** Random numbers that come out the same for the same seed (mulberry32). */

export interface SeededRandom {
  /** In [0, 1). */
  next(): number
  /** True with this probability. */
  chance(probability: number): boolean
  /** A whole number, both ends included. */
  between(low: number, high: number): number
  /** Standard normal. */
  normal(): number
}

export function createSeededRandom(seed: number): SeededRandom {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    next,
    chance: (probability) => next() < probability,
    between: (low, high) => low + Math.floor(next() * (high - low + 1)),
    // Box-Muller; 1 - next() keeps the logarithm's argument above 0.
    normal: () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next()),
  }
}
