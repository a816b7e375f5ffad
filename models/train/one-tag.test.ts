/** The one-tag detector: what each of its three measures sees, its rules, and its place beside the other one. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createRandom } from './golden.ts'
import { nextRules, type RuleState, unseen } from './hard-rules.ts'
import { runScore } from './score.ts'
import { runTrain } from './train.ts'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'one-tag-'))
})
afterAll(() => rm(dir, { recursive: true }))

/** A slow wave with noise that the row before does not tell. */
function createWave(rows: number, seed: number): number[] {
  const random = createRandom(seed)
  return Array.from(
    { length: rows },
    (_, row) => 40 + 2 * Math.sin(row / 40) + 0.2 * (random() + random() - 1),
  )
}

async function write(name: string, columns: Record<string, number[]>): Promise<string> {
  const names = Object.keys(columns)
  const rows = columns[names[0]!]!.map((_, row) => names.map((tag) => columns[tag]![row]).join(','))
  const file = join(dir, `${name}.csv`)
  await writeFile(file, [names.join(','), ...rows].join('\n'))
  return file
}

async function scoreWave(name: string, a: number[]) {
  const out = join(dir, `${name}.out`)
  await runScore({ model: join(dir, 'm'), in: await write(name, { a }), out })
  const lines = (await readFile(out, 'utf8')).trimEnd().split('\n').slice(1)
  return lines.map((line) => {
    const [, , ratio, alarm, top] = line.split(',')
    return { ratio: Number(ratio), alarm: alarm === '1', top }
  })
}

test('a lone tag is learnt by itself; the written graph says what the trainer says', async () => {
  const table = await write('normal', { a: createWave(1500, 1) })
  const { manifest, difference } = await runTrain({ in: table, out: join(dir, 'm'), seed: 1 })
  expect(manifest).toMatchObject({ kind: 'one-tag', windowRows: 156, threshold: 1 })
  expect(difference).toBeLessThan(1e-4)
})

test('a normal continuation is quiet', async () => {
  const rows = await scoreWave('quiet', createWave(1000, 2))
  expect(rows.filter(({ alarm }) => alarm).length).toBe(0)
  expect(Math.max(...rows.map(({ ratio }) => ratio || 0))).toBeLessThan(1.5)
})

test.each([
  [
    'a jump inside its usual range',
    (value: number, row: number) => value - (row < 303 ? 1.2 : 0),
    300,
    '-',
  ],
  ['another level', (value: number) => value + 6, 310, '+'],
  ['a mean that moved', (value: number, row: number) => value - 0.12 * (row - 300), 345, '-'],
])('%s is above 1 on the right side', async (name, change, row, side) => {
  const wave = createWave(600, 3).map((value, i) => (i < 300 ? value : change(value, i)))
  const rows = await scoreWave(name, wave)
  expect(rows[299]!.ratio).toBeLessThan(1)
  expect(rows[row]!.ratio).toBeGreaterThan(1)
  expect(rows[row]!.top).toMatch(new RegExp(`a\\${side}$`))
})

test('a stuck tag alarms by rule although no value is unusual; it clears when the tag moves', async () => {
  const wave = createWave(700, 4)
  const stuck = wave.map((value, row) => (row >= 250 && row < 300 ? wave[250]! : value))
  const rows = await scoreWave('stuck', stuck)
  const first = rows.findIndex(({ top }) => top!.includes('a:stuck'))
  expect(first).toBe(280)
  expect(rows[first]!.alarm).toBe(true)
  expect(rows.at(-1)!.alarm).toBe(false)
})

test('each hard rule speaks for its own fault, and silence is stale, not a step', () => {
  const rules = { low: 0, high: 10, maxStep: 2, stuckRows: 3 }
  let state: RuleState = unseen
  const said = [5, 6, 9, 11, 10, undefined, 1, 1, 1, 1].map((value) => {
    const next = nextRules(state, value, rules)
    state = next.state
    return next.breach
  })
  const nothing = undefined
  const expected = [
    nothing,
    nothing,
    'rate',
    'out-of-range',
    nothing,
    'stale',
    nothing,
    nothing,
    nothing,
  ]
  expect(said).toEqual([...expected, 'stuck'])
})

test('tags that drift slowly get a model of their own beside the one that left them out', async () => {
  const random = createRandom(5)
  const noise = () => random() + random() - 1
  const load = Array.from({ length: 900 }, noise)
  const columns = {
    a: load.map((one) => one + 0.1 * noise()),
    b: load.map((one) => 2 * one + 0.1 * noise()),
    slow: load.map((_, row) => 0.01 * row + 0.1 * noise()),
  }
  const out = join(dir, 'pair')
  const { manifest, drifting } = await runTrain({
    in: await write('pair', columns),
    out,
    seed: 1,
    drifting: true,
  })
  expect(manifest.tags.map(({ name }) => name)).toEqual(['a', 'b'])
  expect(drifting?.manifest.tags.map(({ name }) => name)).toEqual(['slow'])
  const table = await write('pair-live', columns)
  const summary = await runScore({
    model: join(out, 'drifting'),
    in: table,
    out: join(dir, 'p.out'),
  })
  expect(summary).toMatchObject({ rows: 900, scored: 900 - 155, alarms: 0 })
})
