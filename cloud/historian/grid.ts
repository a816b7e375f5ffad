/** The empty training grid that every historian fills. */
import type { Grid, ScanQuery } from './historian.ts'

/** Rows at `from`, `from + stepMs`, … below `to`; every value NaN. */
export function createGrid({ tags, from, to, stepMs }: ScanQuery): Grid {
  const rows = Math.max(0, Math.ceil((to - from) / stepMs))
  return {
    at: Float64Array.from({ length: rows }, (_, row) => from + row * stepMs),
    values: tags.map(() => new Float64Array(rows).fill(Number.NaN)),
  }
}
