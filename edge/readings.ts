/** Readings on their way to the outbox and the wire: samples one by one, and rows of good numbers, which cost no object each. */
import { quality, type Sample, type TagId } from '../protocol/model.ts'

/** The tags of a group in order. One object for the life of the group: what is worked out of it is kept by it. */
export interface RowTags {
  readonly tags: readonly TagId[]
}

/** Good numbers of one group read at one instant, one at least; a tag without news is left out. */
export interface Row {
  readonly of: RowTags
  /** Unix ms, whole. */
  readonly at: number
  /** Indexes into the tags, ascending; as many as values. */
  readonly places: Int32Array
  readonly values: Float64Array
}

export type Part = readonly Sample[] | Row

/** In the order in which they were taken. To whom the form does not matter, it is a list of samples. */
export class Parts {
  readonly parts: readonly Part[]
  readonly length: number

  constructor(parts: readonly Part[]) {
    this.parts = parts
    this.length = parts.reduce((sum, part) => sum + sizeOf(part), 0)
  }

  *[Symbol.iterator](): Generator<Sample> {
    for (const part of this.parts) yield* isRow(part) ? toSamples(part) : part
  }
}

export type Samples = readonly Sample[] | Parts

export function partsOf(samples: Samples): readonly Part[] {
  return samples instanceof Parts ? samples.parts : [samples]
}

export function isRow(part: Part): part is Row {
  return 'places' in part
}

export function sizeOf(part: Part): number {
  return isRow(part) ? part.values.length : part.length
}

export function toSamples({ of, at, places, values }: Row): Sample[] {
  return Array.from(values, (value, i) => {
    return { tag: of.tags[places[i] as number] as TagId, at, value, quality: quality.good }
  })
}
