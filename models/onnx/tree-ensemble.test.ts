/** The tree node as an independent decoder and an independent runtime read it. */
import { onnx } from 'onnx-proto'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { expect, test } from 'vitest'
import { encodeModel } from './encode-model.ts'
import { createGraph } from './graph.ts'
import { addTreeEnsemble } from './tree-ensemble.ts'

/** x0 <= 2 → 10 to target 0, else (x1 <= -1 → 20, else 30); a second tree adds 5 to target 1 alone. */
function createExample(): Uint8Array {
  const graph = createGraph('trees')
  const input = graph.input('x', ['B', 2])
  const tree = {
    feature: [0, -1, 1, -1, -1],
    threshold: [2, 0, -1, 0, 0],
    left: [1, 0, 3, 0, 0],
    right: [2, 0, 4, 0, 0],
    value: [0, 10, 0, 20, 30],
  }
  const leaf = { feature: [-1], threshold: [0], left: [0], right: [0], value: [5] }
  const trees = [
    { target: 0, tree },
    { target: 1, tree: leaf },
  ]
  const sums = addTreeEnsemble(graph, input, { base: [0.5, -0.5], trees })
  graph.node('Identity', [sums], { into: 'y' })
  graph.output('y', ['B', 2])
  return encodeModel(graph.build(), {
    producerName: 'mimamori',
    producerVersion: '1',
    metadata: {},
  })
}

test('each row falls to its leaf, a missing value to the right', async () => {
  const session = await InferenceSession.create(createExample())
  const x = Float32Array.from([2, 0, 2.001, -1, 9, 0, Number.NaN, Number.NaN])
  const { y } = await session.run({ x: new Tensor('float32', x, [4, 2]) })
  expect(Array.from(y!.data as Float32Array)).toEqual([10.5, 4.5, 20.5, 4.5, 30.5, 4.5, 30.5, 4.5])
  await session.release()
})

test('an independent decoder reads the operator set, the strings and the floats of the node', () => {
  const model = onnx.ModelProto.decode(createExample())
  const sets = model.opsetImport.map(({ domain, version }) => [domain, Number(version)])
  expect(sets).toEqual([
    ['', 17],
    ['ai.onnx.ml', 3],
  ])
  const [node] = model.graph!.node!
  expect([node!.opType, node!.domain]).toEqual(['TreeEnsembleRegressor', 'ai.onnx.ml'])
  const attribute = (name: string) => node!.attribute!.find((one) => one.name === name)!
  const modes = attribute('nodes_modes').strings!.map((one) => Buffer.from(one).toString())
  expect(modes).toEqual(['BRANCH_LEQ', 'LEAF', 'BRANCH_LEQ', 'LEAF', 'LEAF', 'LEAF'])
  expect(attribute('nodes_modes').type).toBe(onnx.AttributeProto.AttributeType.STRINGS)
  expect(attribute('target_weights').floats).toEqual([10, 20, 30, 5])
  expect(Buffer.from(attribute('post_transform').s!).toString()).toBe('NONE')
})
