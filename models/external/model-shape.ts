/** Finds in a foreign model its one float input and its score, or says in plain words what is wrong with it. */
import { Fault } from '../../protocol/kit/fault.ts'
import type { DryRunAnswer, ModelPort } from './dry-run.ts'

export interface ModelShape {
  input: string
  score: string
  /** `[B, F]`: the rows of a window side by side; otherwise `[B, T, F]`. */
  flat: boolean
  windowRows: number
  /** Place of the score in a row of the output. */
  column: number
}

export interface ShapeQuestion {
  tags: readonly string[]
  /** The output that is the score; the only float one when left out. */
  score?: string
  /** The last column when left out: of two class probabilities that of the abnormal one. */
  column?: number
  /** Rows of a window where the file does not say. */
  windowRows?: number
}

type Ports = Pick<DryRunAnswer, 'inputs' | 'outputs'>

/** Fault 'model.bad-file'. */
export function findShape({ inputs, outputs }: Ports, question: ShapeQuestion): ModelShape {
  const [input] = inputs
  if (!input || inputs.length !== 1)
    throw refuse(`it has ${inputs.length} inputs (${namesOf(inputs)}); one is needed`)
  if (input.type !== 'float32')
    throw refuse(`its input ${input.name} is ${input.type ?? 'no tensor'}; float32 is needed`)
  const score = findScore(outputs, question.score)
  const columns = Number(score.shape?.[1] ?? 1) || 1
  const column = question.column ?? columns - 1
  if (column < 0 || column >= columns)
    throw refuse(`its output ${score.name} has ${columns} columns, none of them is ${column}`)
  return { input: input.name, score: score.name, column, ...findWindow(input, question) }
}

function findWindow(
  { name, shape = [] }: ModelPort,
  { tags, windowRows }: ShapeQuestion,
): Pick<ModelShape, 'flat' | 'windowRows'> {
  const [, second = '', third = ''] = shape
  const size = (text: string) => (/^\d+$/.test(text) && Number(text) > 0 ? Number(text) : undefined)
  if (shape.length === 2) {
    const features = size(second) ?? tags.length * (windowRows ?? 1)
    const rows = features / tags.length
    if (Number.isInteger(rows) && rows === (windowRows ?? rows))
      return { flat: true, windowRows: rows }
    throw refuse(
      `its input ${name} takes ${features} numbers, which is no whole number of rows of ${tags.length} tags`,
    )
  }
  if (shape.length !== 3)
    throw refuse(`its input ${name} has ${shape.length} dimensions; [B, F] or [B, T, F] is needed`)
  if ((size(third) ?? tags.length) !== tags.length)
    throw refuse(`its input ${name} takes ${third} tags, the manifest names ${tags.length}`)
  const rows = size(second) ?? windowRows
  if (rows === undefined || rows !== (windowRows ?? rows))
    throw refuse(`its input ${name} has ${second || 'any number of'} rows; say windowRows`)
  return { flat: false, windowRows: rows }
}

function findScore(outputs: readonly ModelPort[], wanted: string | undefined): ModelPort {
  const floats = outputs.filter(({ type }) => type === 'float32' || type === 'float64')
  const score =
    wanted === undefined && floats.length === 1
      ? floats[0]
      : outputs.find(({ name }) => name === wanted)
  const maps = outputs.filter(({ type }) => type === undefined)
  if (maps.length > 0 && (floats.length === 0 || maps.includes(score as ModelPort)))
    throw refuse(
      `its output ${namesOf(maps)} is a sequence of maps (ZipMap) and no tensor: export the classifier with options={"zipmap": False}`,
    )
  if (!score && wanted !== undefined)
    throw refuse(`it has no output ${wanted}; there are ${namesOf(outputs)}`)
  if (!score)
    throw refuse(
      `${floats.length} of its outputs are float (${namesOf(outputs)}): say which is the score`,
    )
  if (!floats.includes(score))
    throw refuse(`its output ${score.name} is ${score.type}; a float score is needed`)
  const [, columns = '1', ...more] = score.shape ?? []
  if (more.length > 0)
    throw refuse(
      `its output ${score.name} has [${score.shape?.join(', ')}]; one score a window is needed`,
    )
  return { ...score, shape: [score.shape?.[0] ?? '', columns] }
}

const namesOf = (ports: readonly ModelPort[]) => ports.map(({ name }) => name).join(', ') || 'none'

export function refuse(problem: string): Fault {
  return new Fault('model.bad-file', { file: 'model.onnx', problem })
}
