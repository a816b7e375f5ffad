/** Ridge regression on standardised inputs and on tanh features of random projections of them. */
import { CholeskyDecomposition, Matrix } from 'ml-matrix'
import { Fault } from '../../../protocol/kit/fault.ts'
import { createRandom } from '../golden.ts'
import { isTooFine } from '../scaling.ts'

/** Random tanh features. */
export const HIDDEN = 200
/** A standardised input beyond this says "far", not how far. */
export const Z_CLIP = 5
/** Standard deviation of a random projection of a standardised row. */
const PROJECTION_SCALE = 0.8
/** Ridge on the weights of standardised columns, per training row. */
const RIDGE = 1e-3
/** Rows whose products are summed at a time. */
const BLOCK = 4

/** `[rows, width]` row by row; NaN where a feature could not be measured. */
export interface Inputs {
  rows: number
  width: number
  values: Float64Array
}

export interface Ridge {
  /** Mean and scale per input; the scale of one that falls where the target rises is negative. */
  mean: Float64Array
  scale: Float64Array
  /** Some input needs more digits than float32 has. */
  exact?: boolean
  /** `[width, hidden]`, row by row, and its bias. */
  projection: Float64Array
  bias: Float64Array
  /** Weights of the standardised inputs, then of the tanh features. */
  weights: Float64Array
  intercept: number
}

export interface RidgeOptions {
  seed: number
  hidden?: number
  ridge?: number
  projectionScale?: number
}

/** The same inputs and seed give the same weights. */
export function fitRidge(inputs: Inputs, target: Float64Array, options: RidgeOptions): Ridge {
  const { hidden = HIDDEN, ridge = RIDGE } = options
  const scaling = findScale(inputs)
  const { signs, places } = relate(inputs, target, scaling)
  const model: Ridge = {
    ...scaling,
    scale: scaling.scale.map((own, j) => own * (signs[j] ?? 1)),
    ...project(places, hidden, options),
    weights: new Float64Array(inputs.width + hidden),
    intercept: 0,
  }
  const { gram, moment } = sumProducts(model, inputs, target)
  const size = inputs.width + hidden + 1
  const penalised = Matrix.zeros(size, size)
  for (let i = 0; i < size; i++)
    for (let j = 0; j <= i; j++) {
      const value = (gram[i * size + j] ?? 0) / inputs.rows
      penalised.set(i, j, i === j && i > 0 ? value + ridge : value)
      penalised.set(j, i, penalised.get(i, j))
    }
  const right = Matrix.columnVector(Array.from(moment, (value) => value / inputs.rows))
  const solved = new CholeskyDecomposition(penalised).solve(right).to1DArray()
  return { ...model, intercept: solved[0] ?? 0, weights: Float64Array.from(solved.slice(1)) }
}

/** The mean of several ridges on the same inputs, as one ridge with all their random features. */
export function joinRidges(ridges: readonly Ridge[]): Ridge {
  const [first] = ridges
  if (!first) throw new Fault('internal', { what: 'there is no ridge to join' })
  const width = first.mean.length
  const share = 1 / ridges.length
  const linear = new Float64Array(width)
  const projection = Array.from({ length: width }, (_, j) =>
    ridges.map(({ projection: own, bias }) =>
      Array.from(own.subarray(j * bias.length, (j + 1) * bias.length)),
    ),
  )
  for (const { weights } of ridges)
    for (let j = 0; j < width; j++) linear[j] = (linear[j] ?? 0) + (weights[j] ?? 0) * share
  const hidden = ridges.flatMap(({ weights }) =>
    Array.from(weights.subarray(width), (weight) => weight * share),
  )
  return {
    mean: first.mean,
    scale: first.scale,
    exact: first.exact,
    projection: Float64Array.from(projection.flat(2)),
    bias: Float64Array.from(ridges.flatMap(({ bias }) => Array.from(bias))),
    weights: Float64Array.from([...linear, ...hidden]),
    intercept: ridges.reduce((sum, { intercept }) => sum + intercept * share, 0),
  }
}

/** One value per row. */
export function predictRidge(model: Ridge, inputs: Inputs): Float64Array {
  const basis = createBasis(model)
  const out = new Float64Array(inputs.rows)
  const columns = new Float64Array(model.weights.length + 1)
  for (let row = 0; row < inputs.rows; row++) {
    basis(inputs.values, row * inputs.width, columns)
    let sum = model.intercept
    for (let i = 0; i < model.weights.length; i++)
      sum += (model.weights[i] ?? 0) * (columns[i + 1] ?? 0)
    out[row] = sum
  }
  return out
}

/** Rounded to float32 like the graph's, unless that is too coarse: a pressure of 8,000 with a spread of 3 would be off by a thousandth. */
function findScale(inputs: Inputs) {
  const { mean, scale, exact } = measureScale(inputs)
  const narrow = exact ? (value: number) => value : Math.fround
  return { mean: mean.map(narrow), scale: scale.map((own) => narrow(own) || 1), exact }
}

