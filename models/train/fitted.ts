/** What every trained detector offers to the checks that follow its training, whatever it is inside. */
import { type Detector, type Score, type Segments, scoreSegments, windowRows } from './detector.ts'
import type { Rows } from './grid.ts'
import { ONE_TAG_ROWS, type OneTag, scoreOneTag } from './one-tag.ts'
import type { Scaling } from './scaling.ts'

export interface Fitted extends Scaling {
  windowRows: number
  /** Scores every window that lies wholly in one segment; `ends[i]` is the last row of window i. */
  score(rows: Rows, segments: Segments): { ends: number[]; scores: Score[] }
}

export function fittedDetector(detector: Detector): Fitted {
  const { mean, scale, exact, lags } = detector
  const score: Fitted['score'] = (rows, segments) => scoreSegments(detector, rows, segments)
  return { mean, scale, exact, windowRows: windowRows(lags), score }
}

export function fittedOneTag(detector: OneTag): Fitted {
  const { mean, scale, exact } = detector
  const score: Fitted['score'] = (rows, segments) => scoreOneTag(detector, rows, segments)
  return { mean, scale, exact, windowRows: ONE_TAG_ROWS, score }
}
