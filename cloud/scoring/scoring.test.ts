/** Scoring with the shipped model in its real thread: faults rise, holes are unknown, a lost thread comes back. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readModelFolder } from '../../models/manifest.ts'
import { rankTags } from '../../models/ranking.ts'
import { createLog } from '../../protocol/kit/log.ts'
import { formatTagId, quality, type Sample, type TagId } from '../../protocol/model.ts'
import { openInference } from './inference.ts'
import type { ScoringResult } from './result.ts'
import { runKeyOf } from './run-key.ts'
import { openScoring } from './scoring.ts'
import type { WatchedModel } from './watched.ts'

const shipped = fileURLToPath(new URL('../../models/shipped/hydraulic-press', import.meta.url))
const workerFile = new URL('./inference-worker.ts', import.meta.url)
const golden = JSON.parse(await readFile(join(shipped, 'golden.json'), 'utf8'))
const manifest = JSON.parse(await readFile(join(shipped, 'manifest.json'), 'utf8'))
const names: string[] = manifest.tags.map(({ name }: { name: string }) => name)
const log = createLog('test')
log.level = 'silent'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'scoring-'))
})
afterEach(() => rm(dir, { recursive: true }))

const tagOf = (asset: string, name: string): TagId =>
  formatTagId({ site: 'plant', gateway: 'gw', device: asset, name })

const folder = await readModelFolder(shipped)
const outputs = { score: 'Score', ratio: 'Ratio', breaches: 'Breaches' }

const createModel = (asset: string, change: Partial<WatchedModel> = {}): WatchedModel => ({
  ...{ id: `mdl_${asset}`, asset, site: 'plant', kind: 'multivariate' },
  ...{ stage: 'active', outputs, isPrimary: true },
  ...{ version: 1, factor: 1, model: folder },
  tags: Object.fromEntries(names.map((name) => [name, tagOf(asset, name)])),
  ...change,
})

/** The rows of golden vector `i` as samples, one row per second, the last at `end`. */
function createSamples(asset: string, i: number, end: number): Sample[] {
  const rows: number[][] = golden.vectors[i].window
  return rows.flatMap((row, r) =>
    row.map((value, tag): Sample => {
      const at = end - (rows.length - 1 - r) * 1000
      return { tag: tagOf(asset, names[tag]!), at, value, quality: quality.good }
    }),
  )
}

const last = (results: ScoringResult[], asset = 'press') =>
  results.filter((result) => result.asset === asset).at(-1)!

test('every golden vector comes out of the live path with its score, ratio and top tags', async () => {
  await using scoring = await openScoring({ models: [createModel('press')], lagMs: 0, log })
  await scoring.tick(0)
  for (let i = 0; i < golden.vectors.length; i++) {
    const end = (i + 1) * 30_000
    scoring.accept(createSamples('press', i, end))
    const result = last(await scoring.tick(end))
    const expected = golden.vectors[i]
    expect(result).toMatchObject({ asset: 'press', at: end, state: 'scored' })
    expect(Math.abs(result.score! / expected.score - 1)).toBeLessThan(1e-3)
    expect(Math.abs(result.ratio! / expected.ratio - 1)).toBeLessThan(1e-3)
    const { window, contributions } = expected
    const ranked = rankTags(manifest, { window: window.flat(), contributions })
    expect(result.contributions).toMatchObject(
      ranked.slice(0, 3).map((tag) => ({
        name: names[tag],
        tag: tagOf('press', names[tag]!),
        direction: contributions[tag] < 0 ? 'low' : 'high',
      })),
    )
    expect(result.samples).toEqual([
      { tag: 'plant/cloud/press/Model/Score', at: end, value: result.score, quality: 192 },
      { tag: 'plant/cloud/press/Model/Ratio', at: end, value: result.ratio, quality: 192 },
    ])
  }
})

test('of a file under two manifests the session of the one that is retired is closed, the other stays', async () => {
  const stricter = { ...folder, manifest: { ...folder.manifest, threshold: 7 } }
  const models = [createModel('press'), createModel('twin', { model: stricter })]
  const released: string[] = []
  const inference = openInference({ log })
  const watched: typeof inference = {
    run: inference.run,
    release: async (key) => void released.push(key),
    [Symbol.asyncDispose]: () => inference[Symbol.asyncDispose](),
  }
  await using scoring = await openScoring({ models, lagMs: 0, log, inference: watched })
  await scoring.watch(models.slice(0, 1))
  expect(released).toEqual([runKeyOf(stricter)])
  await scoring.watch([])
  expect(released).toEqual([runKeyOf(stricter), runKeyOf(folder)])
})

