/** The shipped model: reproducible from its recording, right on its golden vectors, quiet when healthy, loud when the cooler fails. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readModelFolder } from './manifest.ts'
import { openSession } from './session.ts'
import { createRandom } from './train/golden.ts'
import { runScore } from './train/score.ts'
import { hydraulicPress } from './train/shipped-models.ts'
import { readTable } from './train/table.ts'
import { runTrain } from './train/train.ts'

const recordings = fileURLToPath(new URL('../simulators/recordings/hydraulic', import.meta.url))
let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'shipped-'))
})
afterEach(() => rm(dir, { recursive: true }))

async function score(recording: string, table = join(recordings, `${recording}.csv.gz`)) {
  const out = join(dir, `${recording}.csv`)
  const summary = await runScore({ model: hydraulicPress.out, in: table, out })
  const lines = (await readFile(out, 'utf8')).trimEnd().split('\n').slice(1)
  return { summary, lines: lines.map((line) => line.split(',')) }
}

test('training again on the recording gives the shipped files, byte for byte', async () => {
  await runTrain({ ...hydraulicPress, out: dir })
  for (const file of ['model.onnx', 'manifest.json', 'card.md', 'golden.json'])
    expect(await readFile(join(dir, file), 'utf8'), file).toBe(
      await readFile(join(hydraulicPress.out, file), 'utf8'),
    )
})

test('every golden vector is reproduced by the runtime', async () => {
  const { bytes, manifest } = await readModelFolder(hydraulicPress.out)
  const golden = JSON.parse(await readFile(join(hydraulicPress.out, 'golden.json'), 'utf8'))
  await using session = await openSession(bytes, manifest)
  expect(golden.vectors.length).toBeGreaterThanOrEqual(5)
  const all = Float32Array.from(
    golden.vectors.flatMap(({ window }: never) => (window as number[][]).flat()),
  )
  const got = await session.run(all, golden.vectors.length)
  golden.vectors.forEach((expected: { score: number; ratio: number }, i: number) => {
    const limit = (value: number) => golden.tolerance * Math.max(1, value)
    expect(Math.abs(got.score[i]! - expected.score)).toBeLessThan(limit(expected.score))
    expect(Math.abs(got.ratio[i]! - expected.ratio)).toBeLessThan(limit(expected.ratio))
  })
})

test('other healthy cycles raise no alarm', async () => {
  const { summary } = await score('healthy')
  expect(summary.scored).toBeGreaterThan(500)
  expect(summary).toMatchObject({ alarms: 0 })
  expect(summary.above).toBeLessThan(0.01 * summary.scored)
})

/** Every cell is, by the toss of a seeded coin, the one of the row before: tags sampled one after another. */
async function tear(recording: string): Promise<string> {
  const { names, columns, rows } = await readTable(join(recordings, `${recording}.csv.gz`))
  const random = createRandom(11)
  const lines = [names.join(',')]
  for (let row = 0; row < rows; row++)
    lines.push(columns.map((column) => column[row > 0 && random() < 0.5 ? row - 1 : row]).join(','))
  const file = join(dir, 'torn.csv')
  await writeFile(file, lines.join('\n'))
  return file
}

test('healthy cycles whose tags are sampled up to one row apart raise no alarm either', async () => {
  const { summary } = await score('healthy', await tear('healthy'))
  expect(summary).toMatchObject({ alarms: 0 })
  const faulty = await score('cooler-reduced', await tear('cooler-reduced'))
  expect(faulty.summary).toMatchObject({ alarms: 1, above: faulty.summary.scored })
})

test.each(['cooler-reduced', 'cooler-failed'])(
  '%s alarms within 30 rows and names the cooler first',
  async (recording) => {
    const { lines, summary } = await score(recording)
    const first = lines.findIndex(([, , , alarm]) => alarm === '1')
    expect(first).toBeGreaterThan(0)
    expect(first).toBeLessThan(30)
    expect(summary.alarms).toBe(1)
    const cooling = /^(CE-|CP-|TS\d\+)$/
    const named = lines
      .filter(([, , ratio]) => Number(ratio) > 1)
      .map(([, , , , top]) => top!.split(' '))
    const right = named.filter((tags) => cooling.test(tags[0]!))
    expect(right.length).toBe(named.length)
  },
)
