/** Failures by uses over the last so many uses; pure but for its own memory. */

interface Point {
  uses: number
  failures: number
}

export interface FailureRatio {
  /** Both as lives of the part: they never fall but when the part is exchanged, which starts again. */
  take(point: Point): void
  /** 0 to 1; undefined before the first use that was seen. */
  value(): number | undefined
}

/** Points remembered: the resolution of "the last so many". */
const MAX_POINTS = 256

export function createFailureRatio(over: number): FailureRatio {
  let points: Point[] = []
  const step = over / MAX_POINTS
  return {
    take(point) {
      const last = points.at(-1)
      if (last && (point.uses < last.uses || point.failures < last.failures)) points = []
      const before = points.at(-2)
      // A point closer than a step replaces the one before it, but never the first.
      if (before && point.uses - before.uses < step) points.pop()
      points.push(point)
      while (points.length > 2 && point.uses - (points[1]?.uses ?? 0) >= over) points.shift()
    },
    value() {
      const first = points[0]
      const last = points.at(-1)
      if (!first || !last || last.uses === first.uses) return undefined
      return Math.min(1, (last.failures - first.failures) / (last.uses - first.uses))
    },
  }
}
