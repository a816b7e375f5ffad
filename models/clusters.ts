/** Phases of a strongly cyclic machine, found without a tag that names them: which one a window is in, by the window alone. */
import { type Static, Type } from 'typebox'

/** More phases than this are no phases. */
export const MAX_CLUSTERS = 6
/** The newest rows of a window that tell its phase. */
const PHASE_ROWS = 10
/** As in the detector: one broken sensor must not decide alone. */
const CLIP = 100

const closed = { additionalProperties: false }

/** The folder's own model is of all operation; those of the phases stand beside it, and the louder one speaks. */
export const ClustersSchema = Type.Object(
  {
    /** Two numbers a tag: the mean of its last ten rows, and how far the later five stand above the earlier, in scales. */
    centers: Type.Array(Type.Array(Type.Number()), { minItems: 2, maxItems: MAX_CLUSTERS }),
    /** Of each center. */
    known: Type.Array(
      Type.Object(
        {
          rows: Type.Integer({ minimum: 1 }),
          threshold: Type.Number({ exclusiveMinimum: 0 }),
          folder: Type.String({ pattern: '^clusters/[1-9]$' }),
          /** SHA-256 of the manifest in that folder. */
          manifest: Type.String({ pattern: '^[0-9a-f]{64}$' }),
        },
        closed,
      ),
      { minItems: 2, maxItems: MAX_CLUSTERS },
    ),
  },
  closed,
)
export type Clusters = Static<typeof ClustersSchema>

type Tags = readonly { mean: number; scale: number }[]

/** `window` is rows x tags, raw values, of which the last ten rows count. */
export function describePhase(tags: Tags, window: ArrayLike<number>): Float64Array {
  const width = tags.length
  const phase = new Float64Array(2 * width)
  const rows = window.length / width
  tags.forEach(({ mean, scale }, tag) => {
    for (let back = 0; back < PHASE_ROWS; back++) {
      const value = window[(rows - 1 - back) * width + tag] ?? mean
      const z = Math.min(CLIP, Math.max(-CLIP, (value - mean) / scale)) / PHASE_ROWS
      phase[tag] = (phase[tag] ?? 0) + z
      phase[width + tag] = (phase[width + tag] ?? 0) + (back < PHASE_ROWS / 2 ? z : -z)
    }
  })
  return phase
}

/** The place of the nearest center, the first of equal ones. */
export function findNearest(
  centers: readonly ArrayLike<number>[],
  point: ArrayLike<number>,
): { place: number; distance: number } {
  let place = 0
  let distance = Number.POSITIVE_INFINITY
  centers.forEach((center, i) => {
    let sum = 0
    for (let j = 0; j < point.length; j++) sum += ((center[j] ?? 0) - (point[j] ?? 0)) ** 2
    if (sum < distance) [place, distance] = [i, sum]
  })
  return { place, distance }
}

/** The phase that a window is in. */
export function findCluster(
  { tags, clusters }: { tags: Tags; clusters?: Clusters },
  window: ArrayLike<number>,
): number {
  return findNearest(clusters?.centers ?? [], describePhase(tags, window)).place
}
