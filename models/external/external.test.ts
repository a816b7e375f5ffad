/** Models made with scikit-learn, LightGBM and PyTorch: they say here what they say there, and alarm on the broken rows. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readModelFolder } from '../manifest.ts'
import { encodeModel } from '../onnx/encode-model.ts'
import { createGraph } from '../onnx/graph.ts'
import { quantile } from '../quantiles.ts'
import { openSession } from '../session.ts'
import { runScore } from '../train/score.ts'
import { readTable } from '../train/table.ts'
import { calibrateExternal } from './calibrate-external.ts'
import { dryRun } from './dry-run.ts'
import { externalCommand } from './external-command.ts'
import { findShape } from './model-shape.ts'

const fixture = (name: string) => join(import.meta.dirname, 'fixtures', name)
const tags = ['load', 'flow', 'pressure']
const calibrate = async (name: string, more: object = {}) =>
  await calibrateExternal(
    { bytes: await readFile(fixture(`${name}.onnx`)), name, tags, periodMs: 1000, ...more },
    await readTable(fixture('normal.csv')),
  )

/** Live rows from here on no longer keep the relation of the three tags. */
const BROKEN_FROM = 200

test.each([
  // Ten small trees rank the broken rows above the others and do no more.
  ['sklearn-isolation-forest', { score: 'scores', abnormal: 'low' }, 1, 0],
  ['lightgbm-regressor', {}, 1, 0.9],
  ['pytorch-autoencoder', {}, 8, 0.9],
])(
  '%s scores as its own tool does, and sets broken rows apart',
  async (name, more, rows, alarmed) => {
    const { manifest, bytes } = await calibrate(name, more)
    expect(manifest.windowRows).toBe(rows)
    const expected = JSON.parse(await readFile(fixture(`${name}.expected.json`), 'utf8')) as {
      rows: number[][]
      scores: number[]
    }
    await using session = await openSession(bytes, manifest)
    const windows = expected.scores.flatMap((_, i) => expected.rows.slice(i, i + rows).flat())
    const { score } = await session.run(Float32Array.from(windows), expected.scores.length)
    expected.scores.forEach((value, i) => {
      expect(score[i]).toBeCloseTo(value, 4)
    })
    const live = (await readTable(fixture('live.csv'))).columns
    const cut = (end: number) =>
      Array.from({ length: rows }, (_, t) =>
        live.map((column) => column[end - rows + 1 + t]!),
      ).flat()
    const ends = Array.from({ length: 300 - rows + 1 }, (_, i) => i + rows - 1)
    const { ratio } = await session.run(Float32Array.from(ends.flatMap(cut)), ends.length)
    const ratios = (from: number, to: number) =>
      ends.flatMap((end, i) => (end >= from && end < to ? [ratio[i]!] : []))
    const normal = ratios(0, BROKEN_FROM)
    const broken = ratios(BROKEN_FROM + rows, 300)
    const shareAbove = (some: number[]) => some.filter((one) => one > 1).length / some.length
    expect(quantile(broken, 0.5)).toBeGreaterThan(quantile(normal, 0.9))
    expect(shareAbove(normal)).toBeLessThan(0.05)
    expect(shareAbove(broken)).toBeGreaterThanOrEqual(alarmed)
  },
)

test('by the command line it becomes a folder that `mimamori score` takes', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'external-'))
  try {
    const out = join(dir, 'm')
    const onnx = fixture('pytorch-autoencoder.onnx')
    const said = await externalCommand({ in: fixture('normal.csv'), out, onnx })
    expect(said).toContain('calibrated on 793 windows')
    const scored = join(dir, 'out.csv')
    await runScore({ model: out, in: fixture('live.csv'), out: scored })
    const alarms = (await readFile(scored, 'utf8'))
      .split('\n')
      .slice(1, -1)
      .map((line) => line.split(','))
    expect(alarms.slice(0, BROKEN_FROM).filter(([, , , alarm]) => alarm === '1')).toEqual([])
    expect(alarms.slice(-50).every(([, , , alarm]) => alarm === '1')).toBe(true)
    expect(alarms.at(-1)![4]).toMatch(/^pressure\+/)
  } finally {
    await rm(dir, { recursive: true })
  }
})

