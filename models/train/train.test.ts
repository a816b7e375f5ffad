/** The trainer: same bytes for the same input, invariant to naming and units, honest thresholds, refusals in words. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseManifest } from '../manifest.ts'
import { openSession } from '../session.ts'
import { createRandom } from './golden.ts'
import { runScore } from './score.ts'
import { runTrain } from './train.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'train-'))
})
afterEach(() => rm(dir, { recursive: true }))

interface Plant {
  rows: number
  seed: number
  /** Row from which tag `a` leaves its relation to `b` and `c`. */
  faultAt?: number
  /** Row from which the resting tag `d` wakes up. */
  wakesAt?: number
}

/** Three related tags with measurement noise and one that rests at 5. */
function createPlant({
  rows,
  seed,
  faultAt = rows,
  wakesAt = rows,
}: Plant): Record<string, number[]> {
  const random = createRandom(seed)
  const noise = () => random() + random() + random() - 1.5
  const columns: Record<string, number[]> = { a: [], b: [], c: [], d: [] }
  let load = 0
  for (let row = 0; row < rows; row++) {
    load = 0.8 * load + noise()
    columns.a!.push(10 + 2 * load + 0.1 * noise() + (row >= faultAt ? 3 : 0))
    columns.b!.push(200 - 5 * load + 0.2 * noise())
    columns.c!.push(0.3 * load + 0.02 * noise())
    columns.d!.push(row >= wakesAt ? 5.2 : 5)
  }
  return columns
}

async function writeTable(file: string, columns: Record<string, number[]>): Promise<string> {
  const names = Object.keys(columns)
  const rows = columns[names[0]!]!.length
  const lines = [['time', ...names].join(',')]
  for (let row = 0; row < rows; row++)
    lines.push([1_700_000_000 + row, ...names.map((name) => columns[name]![row])].join(','))
  const path = join(dir, file)
  await writeFile(path, file.endsWith('.gz') ? gzipSync(lines.join('\n')) : lines.join('\n'))
  return path
}

async function scoreLines(model: string, table: string) {
  const out = `${table}.out`
  const summary = await runScore({ model, in: table, out })
  const [header, ...lines] = (await readFile(out, 'utf8')).trimEnd().split('\n')
  expect(header).toBe('time,score,ratio,alarm,top_tags')
  const rows = lines.map((line) => {
    const [time, score, ratio, alarm, top] = line.split(',')
    return { time, score, ratio: Number(ratio), alarm: alarm === '1', top: top!.split(' ') }
  })
  return { rows, summary }
}

const files = ['model.onnx', 'manifest.json', 'card.md', 'golden.json']

test('days of a spreadsheet are not taken for seconds', async () => {
  const lines = Array.from(
    { length: 400 },
    (_, i) => `${(46027 + i / 86400).toFixed(9)},${i % 7},${i % 5}`,
  )
  const file = join(dir, 'days.csv')
  await writeFile(file, ['time,a,b', ...lines].join('\n'))
  await expect(runTrain({ in: file, out: join(dir, 'no'), seed: 1 })).rejects.toThrow('ISO 8601')
})

test('a place that cannot be written is refused in words, a folder that is missing is made', async () => {
  const file = await writeTable('n.csv', createPlant({ rows: 400, seed: 1 }))
  await runTrain({ in: file, out: join(dir, 'm'), seed: 1 })
  const model = join(dir, 'm')
  await runScore({ model, in: file, out: join(dir, 'new', 'scores.csv') })
  await expect(runScore({ model, in: file, out: join(file, 'x.csv') })).rejects.toMatchObject({
    code: 'config.invalid',
  })
  await expect(runTrain({ in: file, out: model, seed: 1, periodMs: 0 })).rejects.toThrow(
    'a period is longer than 0',
  )
})

