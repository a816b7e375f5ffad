/** Too few failures for a number of hours: how far a machine is on the way that the known ones went, and its trend. */
import { createFeatures, FEATURES_PER_TAG, type Life } from './life-features.ts'
import { fitRidge, predictRidge, type Ridge } from './random-feature-ridge.ts'

/** The share of a life that counts as new, and the one that counts as worn out. */
const NEW_SHARE = 0.25
const WORN_SHARE = 0.1
/** Strong ridge: a handful of lives must not find a lucky feature. */
const HEALTH_RIDGE = 0.1
/** Rows that the trend is taken over. */
export const TREND_ROWS = 60

/** Linear in the features without age: 0 is as new, 1 is where the known histories ended. */
export interface HealthModel {
  ridge: Ridge
}

/** A health index from the beginnings and ends of at least one history. */
export function fitHealthModel(lives: readonly Life[], seed: number): HealthModel {
  const values: number[] = []
  const target: number[] = []
  for (const life of lives) {
    const features = createHealthFeatures(life)
    const size = features.length / life.count
    for (let row = 0; row < life.count; row++) {
      const isNew = row < Math.ceil(life.count * NEW_SHARE)
      const isWorn = row >= life.count - Math.ceil(life.count * WORN_SHARE)
      if (isNew === isWorn) continue
      for (let i = 0; i < size; i++) values.push(features[row * size + i] ?? Number.NaN)
      target.push(isWorn ? 1 : 0)
    }
  }
  const width = (lives[0]?.width ?? 0) * FEATURES_PER_TAG + 1
  const inputs = { rows: target.length, width, values: Float64Array.from(values) }
  const options = { seed, hidden: 0, ridge: HEALTH_RIDGE }
  return { ridge: fitRidge(inputs, Float64Array.from(target), options) }
}

/** Age is set to 0: an old machine is not ill, and with few histories age would explain everything. */
export function createHealthFeatures(life: Life, rows = life.count): Float64Array {
  const features = createFeatures(life, rows)
  const size = life.width * FEATURES_PER_TAG + 1
  for (let i = size - 1; i < features.length; i += size) features[i] = 0
  return features
}

/** Health per row of features. */
export function measureHealth({ ridge }: HealthModel, features: Float64Array): Float64Array {
  const width = ridge.mean.length
  return predictRidge(ridge, { rows: features.length / width, width, values: features })
}

/** Theil–Sen: the median slope of all pairs of rows; a third of the rows may be nonsense. NaN for fewer than two rows. */
export function findTrend(values: ArrayLike<number>): number {
  const slopes: number[] = []
  for (let i = 0; i < values.length; i++)
    for (let j = i + 1; j < values.length; j++) {
      const slope = ((values[j] ?? Number.NaN) - (values[i] ?? Number.NaN)) / (j - i)
      if (!Number.isNaN(slope)) slopes.push(slope)
    }
  slopes.sort((a, b) => a - b)
  return slopes[slopes.length >> 1] ?? Number.NaN
}
