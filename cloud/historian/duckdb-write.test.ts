/** A batch that fails half way: nothing of it may stay. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { sample, T0, tag } from './conformance-samples.ts'
import { openFile, type Series } from './duckdb-file.ts'
import { commitBatch } from './duckdb-write.ts'

const folder = mkdtempSync(join(tmpdir(), 'batch-'))
afterAll(() => rmSync(folder, { recursive: true }))

it('a batch that fails half way leaves neither series nor samples, and passes when tried again', async () => {
  const { instance, writer } = await openFile(join(folder, 'half.duckdb'))
  const series: Series = { id: 1, tag: tag('a'), kind: 'number', mark: T0 }
  const fresh = [{ series, sample: sample('a', 1, 1) }]
  const late = [{ series, sample: sample('a', 0, 0) }]
  const batch = { created: [series], pinned: [], fresh, late }
  const count = async (table: string) =>
    (await writer.runAndReadAll(`select count(*) from ${table}`)).getRowsJS()[0]?.[0]

  // The fresh samples are in by then; the late ones find no place to be staged.
  await writer.run('alter table late rename to hidden')
  await expect(commitBatch(writer, batch)).rejects.toThrow(/late/)
  await writer.run('alter table hidden rename to late')
  expect([await count('series'), await count('sample'), await count('late')]).toEqual([0n, 0n, 0n])

  await commitBatch(writer, batch)
  await commitBatch(writer, { ...batch, created: [], fresh: [], late: [...late, ...fresh] })
  expect([await count('series'), await count('sample'), await count('late')]).toEqual([1n, 2n, 0n])
  writer.closeSync()
  instance.closeSync()
})
