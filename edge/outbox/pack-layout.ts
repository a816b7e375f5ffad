/** What packing and unpacking agree on: the forms of values and how they are told. */
import { type Quality, quality } from '../../protocol/model.ts'

/** The first byte: a later layout gets another number, and the reader keeps knowing this one. */
export const LAYOUT = 1

/** How one value is written; decimals of 1..6 places are 9..14. */
export const kinds = {
  null: 0,
  whole: 1,
  float32: 2,
  float64: 3,
  big: 4,
  false: 5,
  true: 6,
  text: 7,
  decimal: 8,
} as const
export const MAX_PLACES = 6
/** Powers of ten by their exponent: looked up for every value. */
export const POWERS = Array.from({ length: MAX_PLACES + 1 }, (_, exponent) => 10 ** exponent)

export const qualityCodes: readonly Quality[] = [quality.good, quality.bad, quality.stale]

/** The form byte of a sample: kind in bits 0..3, quality in 4..5, "has a status" in 6. */
export const QUALITY_SHIFT = 4
export const HAS_STATUS = 64