test('the command line takes what a manifest says: the column of the score, and the rows of a window', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'external-'))
  try {
    const graph = createGraph('two columns')
    graph.input('x', ['B', 'T', 3])
    const mean = graph.node('ReduceMean', ['x'], { attributes: { axes: [1], keepdims: 0 } })
    const weights = graph.float('weights', [3, 2], [0, 0, 0, 0, 1, 0])
    graph.node('MatMul', [mean, weights], { into: 'both' })
    graph.output('both', ['B', 2])
    const onnx = join(dir, 'open.onnx')
    const metadata = { producerName: 'test', producerVersion: '1', metadata: {} }
    await writeFile(onnx, encodeModel(graph.build(), metadata))
    const command = { in: fixture('normal.csv'), out: join(dir, 'm'), onnx }
    await expect(externalCommand({ ...command, column: 0 })).rejects.toThrow('say windowRows')
    await expect(externalCommand({ ...command, windowRows: 4, column: 2 })).rejects.toThrow(
      'none of them is 2',
    )
    // The last column is all zeros: without a word that would be taken.
    await expect(externalCommand({ ...command, windowRows: 4 })).rejects.toThrow('the same on all')
    await externalCommand({ ...command, windowRows: 4, column: 0 })
    const { manifest } = await readModelFolder(command.out)
    expect(manifest).toMatchObject({ windowRows: 4, external: { column: 0 } })
  } finally {
    await rm(dir, { recursive: true })
  }
})

test('what cannot be used is refused in words that say what to do', async () => {
  await expect(calibrate('sklearn-zipmap')).rejects.toThrow(/ZipMap.*"zipmap": False/)
  const bytes = await readFile(fixture('sklearn-isolation-forest.onnx'))
  const ports = await dryRun({ bytes, batches: [] })
  expect(findShape(ports, { tags, score: 'scores' })).toEqual({
    ...{ input: 'X', score: 'scores', column: 0, flat: true, windowRows: 1 },
  })
  expect(() => findShape(ports, { tags, score: 'label' })).toThrow('is int64; a float score')
  expect(() => findShape(ports, { tags, score: 'nothing' })).toThrow('there are label, scores')
  expect(() => findShape(ports, { tags: ['load', 'flow'] })).toThrow('no whole number of rows')
  expect(() => findShape({ ...ports, inputs: [] }, { tags })).toThrow('it has 0 inputs')
  const normal = await readTable(fixture('normal.csv'))
  const own = { bytes: new Uint8Array([1, 2, 3]), name: 'x', tags, periodMs: 1000 }
  await expect(calibrateExternal(own, normal)).rejects.toThrow('model.onnx')
})

test('a thread that hangs or takes too much memory is stopped, and the caller goes on', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'external-'))
  try {
    const hanging = join(dir, 'hang.mjs')
    await writeFile(hanging, 'for (;;) {}')
    const greedy = join(dir, 'greedy.mjs')
    await writeFile(
      greedy,
      'const kept = []; setInterval(() => kept.push(Buffer.alloc(4e7, 1)), 1)',
    )
    const run = (file: string, limits: object) =>
      dryRun(
        { bytes: new Uint8Array(), batches: [] },
        {
          limits: { timeMs: 30_000, heapMb: 64, memoryMb: 100_000, ...limits },
          worker: new URL(`file://${file}`),
        },
      )
    await expect(run(hanging, { timeMs: 300 })).rejects.toThrow('no answer within 0.3 s')
    await expect(run(greedy, { memoryMb: 200 })).rejects.toThrow('more than 200 MB')
  } finally {
    await rm(dir, { recursive: true })
  }
})