test('samples shuffled and late, but within the lag, give the same score as in order', async () => {
  const models = [createModel('press'), createModel('twin')]
  await using scoring = await openScoring({ models, lagMs: 1500, log })
  await scoring.tick(1500)
  const ordered = createSamples('press', 0, 30_000)
  scoring.accept(ordered)
  const shuffled = createSamples('twin', 0, 30_000).reverse()
  scoring.accept(shuffled.filter((_, i) => i % 2 === 0))
  expect(last(await scoring.tick(31_499), 'twin').at).toBe(29_000)
  scoring.accept(shuffled.filter((_, i) => i % 2 === 1 && shuffled[i]!.at === 30_000))
  const results = await scoring.tick(31_500)
  expect(results.map(({ at }) => at)).toEqual([30_000, 30_000])
  expect(last(results, 'press').state).toBe('scored')
  expect(last(results, 'twin').state).toBe('unknown')
})

test('two assets with one model are scored in one batch, each with its own result', async () => {
  const models = [createModel('press'), createModel('twin')]
  const inference = openInference({ log })
  const batches: number[] = []
  const counted: typeof inference = {
    run: (model, windows, batch) => {
      batches.push(batch)
      return inference.run(model, windows, batch)
    },
    release: (sha256) => inference.release(sha256),
    [Symbol.asyncDispose]: () => inference[Symbol.asyncDispose](),
  }
  await using scoring = await openScoring({ models, lagMs: 0, log, inference: counted })
  await scoring.tick(18_000)
  scoring.accept([...createSamples('press', 0, 30_000), ...createSamples('twin', 6, 30_000)])
  const results = await scoring.tick(30_000)
  expect(batches).toEqual([2])
  expect(last(results, 'press').score).toBeCloseTo(golden.vectors[0].score, 2)
  expect(last(results, 'twin').ratio).toBeGreaterThan(1)
})

test('one file under two manifests, as two uploads of it have, is judged by each by its own limit', async () => {
  const external = { abnormal: 'high', column: 0, base: 0 } as const
  const calibrated = (threshold: number) => ({
    ...folder,
    manifest: { ...folder.manifest, threshold, external } as typeof folder.manifest,
  })
  const models = [
    createModel('press', { model: calibrated(100) }),
    createModel('twin', { model: calibrated(0.1) }),
  ]
  await using scoring = await openScoring({ models, lagMs: 0, log })
  await scoring.tick(18_000)
  scoring.accept([...createSamples('press', 0, 30_000), ...createSamples('twin', 0, 30_000)])
  const results = await scoring.tick(30_000)
  const [press, twin] = [last(results, 'press'), last(results, 'twin')]
  expect(twin.score).toBeCloseTo(press.score!)
  expect(press.ratio).toBeCloseTo(press.score! / 100)
  expect(twin.ratio).toBeCloseTo(twin.score! / 0.1)
})

test('one bad tag makes the asset unknown with its name, and the derived samples bad without value', async () => {
  await using scoring = await openScoring({ models: [createModel('press')], lagMs: 0, log })
  await scoring.tick(18_000)
  const samples = createSamples('press', 0, 30_000)
  const bad = samples.at(-2)!
  scoring.accept([...samples.slice(0, -2), samples.at(-1)!, { ...bad, quality: 0, value: null }])
  const result = last(await scoring.tick(30_000))
  expect(result).toMatchObject({ state: 'unknown', contributions: [] })
  expect(result.reason).toContain(names.at(-2))
  expect(result.samples.map(({ value, quality: q }) => [value, q])).toEqual([
    [null, 0],
    [null, 0],
  ])
})

