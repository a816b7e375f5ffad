/** Tables as people export them, and the refusals that name row and column. */
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { isFault } from '../../protocol/kit/fault.ts'
import { createRows, findPeriod, findSegments } from './grid.ts'
import { parseTable, readTable } from './table.ts'

test('comma, semicolon and tab, quotes, byte order mark and CRLF are all read', () => {
  for (const mark of [',', ';', '\t']) {
    const text = `\uFEFFtime${mark}"flow ""A"""${mark}p\r\n1${mark}2.5${mark}-3e1\r\n2${mark}${mark}4\r\n`
    const table = parseTable(text, 'x.csv')
    expect(table.names).toEqual(['flow "A"', 'p'])
    expect([...table.at!]).toEqual([1000, 2000])
    expect(table.columns.map((column) => [...column])).toEqual([
      [2.5, Number.NaN],
      [-30, 4],
    ])
  }
})

test('the mark between cells is the one that the first row has too, not one inside of names', () => {
  for (const head of ['time;Flow, in, m3;"a;b"', 'time;"Flow, in, m3";"a;b"'])
    expect(parseTable(`${head}\n1;2;3\n`, 'x.csv').names).toEqual(['Flow, in, m3', 'a;b'])
  expect(parseTable('time|a|b\r1|2|true\r', 'x.csv').columns.map(([one]) => one)).toEqual([2, 1])
})

test.each([
  ['time,a\n1,2\n2,oops\n', 3, 'a', '"oops" is not a number'],
  ['time,a\n1,2\nyesterday,3\n', 3, 'time', '"yesterday" is not a time'],
  ['time,a\n1,2,3\n', 2, '-', '3 cells where the header has 2'],
  ['time,a,a\n', 1, 'a', 'the name is there twice'],
  ['time,a,\n', 1, 3, 'the column has no name'],
  ['', 1, '-', 'the file is empty'],
  ['time;a\n1;2,5\n', 2, 'a', 'write decimals with a point'],
  ['time,a\n1,NA\n', 2, 'a', 'leave the cell of an unknown value empty'],
  ['time,a\n1,0x1F\n', 2, 'a', '"0x1F" is not a number'],
  ['time,a\n1,1e999\n', 2, 'a', '"1e999" is not a number'],
  ['time,a\n1,RUN\n', 2, 'a', 'leave an unknown cell empty, and a column of words out'],
])('%j is refused with its row and column', (text, row, column, problem) => {
  try {
    parseTable(text, 'bad.csv')
    expect.unreachable()
  } catch (error) {
    expect(isFault(error, 'table.invalid') && error.detail).toMatchObject({ row, column })
    expect(String(error)).toContain(problem)
  }
})

test('a time column that is asked for and not there is refused with the ones that are', () => {
  expect(() => parseTable('a,b\n1,2\n', 'x.csv', { time: 'when' })).toThrow('there are a, b')
})

test('compressed and plain files read alike, and a damaged one is refused', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'table-'))
  const text = 'datetime;a\n2020-03-09 10:14:33;1\n2020-03-09T10:14:34Z;2\n'
  const packed = gzipSync(text)
  await writeFile(join(dir, 'a.csv'), text)
  await writeFile(join(dir, 'a.csv.gz'), packed)
  await writeFile(join(dir, 'cut.csv.gz'), packed.subarray(0, packed.length - 12))
  const plain = await readTable(join(dir, 'a.csv'))
  expect({ ...(await readTable(join(dir, 'a.csv.gz'))), file: plain.file }).toEqual(plain)
  expect([...plain.at!]).toEqual([
    Date.UTC(2020, 2, 9, 10, 14, 33),
    Date.UTC(2020, 2, 9, 10, 14, 34),
  ])
  await expect(readTable(join(dir, 'cut.csv.gz'))).rejects.toThrow('cut.csv.gz')
  await writeFile(join(dir, 'packed.csv'), packed)
  await writeFile(join(dir, 'wide.csv'), Buffer.from(`\uFEFF${text}`, 'utf16le'))
  for (const name of ['packed.csv', 'wide.csv'])
    expect({ ...(await readTable(join(dir, name))), file: plain.file }).toEqual(plain)
  await rm(dir, { recursive: true })
})

const times = (...cells: string[]) =>
  Array.from(
    parseTable(`time,a\n${cells.map((cell) => `${cell},1`).join('\n')}\n`, 'x.csv').at!,
    (at) => new Date(at).toISOString().slice(0, 16),
  )

