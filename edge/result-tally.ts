/** How many samples passed, by quality: an ear on the way to the batcher. */
import { quality, type Sample } from '../protocol/model.ts'
import type { Batcher } from './batcher.ts'
import type { Row } from './readings.ts'

export interface ResultTally extends Pick<Batcher, 'add' | 'addRow' | 'flush'> {
  counts(): { good: number; stale: number; bad: number }
}

/** The same batcher, as the links use it. */
export function tallyResults({ add, addRow, flush }: Batcher): ResultTally {
  let [good, stale, bad] = [0, 0, 0]
  return {
    flush,
    add(samples: readonly Sample[]) {
      for (const sample of samples) {
        if (sample.quality === quality.good) good++
        else if (sample.quality === quality.stale) stale++
        else bad++
      }
      add(samples)
    },
    addRow(row: Row) {
      good += row.values.length
      addRow(row)
    },
    counts: () => ({ good, stale, bad }),
  }
}
