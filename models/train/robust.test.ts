/** What live data do to a model: other names, units and order, empty cells, long gaps, repeated times. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createRandom } from './golden.ts'
import { runScore } from './score.ts'
import { runTrain } from './train.ts'

const START = 1_700_000_000
const FAULT_AT = 900
type Columns = Record<string, number[]>

/** Six tags that follow two loads; from `faultAt` on, `t2` leaves them for 200 rows. */
function createPlant(rows: number, seed: number, faultAt = rows): Columns {
  const random = createRandom(seed)
  const noise = () => random() + random() + random() - 1.5
  const columns: Columns = {}
  let one = 0
  let two = 0
  for (let row = 0; row < rows; row++) {
    one = 0.9 * one + noise()
    two = 0.5 * two + noise()
    for (let tag = 0; tag < 6; tag++) {
      const fault = tag === 2 && row >= faultAt && row < faultAt + 200 ? 3 : 0
      const value = 50 * tag + one * (tag + 1) + two * (6 - tag) + noise() + fault * (tag + 1)
      columns[`t${tag}`] = [...(columns[`t${tag}`] ?? []), value]
    }
  }
  return columns
}

let dir: string
let model: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'robust-'))
  model = join(dir, 'model')
  await runTrain({ in: await write('normal', createPlant(1200, 1)), out: model, seed: 1 })
})
afterAll(() => rm(dir, { recursive: true }))

const live = createPlant(1800, 2, FAULT_AT)

interface Change {
  /** Seconds of a row; left out of the file when undefined. */
  time?: (row: number) => number | undefined
  cell?: (value: number) => number | string
}

async function write(name: string, columns: Columns, change: Change = {}): Promise<string> {
  const { time = (row) => row, cell = (value) => value } = change
  const names = Object.keys(columns)
  const lines = [['time', ...names].join(',')]
  for (let row = 0; row < columns[names[0]!]!.length; row++) {
    const at = time(row)
    const cells = names.map((tag) => cell(columns[tag]![row]!))
    if (at !== undefined) lines.push([START + at, ...cells].join(','))
  }
  const file = join(dir, `${name}.csv`)
  await writeFile(file, lines.join('\n'))
  return file
}

async function alarmsOf(table: string, by = model): Promise<string[]> {
  await runScore({ model: by, in: table, out: `${table}.out` })
  const lines = (await readFile(`${table}.out`, 'utf8')).trimEnd().split('\n').slice(1)
  return lines.map((line) => line.split(',')[3]!)
}

const equalShare = (a: string[], b: string[]) =>
  a.filter((one, i) => one === b[i]).length / a.length
const firstAlarm = (alarms: string[]) => alarms.indexOf('1')

test('as it is, the fault alarms within half a minute, and nothing before it', async () => {
  const first = firstAlarm(await alarmsOf(await write('plain', live)))
  expect(first).toBeGreaterThan(FAULT_AT)
  expect(first).toBeLessThan(FAULT_AT + 30)
})

test('other names, another order and other units leave 99.5 % of the alarms equal', async () => {
  const turn = (columns: Columns): Columns =>
    Object.fromEntries(
      Object.entries(columns)
        .reverse()
        .map(([name, values], i) => [
          `z${name}`,
          values.map((value) => value * (-1) ** i * 10 ** (i - 3) + 7 * i),
        ]),
    )
  const turned = join(dir, 'turned')
  await runTrain({
    in: await write('turn-normal', turn(createPlant(1200, 1))),
    out: turned,
    seed: 1,
  })
  const got = await alarmsOf(await write('turn-live', turn(live)), turned)
  const plain = await alarmsOf(await write('plain', live))
  expect(plain.filter((alarm) => alarm === '1').length).toBeGreaterThan(150)
  expect(equalShare(plain, got)).toBeGreaterThanOrEqual(0.995)
})

test('with 5 % of the cells empty, in training and live, the fault is seen and nothing else', async () => {
  const random = createRandom(3)
  const cell = (value: number) => (random() < 0.05 ? '' : value)
  const holed = join(dir, 'holed')
  await runTrain({
    in: await write('hole-normal', createPlant(1200, 1), { cell }),
    out: holed,
    seed: 1,
  })
  const first = firstAlarm(await alarmsOf(await write('hole-live', live, { cell }), holed))
  expect(first).toBeGreaterThan(FAULT_AT)
  expect(first).toBeLessThan(FAULT_AT + 30)
})

test('a gap of two hours alarms neither in it nor after it, and the fault behind it is seen', async () => {
  const time = (row: number) => (row < 400 ? row : row + 7200)
  const first = firstAlarm(await alarmsOf(await write('gap', live, { time })))
  expect(first).toBeGreaterThan(FAULT_AT)
  expect(first).toBeLessThan(FAULT_AT + 30)
})