test('a date with slashes is day/month/year, unless a second number above 12 says month/day', () => {
  expect(times('13/01/14 00', '13/01/14 01')).toEqual(['2014-01-13T00:00', '2014-01-13T01:00'])
  expect(times('1/12/2014 23:30', '1/13/2014 00:30')).toEqual([
    '2014-01-12T23:30',
    '2014-01-13T00:30',
  ])
  expect(times('06.01.2014 5:00', '07.01.2014')).toEqual(['2014-01-06T05:00', '2014-01-07T00:00'])
})

test('where the numbers do not tell, the more regular steps do', () => {
  expect(times('06/01/14 22', '06/01/14 23', '07/01/14 00', '07/01/14 01')[2]).toBe(
    '2014-01-07T00:00',
  )
  expect(times('01/06/14 22', '01/06/14 23', '01/07/14 00', '01/07/14 01')[2]).toBe(
    '2014-01-07T00:00',
  )
  expect(times('06/06/14 22', '06/06/14 23')[0]).toBe('2014-06-06T22:00')
})

test('a date that may be either is refused, and so is one that is neither', () => {
  expect(() => times('06/01/14 22', '06/01/14 23')).toThrow('may be day/month or month/day')
  expect(() => times('13/01/14', '01/13/14')).toThrow('"01/13/14" is not a time')
  expect(() => times('30/02/14', '31/01/14')).toThrow('"30/02/14" is not a time')
})

test('Parquet reads like the same table as text; text in a tag is refused', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'parquet-'))
  const file = join(dir, 'a.parquet')
  const { DuckDBInstance } = await import('@duckdb/node-api')
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const write = (rows: string) => connection.run(`copy (${rows}) to '${file}' (format parquet)`)
  const start = "timestamp '2020-03-09 10:14:33'"
  await write(`select ${start} + to_seconds(1 - i) as time, i / 2 as a, if(i = 1, null, i) as "b ""x""",
    i = 1 as c from range(2) t(i)`)
  const text =
    'time,a,"b ""x""",c\n2020-03-09T10:14:34.000Z,0,0,0\n2020-03-09T10:14:33.000Z,0.5,,1\n'
  expect({ ...(await readTable(file)), file: 'a' }).toEqual(parseTable(text, 'a'))
  await write("select 1 as a, 'x' as b")
  await expect(readTable(file)).rejects.toThrow('its cells are VARCHAR')
  await writeFile(file, 'no parquet')
  await expect(readTable(file)).rejects.toThrow('a.parquet')
  instance.closeSync()
  await rm(dir, { recursive: true })
})

test('Parquet: instants with a zone are UTC on every machine, infinity is refused, unread columns may be anything', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'parquet-'))
  const file = join(dir, 'a.pq')
  const { DuckDBInstance } = await import('@duckdb/node-api')
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const write = (row: string) =>
    connection.run(`copy (select ${row}) to '${file}' (format parquet)`)
  await write("timestamptz '2026-01-25 09:15:30+00' as stamp, 1.5 as a, 'RUN' as b, [1] as c")
  const reader = `
    import { readTable } from ${JSON.stringify(new URL('./table.ts', import.meta.url).href)}
    const { at, timeText, names } = await readTable(${JSON.stringify(file)}, { tags: ['a'] })
    console.log(JSON.stringify({ at: [...at], timeText, names }))`
  const env = { ...process.env, TZ: 'Asia/Tokyo' }
  const args = ['--input-type=module', '-e', reader]
  const { stdout } = await promisify(execFile)(process.execPath, args, { env })
  expect(JSON.parse(stdout)).toEqual({
    at: [Date.UTC(2026, 0, 25, 9, 15, 30)],
    timeText: ['2026-01-25T09:15:30.000Z'],
    names: ['a'],
  })
  await expect(readTable(file)).rejects.toThrow('column b: its cells are VARCHAR')
  await write("'inf'::double as a")
  await expect(readTable(file)).rejects.toThrow('row 1, column a: Infinity is not a measurement')
  instance.closeSync()
  await rm(dir, { recursive: true })
})

test('the grid holds a value for three periods, then has a gap; the last of equal times wins', () => {
  const table = parseTable('time,a\n8,1\n0,5\n0,6\n1,7\n9,2\n', 'x.csv')
  expect(findPeriod(table)).toBe(1000)
  const rows = createRows(table, 1000)!
  expect([...rows.values]).toEqual([6, 7, 7, 7, 7, Number.NaN, Number.NaN, Number.NaN, 1, 2])
  expect(findSegments(rows)).toEqual([
    [0, 5],
    [8, 10],
  ])
})

test('a period far too small for the time range makes no grid', () => {
  expect(createRows(parseTable('time,a\n0,1\n900000000,1\n', 'x.csv'), 1)).toBeUndefined()
})

test('a folder where a table was meant is refused as such', async () => {
  await expect(readTable(tmpdir())).rejects.toMatchObject({ code: 'table.invalid' })
})