test('more tags than a model takes, or a name longer than it may be, are refused before the work', async () => {
  const refused = async (names: readonly string[]) => {
    const file = join(dir, 'wide.csv')
    await writeFile(file, [names.join(','), names.map(() => 1).join(',')].join('\n'))
    return await runTrain({ in: file, out: join(dir, 'no'), seed: 1 }).catch(String)
  }
  expect(await refused(Array.from({ length: 1025 }, (_, i) => `t${i}`))).toContain('1025 tags')
  expect(await refused(['a', 'x'.repeat(257)])).toContain('longer than 256 characters')
})

test('the same input gives the same four files, byte for byte', async () => {
  const table = await writeTable('normal.csv.gz', createPlant({ rows: 700, seed: 1 }))
  const train = (out: string) => runTrain({ in: table, out: join(dir, out), name: 'same', seed: 7 })
  await train('one')
  await train('two')
  for (const file of files)
    expect(await readFile(join(dir, 'one', file))).toEqual(await readFile(join(dir, 'two', file)))
})

test('the written graph answers like the trainer, and its manifest parses', async () => {
  const table = await writeTable('normal.csv', createPlant({ rows: 700, seed: 1 }))
  const { difference } = await runTrain({ in: table, out: join(dir, 'm'), seed: 1 })
  expect(difference).toBeLessThan(1e-3)
  const manifest = parseManifest(await readFile(join(dir, 'm', 'manifest.json'), 'utf8'), 'm')
  expect(manifest.training).toMatchObject({ rows: 700, from: 1_700_000_000_000, seed: 1 })
  const golden = JSON.parse(await readFile(join(dir, 'm', 'golden.json'), 'utf8'))
  await using session = await openSession(await readFile(join(dir, 'm', 'model.onnx')), manifest)
  for (const { window, score, contributions } of golden.vectors) {
    const got = await session.run(Float32Array.from(window.flat()), 1)
    expect(Math.abs(got.score[0]! - score) / Math.max(1, score)).toBeLessThan(golden.tolerance)
    contributions.forEach((z: number, i: number) => {
      expect(Math.abs(got.contributions[i]! - z)).toBeLessThan(1e-2 * Math.max(1, Math.abs(z)))
    })
  }
})

test('a broken relation between tags alarms, names the tag, and normal operation does not', async () => {
  const train = await writeTable('normal.csv', createPlant({ rows: 1500, seed: 1 }))
  await runTrain({ in: train, out: join(dir, 'm'), seed: 1 })
  const healthy = await writeTable('healthy.csv', createPlant({ rows: 1000, seed: 2 }))
  expect((await scoreLines(join(dir, 'm'), healthy)).summary.alarms).toBe(0)
  const faulty = createPlant({ rows: 600, seed: 3, faultAt: 300 })
  const { rows } = await scoreLines(join(dir, 'm'), await writeTable('faulty.csv', faulty))
  const first = rows.findIndex(({ alarm }) => alarm)
  expect(first).toBeGreaterThanOrEqual(300)
  expect(first).toBeLessThan(330)
  expect(rows[320]!.top[0]).toBe('a+')
})

test('renaming and permuting tags and changing their units leaves the alarms equal', async () => {
  const plain = createPlant({ rows: 1500, seed: 1 })
  const live = createPlant({ rows: 800, seed: 4, faultAt: 400 })
  const turn = ({ a, b, c, d }: Record<string, number[]>) => ({
    z9: c!.map((v) => -40 * v + 3),
    z1: d!,
    z5: b!.map((v) => v * 0.001 - 7),
    z7: a!.map((v) => 1.8 * v + 32),
  })
  const ratios: number[][] = []
  for (const [name, change] of [
    ['plain', (x: Record<string, number[]>) => x],
    ['turned', turn],
  ] as const) {
    const model = join(dir, name)
    await runTrain({ in: await writeTable(`${name}.csv`, change(plain)), out: model, seed: 1 })
    const { rows } = await scoreLines(model, await writeTable(`${name}-live.csv`, change(live)))
    ratios.push(rows.slice(11).map(({ ratio }) => ratio))
  }
  ratios[0]!.forEach((ratio, i) => {
    expect(ratios[1]![i]! / ratio).toBeCloseTo(1, 2)
  })
  expect(ratios[0]!.some((ratio) => ratio > 1)).toBe(true)
})

