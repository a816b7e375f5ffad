/** Which tags an alarm names first: those that are both unexpected beside the others and away from their own normal. */
import type { Manifest } from './manifest.ts'

/**
 * A tag that stands where it always stands still counts as half a deviation away: where a controller holds a tag, only
 * the others move.
 */
const LEAST_LEVEL = 0.5

export interface Ranked {
  /** Rows x tags of the window, raw values. */
  window: ArrayLike<number>
  /** The model's contributions, in the order of the tags. */
  contributions: ArrayLike<number>
}

/**
 * Indices of the manifest's tags, the most telling first. In a model of all tags together a fault that moves three tags
 * makes the one that did not move look wrong beside them, so its conditional z is weighed with how far the tag itself
 * is from its mean, averaged over the window.
 */
export function rankTags(
  { tags, kind }: Pick<Manifest, 'tags' | 'kind'>,
  { window, contributions }: Ranked,
): number[] {
  const width = tags.length
  const rows = Math.max(1, Math.floor(window.length / width))
  const weights = tags.map(({ mean, scale }, tag) => {
    const unexpected = Math.abs(contributions[tag] ?? 0)
    if (kind !== 'multivariate') return unexpected
    let sum = 0
    for (let i = tag; i < rows * width; i += width) sum += ((window[i] ?? mean) - mean) / scale
    return unexpected * (Math.abs(sum / rows) + LEAST_LEVEL)
  })
  return tags.map((_, tag) => tag).sort((a, b) => (weights[b] ?? 0) - (weights[a] ?? 0))
}