test('a phase whose model gives no answer is unknown, not as healthy as the model of all operation says', async () => {
  const broken = { ...folder, bytes: new Uint8Array(8), sha256: 'b'.repeat(64) }
  const center = Array.from({ length: 2 * names.length }, () => 0)
  const clusters = { centers: [center], known: [] }
  const model = { ...folder, manifest: { ...folder.manifest, clusters }, clusters: [broken] }
  await using scoring = await openScoring({
    models: [createModel('press', { model })],
    ...{ lagMs: 0, log },
  })
  const scoreGolden = async (i: number, at: number) => {
    await scoring.tick(at - 12_000)
    scoring.accept(createSamples('press', i, at))
    return last(await scoring.tick(at))
  }
  const ratios: number[] = golden.vectors.map(({ ratio }: { ratio: number }) => ratio)
  const calm = await scoreGolden(
    ratios.findIndex((ratio) => ratio < 1),
    30_000,
  )
  expect([calm.state, calm.ratio]).toEqual(['unknown', undefined])
  expect(calm.samples.every(({ value, quality: q }) => value === null && q === 0)).toBe(true)
  // What it has found by itself it goes on saying.
  const loud = await scoreGolden(
    ratios.findIndex((ratio) => ratio > 1),
    60_000,
  )
  expect(loud.ratio).toBeGreaterThan(1)
})

/** A thread that ends the process part way through its first order, then, started again, is the real one. */
async function createBreakingWorker(breaking: string): Promise<URL> {
  const file = join(dir, 'worker.mjs')
  const marker = JSON.stringify(join(dir, 'broken'))
  await writeFile(
    file,
    `import { existsSync, writeFileSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
if (existsSync(${marker})) await import(${JSON.stringify(workerFile.href)})
else parentPort.once('message', () => { writeFileSync(${marker}, ''); ${breaking} })
`,
  )
  return pathToFileURL(file)
}

test.each([
  ['exits', 'process.exit(3)', 'ended with code 3'],
  ['throws', 'throw new Error("out of luck")', 'out of luck'],
  ['hangs', 'for (;;) {}', 'no answer within'],
])(
  'a model thread that %s gives unknown, not healthy, and the next tick scores again',
  async (...[, breaking, reason]) => {
    const worker = await createBreakingWorker(breaking)
    const inference = openInference({ log, worker, deadlineMs: 3000 })
    await using scoring = await openScoring({
      models: [createModel('press')],
      lagMs: 0,
      log,
      inference,
    })
    await scoring.tick(18_000)
    scoring.accept(createSamples('press', 0, 30_000))
    const lost = last(await scoring.tick(30_000))
    expect([lost.state, lost.score, lost.ratio]).toEqual(['unknown', undefined, undefined])
    expect(lost.reason).toContain(reason)
    scoring.accept(createSamples('press', 0, 60_000))
    expect(last(await scoring.tick(60_000))).toMatchObject({ state: 'scored', at: 60_000 })
  },
)

/** An asset whose model takes its time, beside one whose model does not. */
const createSlow = (aside: ReturnType<typeof openInference>) => ({
  models: [createModel('press'), createModel('twin', { model: { ...folder, sha256: 'slow' } })],
  paces: {
    note: () => undefined,
    isSlow: (sha256: string) => sha256 === 'slow',
    forget: () => undefined,
  },
  ...{ lagMs: 0, log, aside },
})

test('a model that hangs holds up no other asset, and closing does not wait for it', async () => {
  const worker = await createBreakingWorker('for (;;) {}')
  const aside = openInference({ log, worker, deadlineMs: 600_000 })
  await using scoring = await openScoring(createSlow(aside))
  await scoring.tick(18_000)
  for (const end of [30_000, 60_000, 90_000]) {
    scoring.accept([...createSamples('press', 0, end), ...createSamples('twin', 0, end)])
    const results = await scoring.tick(end)
    expect(last(results)).toMatchObject({ state: 'scored', at: end })
    expect(results.some(({ asset, state }) => asset === 'twin' && state === 'scored')).toBe(false)
  }
})

test('what a slow model says comes with a later tick, every instant once', async () => {
  await using scoring = await openScoring(createSlow(openInference({ log })))
  await scoring.tick(18_000)
  scoring.accept(createSamples('twin', 0, 30_000))
  const results: ScoringResult[] = []
  await expect
    .poll(
      async () => {
        results.push(...(await scoring.tick(30_000)))
        return results.filter(({ asset, at }) => asset === 'twin' && at === 30_000)
      },
      { timeout: 45_000 },
    )
    .toMatchObject([{ state: 'scored' }])
  const instants = results.filter(({ asset }) => asset === 'twin').map(({ at }) => at)
  expect(new Set(instants).size).toBe(instants.length)
})