test('a tag that rested during training and wakes up is seen and named', async () => {
  const normal = await writeTable('normal.csv', createPlant({ rows: 900, seed: 1 }))
  await runTrain({ in: normal, out: join(dir, 'm'), seed: 1 })
  const waking = createPlant({ rows: 300, seed: 5, wakesAt: 150 })
  const { rows } = await scoreLines(join(dir, 'm'), await writeTable('waking.csv', waking))
  expect(rows[140]!.ratio).toBeLessThan(1)
  expect(rows[165]!.alarm).toBe(true)
  expect(rows[165]!.top[0]).toBe('d+')
})

test('a tag that drifts slowly is set aside and listed as such, unless a person keeps it', async () => {
  const plant = createPlant({ rows: 900, seed: 1 })
  plant.slow = plant.a!.map((_, row) => row * 0.01 + Math.sin(row) * 0.1)
  const { manifest } = await runTrain({
    in: await writeTable('normal.csv', plant),
    out: join(dir, 'm'),
    seed: 1,
  })
  expect(manifest.setAside).toEqual([{ name: 'slow', reason: 'slow-drift' }])
  expect(manifest.tags.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd'])
  const kept = await runTrain({
    in: join(dir, 'normal.csv'),
    out: join(dir, 'kept'),
    seed: 1,
    keep: ['slow'],
  })
  expect(kept.manifest.setAside).toEqual([])
  expect(kept.manifest.tags.map(({ name }) => name)).toContain('slow')
})

test('a coarser live resolution makes the model less sure of that tag', async () => {
  const normal = await writeTable('normal.csv', createPlant({ rows: 900, seed: 1 }))
  await runTrain({ in: normal, out: join(dir, 'fine'), seed: 1 })
  await runTrain({ in: normal, out: join(dir, 'coarse'), seed: 1, resolution: { a: 20 } })
  const faulty = await writeTable('f.csv', createPlant({ rows: 200, seed: 3, faultAt: 100 }))
  const fine = (await scoreLines(join(dir, 'fine'), faulty)).rows[150]!.ratio
  const coarse = (await scoreLines(join(dir, 'coarse'), faulty)).rows[150]!.ratio
  expect(coarse).toBeLessThan(fine / 2)
})

test('a gap in live data leaves rows without score and raises no alarm', async () => {
  const normal = await writeTable('normal.csv', createPlant({ rows: 900, seed: 1 }))
  await runTrain({ in: normal, out: join(dir, 'm'), seed: 1 })
  const live = createPlant({ rows: 400, seed: 6 })
  for (let row = 200; row < 260; row++) live.b![row] = Number.NaN
  const { rows, summary } = await scoreLines(join(dir, 'm'), await writeTable('gap.csv', live))
  expect(summary).toMatchObject({ rows: 400, alarms: 0 })
  const missing = rows.flatMap(({ score }, i) => (score === '' ? [i] : []))
  // the first window of 12 rows; then 3 periods are held, and the window refills after the gap
  expect(missing).toEqual([...Array(11).keys(), ...Array.from({ length: 68 }, (_, i) => 203 + i)])
})

test.each([
  ['together', ['a', 'b', 'c', 'd']],
  ['alone', ['a']],
])('too few rows for tags %s: refused in words', async (_, only) => {
  const plant = createPlant({ rows: 200, seed: 1 })
  const kept = Object.entries(plant).filter(([name]) => only.includes(name))
  const table = await writeTable('normal.csv', Object.fromEntries(kept))
  const training = runTrain({ in: table, out: join(dir, 'm'), seed: 1 })
  await expect(training).rejects.toThrow('200 complete rows; 300 are needed')
})

test('a resolution for a tag that is not there is refused', async () => {
  const table = await writeTable('normal.csv', createPlant({ rows: 400, seed: 1 }))
  const options = { in: table, out: join(dir, 'm'), seed: 1, resolution: { nobody: 1 } }
  await expect(runTrain(options)).rejects.toThrow('nobody')
})
