/** Samples as JSON can carry them: 64-bit integers as decimal strings, no NaN. */
import type { SampleView } from '../../protocol/api.ts'
import type { Sample } from '../../protocol/model.ts'

export function toSampleView({ tag, at, value, quality }: Sample): SampleView {
  if (typeof value === 'bigint') {
    return { tag, at, value: value.toString(), integer: true, quality }
  }
  const isSpeechless = typeof value === 'number' && !Number.isFinite(value)
  return { tag, at, value: isSpeechless ? null : value, quality }
}
