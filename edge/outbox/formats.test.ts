/** F35: files of older and newer programs are taken over or set aside, with a word and without loss. */
import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { FORMAT } from './open-log-file.ts'
import { openOutbox } from './outbox.ts'
import { packBatch } from './pack.ts'

/** As the program of 2026-11-22 left it, before files had a format number. */
const oldFile = join(import.meta.dirname, 'format-0.sqlite.fixture')

let folder = ''
let file = ''
const notices: string[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'outbox-formats-'))
  file = join(folder, 'outbox.sqlite')
  cpSync(oldFile, file)
  notices.length = 0
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const open = () =>
  openOutbox({
    ...{ file, maxBytes: 1_000_000, maxAgeMs: 1e13, gateway: 'gw1' },
    notice: (say) => notices.push(say),
  })
const setFormat = (name: string, format: number) => {
  const database = new DatabaseSync(join(folder, name))
  database.exec(`PRAGMA user_version = ${format}`)
  database.close()
}
const aside = () => readdirSync(folder).filter((name) => /newer-\d+$/.test(name))

test('F35: the file of an older program is taken over, every kind of value as it was', async () => {
  await using outbox = open()
  const batches = outbox.peek(0, 100)
  expect(batches.slice(0, 10).map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  expect(batches.slice(0, 10).flatMap(({ samples }) => samples.map(({ value }) => value))).toEqual(
    Array.from({ length: 50 }, (_, i) => i + 1),
  )
  const kinds = Object.fromEntries(
    (batches[10]?.samples ?? []).map(({ tag, at: _, ...rest }) => [tag.split('/')[3], rest]),
  )
  expect(kinds).toEqual({
    Null: { value: null, quality: 0 },
    Whole: { value: -123456789, quality: 192 },
    Float32: { value: 1.5, quality: 192 },
    Float64: { value: Math.PI, quality: 192 },
    Big: { value: 18446744073709551615n, quality: 192 },
    False: { value: false, quality: 192 },
    True: { value: true, quality: 192 },
    Text: { value: '見守り', quality: 192 },
    Decimal: { value: 23.4, quality: 192 },
    Stale: { value: 7, quality: 500 },
    Status: { value: 8, quality: 192, status: 0x40920000 },
    MinusZero: { value: -0, quality: 192 },
  })
  expect(batches[10]?.gaps).toMatchObject([{ reason: 'disk-full', lost: 3 }])
  const [dead] = batches[11]?.gaps ?? []
  expect(dead).toMatchObject({ reason: 'gateway-down' })
  expect(outbox.append({ samples: [] })).toBe(13)
  expect(notices).toEqual([])
})

test('F35: the file of a newer program is set aside whole, with a word; it comes back when it can be read', async () => {
  setFormat('outbox.sqlite', FORMAT + 1)
  {
    await using outbox = open()
    expect(notices).toEqual([expect.stringContaining(`format ${FORMAT + 1}`)])
    expect(aside()).toHaveLength(1)
    const [gap] = outbox.peek(0, 1)[0]?.gaps ?? []
    expect(gap).toMatchObject({ reason: 'gateway-down' })
    outbox.append({ samples: [{ tag: 'plant/gw1/new/Count', at: 1e12, value: 51, quality: 192 }] })
  }
  const [name = ''] = aside()
  const kept = new DatabaseSync(join(folder, name))
  expect(kept.prepare('SELECT sum(samples) AS sum FROM batch').get()).toEqual({ sum: 62 })
  kept.close()
  // What the newer program sees when it is started again: a format it knows.
  setFormat(name, FORMAT)
  await using outbox = open()
  expect(aside()).toEqual([])
  expect(notices.at(-1)).toMatch(/^62 readings/)
  const values = outbox.peek(0, 100).flatMap(({ samples }) => samples.map(({ value }) => value))
  expect(values).toHaveLength(63)
  expect(values).toEqual(expect.arrayContaining([1, 25, 50, 51, '見守り']))
})

test('a new layout of batches comes with a new format of the file', () => {
  // Otherwise an older program would take every batch of a newer one for damaged.
  expect(
    packBatch(
      { samples: [], gaps: [] },
      { numberOf: () => 0, numbersOf: () => new Int32Array() },
    )[4],
  ).toBeLessThanOrEqual(FORMAT)
})