test('of many slow models each is told when it is done: the last one does not make the alarms of the first too late', async () => {
  const inference = openInference({ log })
  const gates = new Map(
    ['first', 'second'].map((sha256) => [sha256, Promise.withResolvers<void>()]),
  )
  const aside: typeof inference = {
    async run(model, windows, batch) {
      await gates.get(model.sha256)?.promise
      return await inference.run({ ...model, sha256: folder.sha256 }, windows, batch)
    },
    release: async () => undefined,
    [Symbol.asyncDispose]: () => inference[Symbol.asyncDispose](),
  }
  const slow = createSlow(aside)
  const models = [...gates.keys()].map((sha256) =>
    createModel(sha256, { model: { ...folder, sha256 } }),
  )
  const paces = { ...slow.paces, isSlow: (sha256: string) => gates.has(sha256) }
  await using scoring = await openScoring({ ...slow, models, paces })
  const begun = new Set<string>()
  const begin = async () => {
    for (const { asset } of await scoring.tick(18_000)) begun.add(asset)
    return begun.size
  }
  await expect.poll(begin, { timeout: 45_000 }).toBe(2)
  for (const { asset } of models) scoring.accept(createSamples(asset, 0, 30_000))
  gates.get('first')!.resolve()
  const results: ScoringResult[] = []
  const scoredOf = (wanted: string) => async () => {
    results.push(...(await scoring.tick(30_000)))
    return results.some(({ asset, at, state }) => {
      return asset === wanted && at === 30_000 && state === 'scored'
    })
  }
  await expect.poll(scoredOf('first'), { timeout: 45_000 }).toBe(true)
  expect(results.some(({ asset }) => asset === 'second')).toBe(false)
  gates.get('second')!.resolve()
  await expect.poll(scoredOf('second'), { timeout: 45_000 }).toBe(true)
})

test('many who ask one model at once are all answered', async () => {
  await using scoring = await openScoring({ models: [], log })
  const [{ window, score }] = golden.vectors
  const values = Float32Array.from(window.flat())
  const asked = Array.from({ length: 20 }, async (_, i) => {
    for (let turn = 0; turn < i % 4; turn++) await scoring.infer(folder, values, 1)
    return (await scoring.infer(folder, values, 1)).score[0]!
  })
  for (const answer of await Promise.all(asked)) expect(answer).toBeCloseTo(score, 3)
})

test('nothing blocks the main thread while a large batch runs', async () => {
  await using inference = openInference({ log })
  const size = manifest.windowRows * names.length
  await inference.run(folder, new Float32Array(size), 1)
  let turns = 0
  const counting = setInterval(() => turns++, 1)
  const batch = 60_000
  const { score } = await inference.run(folder, new Float32Array(batch * size), batch)
  clearInterval(counting)
  expect(score).toHaveLength(batch)
  expect(turns).toBeGreaterThan(2)
})

test('a closed scoring answers unknown and starts nothing', async () => {
  const scoring = await openScoring({ models: [createModel('press')], lagMs: 0, log })
  await scoring.tick(18_000)
  await scoring[Symbol.asyncDispose]()
  scoring.accept(createSamples('press', 0, 30_000))
  expect(last(await scoring.tick(30_000)).reason).toContain('closed')
})

test('models() tells which version scores which asset', async () => {
  await using scoring = await openScoring({ models: [createModel('press')], log })
  expect(scoring.models()).toMatchObject([
    { asset: 'press', id: 'mdl_press', manifest, modelSha256: manifest.files['model.onnx'] },
  ])
})

test('a version that cannot be used, and one whose tag the asset lacks, are unknown for this reason', async () => {
  const broken = createModel('press', {
    model: { problem: 'model press is not what was registered' },
  })
  const poor = createModel('twin', { tags: {} })
  await using scoring = await openScoring({ models: [broken, poor], log })
  const results = await scoring.tick(100_000)
  expect(results.map(({ asset, state, reason }) => [asset, state, reason])).toEqual([
    ['press', 'unknown', 'model press is not what was registered'],
    ['twin', 'unknown', `the asset has no tag for "${names[0]}"`],
  ])
  expect(results[0]!.samples.map(({ value, quality: q }) => [value, q])).toEqual([
    [null, 0],
    [null, 0],
  ])
  expect(await scoring.tick(100_500)).toEqual([])
  // After a clock that was ahead they do not wait until it is there again.
  expect(await scoring.tick(9_000_000)).toHaveLength(2)
  expect(await scoring.tick(120_000)).toHaveLength(2)
})