test('rows in any order of the file are scored by their times and written in the order of the file', async () => {
  const plain = await alarmsOf(await write('plain', live))
  const turned = Object.fromEntries(
    Object.entries(live).map(([tag, values]) => [tag, [...values].reverse()]),
  )
  const time = (row: number) => live.t0!.length - 1 - row
  expect(await alarmsOf(await write('reversed', turned, { time }))).toEqual([...plain].reverse())
})

test('a tag may be called like something that every object has, and the time by any name that was asked for', async () => {
  const names = ['__proto__', 'constructor', 'toString', 'a,"b"', '温度', '7']
  const rename = async (table: string) => {
    const [head, ...rows] = (await readFile(table, 'utf8')).split('\n')
    const quoted = names.map((name) => `"${name.replaceAll('"', '""')}"`)
    await writeFile(table, [[`clock`, ...quoted].join(','), ...rows].join('\n'))
    expect(head).toContain('t5')
    return table
  }
  const odd = join(dir, 'odd')
  const normal = await rename(await write('odd-normal', createPlant(1200, 1)))
  await runTrain({ in: normal, out: odd, timeColumn: 'clock', seed: 1 })
  const time = (row: number) => (row < 400 ? row : row + 7200)
  const gap = await alarmsOf(await rename(await write('odd-gap', live, { time })), odd)
  expect(gap).toEqual(await alarmsOf(await write('gap', live, { time })))
})

test('a column without any value is named, in training and live', async () => {
  const empty = { ...createPlant(1200, 1), dead: new Array<string>(1200).fill('') }
  const file = await write('dead', empty as unknown as Columns)
  await expect(runTrain({ in: file, out: join(dir, 'no'), seed: 1 })).rejects.toThrow(
    'dead is known in 0',
  )
  const dead = { ...live, t3: new Array<string>(1800).fill('') } as unknown as Columns
  const scored = await write('dead-live', dead)
  const { silent } = await runScore({ model, in: scored, out: `${scored}.out` })
  expect(silent).toEqual(['t3'])
})

/** Eight tags that swing together, each a little later: standing still for a row is as odd as a jump. */
function createSwings(rows: number, seed: number): Columns {
  const random = createRandom(seed)
  const swing = (row: number, tag: number) => Math.sin(row / 2 + tag / 3) * (tag + 1)
  return Object.fromEntries(
    Array.from({ length: 8 }, (_, tag) => [
      `s${tag}`,
      Array.from({ length: rows }, (_, row) => swing(row, tag) + 0.02 * random()),
    ]),
  )
}

test.each([1, 3600])('rows every %i s: a pause begins no alarm by itself', async (period) => {
  const swings = join(dir, `swings-${period}`)
  const at = (row: number) => row * period
  const normal = await write('swings', createSwings(1200, 1), { time: at })
  await runTrain({ in: normal, out: swings, seed: 1 })
  const firsts = []
  for (const lost of period === 1 ? [2, 3, 40] : [1, 2, 3, 40])
    for (const from of [100, 103, 207]) {
      const time = (row: number) => (row >= from && row < from + lost ? undefined : at(row))
      const table = await write('pause', createSwings(300, 4), { time })
      firsts.push(firstAlarm(await alarmsOf(table, swings)))
    }
  expect(new Set(firsts)).toEqual(new Set([-1]))
})

test('a file with a row every third second, or at no even pace, alarms as live does', async () => {
  const random = createRandom(7)
  let next = 0
  for (const step of [() => 3, () => 1 + Math.floor(random() * 4)]) {
    const kept = new Set<number>()
    for (next = 0; next < 1800; next += step()) kept.add(next)
    const time = (row: number) => (kept.has(row) ? row : undefined)
    const alarms = await alarmsOf(await write('sparse', live, { time }))
    const first = [...kept][firstAlarm(alarms)] ?? Number.NaN
    expect(first).toBeGreaterThan(FAULT_AT)
    expect(first).toBeLessThan(FAULT_AT + 60)
  }
})

test('repeated times are one row each, and the alarm is the same', async () => {
  const time = (row: number) => (row % 50 === 1 ? row - 1 : row)
  const alarms = await alarmsOf(await write('repeated', live, { time }))
  expect(alarms.length).toBe(1800)
  expect(equalShare(alarms, await alarmsOf(await write('plain', live)))).toBeGreaterThan(0.98)
  expect(firstAlarm(alarms)).toBeGreaterThan(FAULT_AT)
})