function measureScale({ rows, width, values }: Inputs) {
  let exact = false
  const mean = new Float64Array(width)
  const scale = new Float64Array(width)
  for (let j = 0; j < width; j++) {
    let n = 0
    let sum = 0
    let squares = 0
    let size = 0
    for (let i = j; i < rows * width; i += width) {
      const value = values[i] ?? Number.NaN
      if (Number.isNaN(value)) continue
      n++
      size = Math.max(size, Math.abs(value))
      const delta = value - sum
      sum += delta / n
      squares += delta * (value - sum)
    }
    mean[j] = sum
    const own = Math.sqrt(squares / Math.max(1, n))
    scale[j] = own
    if (own > 0 && isTooFine(size, own)) exact = true
  }
  return { mean, scale, exact }
}

/**
 * Which way each input goes with the target, and its place when the strongest come first: what is drawn at random is
 * drawn for the places, so that neither the order of the columns, nor their names, nor their units change the model.
 */
function relate(
  { rows, width, values }: Inputs,
  target: Float64Array,
  { mean, scale }: Pick<Ridge, 'mean' | 'scale'>,
) {
  const middle = target.reduce((sum, one) => sum + one, 0) / Math.max(1, target.length)
  const relations = Array.from({ length: width }, (_, j) => {
    let sum = 0
    for (let row = 0; row < rows; row++) {
      const z = ((values[row * width + j] ?? Number.NaN) - (mean[j] ?? 0)) / (scale[j] ?? 1)
      if (!Number.isNaN(z)) sum += z * ((target[row] ?? 0) - middle)
    }
    return sum
  })
  const order = [...relations.keys()].sort(
    (a, b) => Math.abs(relations[b] ?? 0) - Math.abs(relations[a] ?? 0) || a - b,
  )
  const places = new Array<number>(width).fill(0)
  for (const [place, j] of order.entries()) places[j] = place
  return { signs: relations.map((one) => (one < 0 ? -1 : 1)), places }
}

function project(
  places: readonly number[],
  hidden: number,
  { seed, projectionScale = PROJECTION_SCALE }: RidgeOptions,
) {
  const random = createRandom(seed)
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  const width = places.length
  const size = projectionScale / Math.sqrt(width)
  const drawn = Float64Array.from({ length: width * hidden }, () => normal() * size)
  const projection = new Float64Array(drawn.length)
  for (const [j, place] of places.entries())
    projection.set(drawn.subarray(place * hidden, (place + 1) * hidden), j * hidden)
  return { projection, bias: Float64Array.from({ length: hidden }, () => normal() * 0.5) }
}

/** Writes 1, the standardised inputs and the tanh features of the row that begins at `from`. */
function createBasis({ mean, scale, projection, bias }: Ridge) {
  const width = mean.length
  const hidden = bias.length
  const sums = new Float64Array(hidden)
  return (values: Float64Array, from: number, out: Float64Array): void => {
    out[0] = 1
    sums.set(bias)
    for (let j = 0; j < width; j++) {
      const raw = ((values[from + j] as number) - (mean[j] as number)) / (scale[j] as number)
      const z = Number.isNaN(raw) ? 0 : Math.min(Z_CLIP, Math.max(-Z_CLIP, raw))
      out[j + 1] = z
      const at = j * hidden
      for (let k = 0; k < hidden; k++)
        sums[k] = (sums[k] as number) + z * (projection[at + k] as number)
    }
    for (let k = 0; k < hidden; k++) out[width + 1 + k] = Math.tanh(sums[k] as number)
  }
}

/** Lower triangle of ΦᵀΦ, and Φᵀy; four rows at a time, which halves the traffic to memory. */
function sumProducts(model: Ridge, { rows, width, values }: Inputs, target: Float64Array) {
  const size = model.weights.length + 1
  const basis = createBasis(model)
  const block = Array.from({ length: BLOCK }, () => new Float64Array(size)) as [
    Float64Array,
    Float64Array,
    Float64Array,
    Float64Array,
  ]
  const [a, b, c, d] = block
  const gram = new Float64Array(size * size)
  const moment = new Float64Array(size)
  for (let from = 0; from < rows; from += BLOCK) {
    const y = block.map((columns, k) => {
      if (from + k >= rows) columns.fill(0)
      else basis(values, (from + k) * width, columns)
      return target[from + k] ?? 0
    }) as [number, number, number, number]
    for (let i = 0; i < size; i++) {
      const [p, q, r, s] = [a[i] as number, b[i] as number, c[i] as number, d[i] as number]
      const at = i * size
      moment[i] = (moment[i] as number) + p * y[0] + q * y[1] + r * y[2] + s * y[3]
      for (let j = 0; j <= i; j++)
        gram[at + j] =
          (gram[at + j] as number) +
          p * (a[j] as number) +
          q * (b[j] as number) +
          r * (c[j] as number) +
          s * (d[j] as number)
    }
  }
  return { gram, moment }
}
