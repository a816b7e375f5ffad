/** The bytes of a row's metrics: one tight loop, for what nearly all messages of a plant consist of. */
import { writeVarint } from './varint.ts'
import type { RowPart } from './wire-form.ts'

/** Room that one metric takes at most: two of head, alias, time, mark and value. */
export const ROW_METRIC_BYTES = 40

/** Tag bytes, as in `payload-writer.ts`. */
const keys = { metrics: 0x12, alias: 0x10, timestamp: 0x18, isHistorical: 0x28, intValue: 0x50 }
const floatKeys = { float: 0x65, double: 0x69 }

const stamp = new Uint8Array(16)

/** Writes from `start` on and answers where it ended; there must be `ROW_METRIC_BYTES` for each value. */
export function writeRow(out: Buffer, start: number, part: RowPart & { historical: boolean }) {
  const { at, places, values, forms, historical } = part
  const { aliases, isWhole, isFloat } = forms
  stamp[0] = keys.timestamp
  let stampEnd = writeVarint(stamp, 1, Math.max(0, Math.round(at)))
  if (historical) {
    stamp[stampEnd++] = keys.isHistorical
    stamp[stampEnd++] = 1
  }
  let length = start
  for (let i = 0; i < values.length; i++) {
    const place = places[i] as number
    const value = values[i] as number
    out[length] = keys.metrics
    const head = length + 1
    out[length + 2] = keys.alias
    length = writeVarint(out, length + 3, aliases[place] as number)
    for (let k = 0; k < stampEnd; k++) out[length++] = stamp[k] as number
    if (isWhole[place] === 1) {
      out[length] = keys.intValue
      length = writeVarint(out, length + 1, value >>> 0)
    } else if (isFloat[place] === 1) {
      out[length] = floatKeys.float
      length = out.writeFloatLE(value, length + 1)
    } else {
      out[length] = floatKeys.double
      length = out.writeDoubleLE(value, length + 1)
    }
    // Always below 128: a length of one byte.
    out[head] = length - head - 1
  }
  return length
}
