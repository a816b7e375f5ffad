/** The ONNX writer against an independent decoder (onnx-proto) and an independent runtime. */
import { onnx } from 'onnx-proto'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { expect, test } from 'vitest'
import { isFault } from '../../protocol/kit/fault.ts'
import { encodeModel, IR_VERSION, OPSET_VERSION } from './encode-model.ts'
import { createGraph } from './graph.ts'
import { encodeVarint } from './protobuf.ts'

const info = {
  producerName: 'mimamori',
  producerVersion: '1',
  metadata: { zone: 'b', asset: '押し機' },
}

/** y = mean over rows of (x - offset) * weight; x is [B, 3, 2]. */
function createExample() {
  const graph = createGraph('example')
  graph.input('x', ['B', 3, 2])
  const moved = graph.node('Sub', ['x', graph.float('offset', [2], [1, -0.5])])
  const weighted = graph.node('MatMul', [moved, graph.float('weight', [2, 2], [1, 2, 3, 4])])
  const sum = graph.node('ReduceSum', [weighted, graph.int64('axis', [-1])], {
    attributes: { keepdims: 0 },
  })
  graph.node('ReduceMean', [sum], { into: 'y', attributes: { axes: [1], keepdims: 0 } })
  graph.output('y', ['B'])
  return graph.build()
}

test('an independent decoder reads back every part that was written', () => {
  const model = onnx.ModelProto.decode(encodeModel(createExample(), info))
  expect(Number(model.irVersion)).toBe(IR_VERSION)
  expect(model.opsetImport.map(({ domain, version }) => [domain, Number(version)])).toEqual([
    ['', OPSET_VERSION],
  ])
  expect(model.metadataProps.map(({ key, value }) => [key, value])).toEqual([
    ['asset', '押し機'],
    ['zone', 'b'],
  ])
  const graph = model.graph!
  expect(graph.node!.map(({ opType }) => opType)).toEqual([
    'Sub',
    'MatMul',
    'ReduceSum',
    'ReduceMean',
  ])
  const dims = graph.input![0]!.type!.tensorType!.shape!.dim!
  expect(dims.map(({ dimParam, dimValue }) => dimParam || Number(dimValue))).toEqual(['B', 3, 2])
  const weight = graph.initializer!.find(({ name }) => name === 'weight')!
  expect(weight.dims!.map(Number)).toEqual([2, 2])
  const raw = Buffer.from(weight.rawData!)
  expect([0, 4, 8, 12].map((at) => raw.readFloatLE(at))).toEqual([1, 2, 3, 4])
  const axis = graph.initializer!.find(({ name }) => name === 'axis')!
  expect(Buffer.from(axis.rawData!).readBigInt64LE(0)).toBe(-1n)
  const mean = graph.node![3]!.attribute!
  expect(mean.map(({ name, type }) => [name, type])).toEqual([
    ['axes', onnx.AttributeProto.AttributeType.INTS],
    ['keepdims', onnx.AttributeProto.AttributeType.INT],
  ])
  expect(mean[0]!.ints!.map(Number)).toEqual([1])
})

test('decoding with an independent codec and encoding again gives a model of equal meaning', () => {
  const bytes = encodeModel(createExample(), info)
  const again = onnx.ModelProto.encode(onnx.ModelProto.decode(bytes)).finish()
  const meaning = (file: Uint8Array) =>
    onnx.ModelProto.toObject(onnx.ModelProto.decode(file), { bytes: String, longs: String })
  expect(meaning(again)).toEqual(meaning(bytes))
})

test('the runtime computes what the graph says, at any batch size', async () => {
  const session = await InferenceSession.create(encodeModel(createExample(), info))
  for (const batch of [1, 2, 7]) {
    const x = Float32Array.from({ length: batch * 6 }, (_, i) => (i * 7) % 5)
    const { y } = await session.run({ x: new Tensor('float32', x, [batch, 3, 2]) })
    const expected = Array.from({ length: batch }, (_, b) => {
      let sum = 0
      for (let row = 0; row < 3; row++)
        sum += (x[b * 6 + row * 2]! - 1) * 3 + (x[b * 6 + row * 2 + 1]! + 0.5) * 7
      return sum / 3
    })
    expect(y!.dims).toEqual([batch])
    expected.forEach((value, i) => {
      expect(y!.data[i]).toBeCloseTo(value, 4)
    })
  }
  await session.release()
})

test('the same graph gives the same bytes, whatever the order of the metadata', () => {
  const turned = { ...info, metadata: { asset: '押し機', zone: 'b' } }
  expect(encodeModel(createExample(), turned)).toEqual(encodeModel(createExample(), info))
})

test.each([
  [0n, [0]],
  [127n, [0x7f]],
  [300n, [0xac, 0x02]],
  [-1n, [255, 255, 255, 255, 255, 255, 255, 255, 255, 1]],
])('the varint of %s is that of the protobuf specification', (value, bytes) => {
  expect([...encodeVarint(value)]).toEqual(bytes)
})

test('a graph that reads a value before it is made is refused', () => {
  const graph = createGraph('wrong')
  graph.node('Sqrt', ['nothing'], { into: 'y' })
  expect(() => graph.build()).toThrow('reads nothing before it is made')
})

test('a constant whose values do not fill its shape is refused', () => {
  const graph = createGraph('wrong')
  graph.float('w', [2, 2], [1, 2, 3])
  try {
    graph.build()
    expect.unreachable()
  } catch (error) {
    expect(isFault(error, 'internal')).toBe(true)
  }
})
