/** The manifest's parser and the hash check of a model folder. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parseManifest, readModelFolder } from './manifest.ts'

const shipped = fileURLToPath(new URL('./shipped/hydraulic-press', import.meta.url))
let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'manifest-'))
  await cp(shipped, dir, { recursive: true })
})
afterEach(() => rm(dir, { recursive: true }))

async function changed(change: (manifest: Record<string, never>) => void): Promise<string> {
  const manifest = JSON.parse(await readFile(join(shipped, 'manifest.json'), 'utf8'))
  change(manifest)
  return JSON.stringify(manifest)
}

test('the shipped manifest is accepted', async () => {
  expect((await readModelFolder(dir)).manifest.kind).toBe('multivariate')
})

test('text that is no JSON is refused with the file named', () => {
  expect(() => parseManifest('{', 'x/manifest.json')).toThrow('x/manifest.json: whole file')
})

test.each([
  ['/threshold', (m: Record<string, unknown>) => Object.assign(m, { threshold: -1 })],
  ['/windowRows', (m: Record<string, unknown>) => Object.assign(m, { windowRows: 'ten' })],
  ['/tags/1/scale', (m: { tags: { scale: number }[] }) => Object.assign(m.tags[1]!, { scale: 0 })],
  ['/training/hash', (m: { training: object }) => Object.assign(m.training, { hash: 'abc' })],
  ['/tags/1/name', (m: { tags: { name: string }[] }) => (m.tags[1]!.name = m.tags[0]!.name)],
])('a manifest wrong at %s is refused with that place', async (where, change) => {
  const text = await changed(change as never)
  expect(() => parseManifest(text, 'manifest.json')).toThrow(`manifest.json: ${where}: `)
})

test('a model file that is not the one of the manifest is refused', async () => {
  const file = join(dir, 'model.onnx')
  const bytes = await readFile(file)
  bytes[bytes.length - 1] = bytes[bytes.length - 1]! ^ 1
  await writeFile(file, bytes)
  await expect(readModelFolder(dir)).rejects.toThrow('SHA-256')
})

test('a folder without a model is refused with the path', async () => {
  await rm(join(dir, 'model.onnx'))
  await expect(readModelFolder(dir)).rejects.toThrow(join(dir, 'model.onnx'))
})
