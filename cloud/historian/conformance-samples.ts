/** The samples and the bench that the historians' conformance suite works with. */
import { formatTagId, quality, type Sample, type TagId, type Value } from '../../protocol/model.ts'
import type { Historian } from './historian.ts'

/** A tag of a name; all other parts are the same in the suite. */
export function tag(name: string): TagId {
  return formatTagId({ site: 'plant', gateway: 'gw-1', device: 'press', name })
}

/** Noon of a past day: a multiple of no bucket used below, so that alignment is tested too. */
export const T0 = Date.UTC(2026, 0, 15, 12, 0, 0, 123)

/** A good sample at T0 + ms. */
export function sample(name: string, ms: number, value: Value | null, more: Partial<Sample> = {}) {
  return { tag: tag(name), at: T0 + ms, value, quality: quality.good, ...more } satisfies Sample
}

/** The historian under test; new for each test. */
export interface Bench {
  historian: Historian
  /** Every stored sample of a name. */
  all(name: string): Promise<Sample[]>
}
