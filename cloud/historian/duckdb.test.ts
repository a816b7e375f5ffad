/** The DuckDB historian: the common suite, and what only a file can suffer: kills, corruption, a second opener. */
import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, describe, expect, it } from 'vitest'
import { isFault } from '../../protocol/kit/fault.ts'
import { quality } from '../../protocol/model.ts'
import { describeHistorian } from './conformance.ts'
import { sample, T0, tag } from './conformance-samples.ts'
import { openDuckdbHistorian } from './duckdb.ts'

const run = promisify(execFile)
const folder = mkdtempSync(join(tmpdir(), 'historian-'))
let files = 0
const nextFile = () => join(folder, `${++files}.duckdb`)
afterAll(() => rmSync(folder, { recursive: true }))

describeHistorian('DuckDB', () => openDuckdbHistorian({ file: nextFile() }))

/** Writes batches of 100 for ever and prints each number once it is acknowledged. */
const CHILD = `
  import { openDuckdbHistorian } from ${JSON.stringify(join(import.meta.dirname, 'duckdb.ts'))}
  const historian = await openDuckdbHistorian({ file: process.argv[1] })
  for (let batch = Number(process.argv[2]); ; batch += 1) {
    await historian.write(Array.from({ length: 100 }, (_, n) => ({
      tag: ${JSON.stringify(tag('n'))}, at: ${T0} + batch * 100 + n, value: BigInt(batch * 100 + n), quality: 192,
    })))
    process.stdout.write(batch + '\\n')
  }`

/** Writes 100 batches, each until it passes, and says after a failure what a reader sees. */
const FULL_DISK_CHILD = `
  import { openDuckdbHistorian } from ${JSON.stringify(join(import.meta.dirname, 'duckdb.ts'))}
  const historian = await openDuckdbHistorian({ file: process.argv[1] })
  const count = async () => (await historian.raw(${JSON.stringify(tag('n'))}, 0, 9e12, 1e6)).length
  for (let batch = 0; batch < 100; ) {
    try {
      await historian.write(Array.from({ length: 100 }, (_, n) => ({
        tag: ${JSON.stringify(tag('n'))}, at: ${T0} + batch * 100 + n, value: String(Math.random()).repeat(4), quality: 192,
      })))
      batch += 1
    } catch (error) {
      console.log(error.code + ', whole batches: ' + ((await count()) === batch * 100))
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  console.log('stored ' + (await count()))
  await historian[Symbol.asyncDispose]()`