test('swapping the model of one asset leaves the windows of the others full', async () => {
  const twin = createModel('twin')
  await using scoring = await openScoring({ models: [createModel('press'), twin], lagMs: 0, log })
  await scoring.tick(18_000)
  scoring.accept([...createSamples('press', 0, 30_000), ...createSamples('twin', 0, 30_000)])
  await scoring.tick(29_000)
  const next = createModel('press', { id: 'mdl_next', factor: 2 })
  await scoring.watch([next, { ...twin, stage: 'canary' }])
  const results = await scoring.tick(30_000)
  expect(last(results, 'press')).toMatchObject({ state: 'unknown', model: 'mdl_next' })
  expect(last(results, 'twin')).toMatchObject({ state: 'scored', stage: 'canary' })
})

test('a version in shadow scores beside the active one, under a derived tag of its own and with its factor', async () => {
  const own = { score: 'next-v2/Score', ratio: 'next-v2/Ratio', breaches: 'next-v2/Breaches' }
  const shadow = createModel('press', {
    ...{ id: 'mdl_2', stage: 'shadow', outputs: own, isPrimary: false, factor: 2 },
  })
  const models = [createModel('press'), shadow]
  await using scoring = await openScoring({ models, lagMs: 0, log })
  await scoring.tick(18_000)
  scoring.accept(createSamples('press', 0, 30_000))
  const [active, other] = (await scoring.tick(30_000)).filter(({ state }) => state === 'scored')
  expect(other!.samples[1]!.tag).toBe('plant/cloud/press/Model/next-v2/Ratio')
  expect(other!.score).toBeCloseTo(active!.score!, 5)
  expect(other!.ratio! * 2).toBeCloseTo(active!.ratio!, 4)
})

test('hard rules are looked at beside the score, tag by tag, also while the window is filling', async () => {
  const limits = { low: -1e6, high: 1e6, maxStep: 1e6, stuckRows: 2 }
  const tags = manifest.tags.map((tag: { name: string }) =>
    tag.name === names[1] ? { ...tag, rules: limits } : tag,
  )
  const model = { ...folder, manifest: { ...folder.manifest, tags } }
  const strict = createModel('press', { model })
  await using scoring = await openScoring({ models: [strict], lagMs: 0, log })
  await scoring.tick(0)
  const value = 7
  for (let at = 1000; at <= 4000; at += 1000)
    scoring.accept([{ tag: tagOf('press', names[1]!), at, value, quality: quality.good }])
  const results = await scoring.tick(4000)
  expect(results.map(({ breaches }) => breaches)).toEqual([
    [],
    [],
    [`${names[1]}:stuck`],
    [`${names[1]}:stuck`],
  ])
  const count = results.at(-1)!.samples[2]
  expect(count).toMatchObject({ tag: 'plant/cloud/press/Model/Breaches', value: 1, quality: 192 })
})

test('two thousand assets of one model take two runs of the session, not two thousand', async () => {
  const rows = folder.manifest.windowRows
  const width = names.length
  const batches: number[] = []
  const answer = (batch: number) => ({
    score: new Float32Array(batch).fill(1),
    ratio: new Float32Array(batch).fill(0.5),
    contributions: new Float32Array(batch * width),
  })
  const counted = {
    run: async (_: unknown, windows: Float32Array, batch: number) => {
      expect(windows).toHaveLength(batch * rows * width)
      batches.push(batch)
      return answer(batch)
    },
    release: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  }
  const models = Array.from({ length: 2000 }, (_, i) => createModel(`a${i}`))
  await using scoring = await openScoring({ models, lagMs: 0, log, inference: counted })
  const end = 60_000
  const from = end - (rows - 1) * 1000
  await scoring.tick(from - 1000)
  for (const { tags } of models)
    for (let at = from; at <= end; at += 1000)
      scoring.accept(
        Object.values(tags).map((tag) => ({ tag, at, value: 1, quality: quality.good })),
      )
  const results = await scoring.tick(end)
  expect(results.filter(({ state }) => state === 'scored')).toHaveLength(2000)
  expect(batches).toEqual([1024, 976])
})
