/** Models whose numbers lie in other files are found wherever the tensor stands; whole ones pass. */
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { checkNoOutsideData } from './outside-data.ts'
import { ProtobufWriter } from './protobuf.ts'

const message = () => new ProtobufWriter()
const elsewhere = message().varint(1, 64).varint(2, 1).string(8, 'c').varint(14, 1)
const within = (fields: readonly number[]) =>
  fields.reduceRight((inner, field) => message().message(field, inner), elsewhere).finish()

test.each([
  ['an initializer', [7, 5]],
  ['a sparse initializer', [7, 15, 1]],
  ['a constant', [7, 1, 5, 5]],
  ['the body of a loop', [7, 1, 5, 6, 5]],
  ['one of several tensors in a graph of a graph', [7, 1, 5, 11, 1, 5, 10]],
  ['a function', [25, 7, 5, 5]],
  ['the default of a function', [25, 11, 5]],
  ['the graph of a training', [20, 2, 5]],
])('in %s', (_, fields) => {
  expect(() => checkNoOutsideData(within(fields))).toThrow('in another file')
})

test('by its list of places alone, without the mark', () => {
  const place = message().string(1, 'location').string(2, 'cloud.yaml')
  const tensor = message().varint(1, 64).message(13, place)
  const model = message().message(7, message().message(5, tensor))
  expect(() => checkNoOutsideData(model.finish())).toThrow('in another file')
})

test('under a number of a field that only the runtime reads as that of the graph', () => {
  const graph = message().message(5, elsewhere).finish()
  // 7 << 3 | 2 with bit 32, which the runtime drops.
  const key = [0xba, 0x80, 0x80, 0x80, 0x10]
  const model = Uint8Array.from([...key, graph.length, ...graph])
  expect(() => checkNoOutsideData(model)).toThrow('no ONNX file')
})

test('graphs in graphs, however deep, do not bring it down', () => {
  let deep = elsewhere
  for (let depth = 0; depth < 3_000; depth++)
    deep = message().message(1, message().message(5, message().message(6, deep)))
  const model = message().message(7, deep).finish()
  expect(() => checkNoOutsideData(model)).not.toThrow(RangeError)
})

test('what is no ONNX is refused, and what others made passes', async () => {
  for (const bytes of [[1, 2, 3], [0x3a, 0x7f], [0x3b]])
    expect(() => checkNoOutsideData(Uint8Array.from(bytes))).toThrow('no ONNX file')
  for (const name of ['sklearn-isolation-forest', 'pytorch-autoencoder', 'lightgbm-regressor'])
    checkNoOutsideData(
      await readFile(new URL(`../external/fixtures/${name}.onnx`, import.meta.url)),
    )
})
