/** k-means with spread-out first centers: the same points and seed give the same centers. */
import { findNearest } from '../clusters.ts'
import { createRandom } from './golden.ts'

const MAX_ROUNDS = 50
/** Centers that move less than this are at rest. */
const AT_REST = 1e-9

/** At most `count` centers; fewer when there are fewer different points. */
export function findCenters(
  points: readonly Float64Array[],
  count: number,
  seed: number,
): Float64Array[] {
  let centers = chooseFirst(points, count, createRandom(seed))
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const next = moveToMeans(points, centers)
    const moved = centers.reduce(
      (most, center, i) => Math.max(most, findNearest([center], next[i] ?? center).distance),
      0,
    )
    centers = next
    if (moved < AT_REST) break
  }
  return centers
}

/** k-means++: a point far from all centers so far is the likelier next one. */
function chooseFirst(
  points: readonly Float64Array[],
  count: number,
  random: () => number,
): Float64Array[] {
  const first = points[Math.floor(random() * points.length)]
  const centers = first ? [first] : []
  while (centers.length < count) {
    const far = points.map((point) => findNearest(centers, point).distance)
    let rest = random() * far.reduce((sum, distance) => sum + distance, 0)
    const next = far.findIndex((distance) => {
      rest -= distance
      return distance > 0 && rest <= 0
    })
    const chosen = points[next]
    if (!chosen) break
    centers.push(chosen)
  }
  return centers
}

function moveToMeans(
  points: readonly Float64Array[],
  centers: readonly Float64Array[],
): Float64Array[] {
  const sums = centers.map(({ length }) => new Float64Array(length))
  const counts = centers.map(() => 0)
  for (const point of points) {
    const { place } = findNearest(centers, point)
    counts[place] = (counts[place] ?? 0) + 1
    const sum = sums[place]
    point.forEach((value, i) => {
      if (sum) sum[i] = (sum[i] ?? 0) + value
    })
  }
  return centers.map((center, place) => {
    const count = counts[place] ?? 0
    return count === 0 ? center : (sums[place] ?? center).map((sum) => sum / count)
  })
}
