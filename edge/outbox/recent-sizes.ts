/** How large the newest batches are, so that an acknowledgement need not ask the file. */

export interface Total {
  batches: number
  samples: number
  bytes: number
}

/** Batches that are acknowledged as a rule before they are this many. */
const MAX_RECENT = 256

export function createRecentSizes() {
  const sizes = new Map<number, Omit<Total, 'batches'>>()
  return {
    add(number: number, size: Omit<Total, 'batches'>): void {
      sizes.set(number, size)
      const [oldest] = sizes.keys()
      if (sizes.size > MAX_RECENT && oldest !== undefined) sizes.delete(oldest)
    },
    forget(from: number, to: number): void {
      for (const number of sizes.keys()) if (number >= from && number <= to) sizes.delete(number)
    },
    /** Undefined when one of them is not among these. */
    take(from: number, to: number): Total | undefined {
      const sum: Total = { batches: 0, samples: 0, bytes: 0 }
      for (let number = from; number <= to; number++) {
        const size = sizes.get(number)
        if (!size) return undefined
        sum.batches += 1
        sum.samples += size.samples
        sum.bytes += size.bytes
      }
      for (let number = from; number <= to; number++) sizes.delete(number)
      return sum
    },
  }
}