describe('the DuckDB file', () => {
  it('a kill -9 between or in the middle of writes loses nothing that was acknowledged', async () => {
    const file = nextFile()
    let acknowledged = -1
    for (let round = 0; round < 3; round += 1) {
      const first = String(acknowledged + 1)
      const child = spawn(process.execPath, ['--input-type=module', '-e', CHILD, file, first])
      const errors = child.stderr.toArray()
      for await (const line of createInterface(child.stdout)) {
        acknowledged = Number(line)
        if (acknowledged >= (round + 1) * 15) child.kill('SIGKILL')
      }
      expect(Buffer.concat(await errors).toString()).toBe('')
      await using historian = await openDuckdbHistorian({ file })
      const stored = await historian.raw(tag('n'), 0, T0 + 1e9, 1_000_000)
      expect(stored.length).toBeGreaterThanOrEqual((acknowledged + 1) * 100)
      // At most the one batch in flight is more than acknowledged, and it is whole.
      expect(stored.length % 100).toBe(0)
      expect(stored.map((one) => one.value)).toEqual(stored.map((_, n) => BigInt(n)))
    }
  })

  it('knows marks, types and values again after it was closed', async () => {
    const file = nextFile()
    {
      await using historian = await openDuckdbHistorian({ file })
      await historian.write([sample('a', 0, true), sample('b', 0, 2n ** 60n + 1n)])
      await historian.write([sample('c', 0, null, { quality: quality.bad })])
    }
    await using historian = await openDuckdbHistorian({ file })
    const again = [sample('a', 0, true), sample('b', 0, 2n ** 60n + 1n), sample('a', 1, 5)]
    const result = await historian.write([...again, sample('c', 1, 'text')])
    expect(result.rejected.map((one) => one.sample)).toEqual([sample('a', 1, 5)])
    const newest = await historian.latest([tag('a'), tag('b'), tag('c')])
    expect(newest.map((one) => one.value)).toEqual([true, 2n ** 60n + 1n, 'text'])
    expect(await historian.raw(tag('b'), 0, T0 + 1, 9)).toHaveLength(1)
  })

  it('a full disk fails whole batches only, and the same batch passes once there is room', async () => {
    const file = nextFile()
    const limited = ['-c', 'ulimit -S -f 300 && exec "$0" --input-type=module -e "$1" "$2"']
    const child = spawn('bash', [...limited, process.execPath, FULL_DISK_CHILD, file])
    const errors = child.stderr.toArray()
    const lines: string[] = []
    for await (const line of createInterface(child.stdout)) {
      lines.push(line)
      if (lines.length === 1) await run('prlimit', ['--fsize=unlimited', '--pid', `${child.pid}`])
    }
    expect(Buffer.concat(await errors).toString()).toBe('')
    expect(lines[0]).toMatch(/^historian.unavailable, whole batches: true$/)
    expect(lines.at(-1)).toBe('stored 10000')
    await using historian = await openDuckdbHistorian({ file })
    expect(await historian.raw(tag('n'), 0, T0 + 1e9, 1_000_000)).toHaveLength(10_000)
  })

  it('says what is wrong with a file that is no database, cut off, newer, or open elsewhere', async () => {
    const garbage = nextFile()
    writeFileSync(garbage, Buffer.alloc(20_000, 7))
    const cut = nextFile()
    {
      await using historian = await openDuckdbHistorian({ file: cut })
      await historian.write([sample('a', 0, 1)])
    }
    truncateSync(cut, 13_000)
    for (const file of [garbage, cut]) {
      const error = await openDuckdbHistorian({ file }).catch((caught) => caught)
      expect(isFault(error, 'historian.unopenable') && error.message).toContain(file)
    }
    const newer = nextFile()
    const instance = await DuckDBInstance.create(newer)
    const connection = await instance.connect()
    await connection.run('create table meta as select 99::integer as version')
    connection.closeSync()
    instance.closeSync()
    const error = await openDuckdbHistorian({ file: newer }).catch((caught) => caught)
    expect(isFault(error, 'historian.newer') && error.detail).toMatchObject({ found: 99, known: 1 })
  })

  it('refuses a file that another process holds', async () => {
    const file = nextFile()
    const child = spawn(process.execPath, ['--input-type=module', '-e', CHILD, file, '0'])
    await once(child.stdout, 'data')
    const error = await openDuckdbHistorian({ file }).catch((caught) => caught)
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(isFault(error, 'historian.unopenable') && error.message).toMatch(/lock/i)
  })

  it('finishes what it was asked before it closes, and answers later calls with a fault', async () => {
    const historian = await openDuckdbHistorian({ file: nextFile() })
    await historian.write([sample('a', 0, 1)])
    const read = () => historian.raw(tag('a'), 0, T0 + 9, 9)
    const before = [read(), historian.write([sample('a', 1, 2)])] as const
    await historian[Symbol.asyncDispose]()
    await historian[Symbol.asyncDispose]()
    expect((await before[0]).length).toBeGreaterThan(0)
    expect(await before[1]).toEqual({ committed: 1, rejected: [] })
    for (const call of [read, () => historian.write([sample('a', 2, 1)])]) {
      const error = await call().catch((caught) => caught)
      expect(isFault(error, 'historian.unavailable')).toBe(true)
    }
  })
})
