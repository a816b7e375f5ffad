/** Tables with words in them, from CSV and Parquet. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseNumbers, parseTextTable, parseTimeColumn, readTextTable } from './text-table.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mimamori-table-'))
})
afterAll(() => rm(folder, { recursive: true }))

test('quoted marks and quotes stay in their cell, empty cells are empty', () => {
  const { names, cells } = parseTextTable('unit,"a, b",c\r\n"x ""1""",2,\n,,"3"\n', 't.csv')
  expect(names).toEqual(['unit', 'a, b', 'c'])
  expect(cells).toEqual([
    ['x "1"', ''],
    ['2', ''],
    ['', '3'],
  ])
})

test('semicolons and tabs separate too, and an empty number is NaN', () => {
  const table = parseTextTable('unit;x\n1;2,5\n', 't.csv')
  expect(() => parseNumbers(table, 'x')).toThrow(
    't.csv, row 2, column x: "2,5" is not a number: write decimals with a point.',
  )
  expect(Array.from(parseNumbers(parseTextTable('u\tx\na\t\nb\t-1e3\n', 't'), 'x'))).toEqual([
    NaN,
    -1000,
  ])
})

test('counters keep their unit, dates become hours', () => {
  const table = parseTextTable('n,at\n10,2026-01-01T00:00:00Z\n20,2026-01-01T06:30:00Z\n', 't.csv')
  expect(parseTimeColumn(table, 'n')).toEqual({ at: Float64Array.from([10, 20]), unit: 'own' })
  const { at, unit } = parseTimeColumn(table, 'at')
  expect([unit, (at[1] ?? 0) - (at[0] ?? 0)]).toEqual(['h', 6.5])
})

test('a name that is there twice, or not at all, is refused in row 1', () => {
  expect(() => parseTextTable('a,a\n1,2\n', 't.csv')).toThrow('row 1, column a: the name is there')
  expect(() => parseNumbers(parseTextTable('a\n1\n', 't.csv'), 'b')).toThrow('row 1, column b')
})

test('gzip and Parquet give the same cells as text', async () => {
  const text = 'unit,at,x\nm1,2026-01-01 00:00:00,1.5\nm2,2026-01-01 01:00:00,\n'
  const zipped = join(folder, 't.csv.gz')
  await writeFile(zipped, gzipSync(text))
  const parquet = join(folder, 't.parquet')
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  const rows =
    "values ('m1', timestamp '2026-01-01 00:00:00', 1.5), ('m2', timestamp '2026-01-01 01:00:00', null)"
  await connection.run(
    `copy (select * from (${rows}) as t(unit, "at", x)) to '${parquet}' (format parquet)`,
  )
  instance.closeSync()
  const [one, two] = [await readTextTable(zipped), await readTextTable(parquet)]
  expect(two.cells).toEqual(one.cells)
  expect(parseTimeColumn(two, 'at')).toEqual(parseTimeColumn(one, 'at'))
})

test('a file that is not there says so', async () => {
  await expect(readTextTable(join(folder, 'none.csv'))).rejects.toThrow(/ENOENT/)
})
