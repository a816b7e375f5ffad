/** How late polls begin, seen from the device: against the grid that fits their arrivals. */
import { percentile } from './statistics.ts'

/** The 99th percentile over all units, ms; the grid of a unit is put under its earliest arrival. */
export function latenessOf(arrivals: Record<number, number[]>, intervalMs: number): number {
  const late = Object.values(arrivals).flatMap((times) => {
    const first = times[0] ?? 0
    const offsets = times.map((at) => {
      const elapsed = at - first
      return elapsed - Math.round(elapsed / intervalMs) * intervalMs
    })
    const earliest = offsets.reduce((least, offset) => Math.min(least, offset), 0)
    return offsets.map((offset) => offset - earliest)
  })
  return percentile(late, 0.99)
}
