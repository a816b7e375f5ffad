/** What a soak tells, integer by integer, and the count of what the historian has of it. */
import type { Historian } from '../../cloud/historian/historian.ts'
import { quality, type Sample, type TagId } from '../../protocol/model.ts'

/** The integers are dealt out to so many tags. */
export const SOAK_TAGS = 50
/** Long before any mark of a host's own clock. */
const FIRST_AT = Date.UTC(2026, 0, 1)

export function tagOf(integer: number): TagId {
  return `plant/gw1/plc/T${integer % SOAK_TAGS}`
}

/** Value and time follow from the integer alone: made twice it is the same sample. */
export function sampleOf(integer: number): Sample {
  return { tag: tagOf(integer), at: FIRST_AT + integer, value: integer, quality: quality.good }
}

export interface SoakVerdict {
  stored: number
  lost: number
  duplicated: number
  /** Stored with another value, time or quality than told. */
  wrong: number
}

/** Every integer below `total` must be there once, with its own time. */
export async function countSoak(historian: Historian, total: number): Promise<SoakVerdict> {
  const verdict: SoakVerdict = { stored: 0, lost: 0, duplicated: 0, wrong: 0 }
  for (let tag = 0; tag < SOAK_TAGS; tag++) {
    const limit = 2 * Math.ceil(total / SOAK_TAGS) + 1
    const found = await historian.raw(tagOf(tag), FIRST_AT, FIRST_AT + total, limit)
    const seen = new Set<number>()
    for (const { at, value, quality: how } of found) {
      const integer = at - FIRST_AT
      if (Number(value) !== integer || how !== quality.good || integer % SOAK_TAGS !== tag) {
        verdict.wrong += 1
      } else if (seen.has(integer)) verdict.duplicated += 1
      seen.add(integer)
    }
    verdict.stored += seen.size
    verdict.lost += Math.ceil((total - tag) / SOAK_TAGS) - seen.size
  }
  return verdict
}
