/** Batch numbers that are acknowledged but still on disk: they leave with a later write instead of a commit of their own. */

interface Numbers {
  from: number
  to: number
}

/** A few ranges at most: acknowledgements come in order, and once a second a write empties it. */
export interface Settled {
  add(from: number, to: number): void
  ranges(): readonly Numbers[]
  has(number: number): boolean
  overlaps(from: number, to: number): boolean
  /** The number after which something may still be unsettled. */
  skip(after: number): number
  clear(): void
}

export function createSettled(): Settled {
  let ranges: Numbers[] = []
  const overlaps = (from: number, to: number) =>
    ranges.some((range) => range.from <= to && from <= range.to)
  return {
    add(from, to) {
      const before = ranges.find((range) => range.to === from - 1)
      if (before) before.to = to
      else ranges.push({ from, to })
    },
    ranges: () => ranges,
    has: (number) => overlaps(number, number),
    overlaps,
    skip(after) {
      const inside = ranges.find((range) => range.from <= after + 1 && after < range.to)
      return inside ? inside.to : after
    },
    clear() {
      ranges = []
    },
  }
}
