/** The list of all assertions of Sparkplug 3.0 against the tests: each is named by one, or does not apply and says why. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
/** `assertions.tsv`: id, whether it applies to our edge node, host or broker, and if not, why. */
const rows = readFileSync(join(import.meta.dirname, 'assertions.tsv'), 'utf8')
  .trimEnd()
  .split('\n')
  .slice(1)
  .map((line) => line.split('\t') as [id: string, applies: string, why: string])

function listTests(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : listTests(path)
    return entry.name.endsWith('.test.ts') ? [path] : []
  })
}

/** Ids in the names of tests; an id ends where the name goes on. */
const named = new Map<string, string>()
for (const path of ['protocol', 'edge', 'cloud'].flatMap(listTests)) {
  // A comment tests nothing.
  const text = readFileSync(join(root, path), 'utf8').replace(/^\s*(\/\/|\/?\*).*$/gm, '')
  for (const [id] of text.matchAll(/tck-id-[A-Za-z0-9-]*[A-Za-z0-9]/g)) named.set(id, path)
}

test('the list holds the 299 assertions of Sparkplug 3.0.0, each once', () => {
  expect(rows).toHaveLength(299)
  expect(new Set(rows.map(([id]) => id)).size).toBe(299)
})
test('what applies is named by a test', () => {
  const applying = rows.filter(([, applies]) => applies === 'yes')
  expect(applying.map(([id]) => id).filter((id) => !named.has(id))).toEqual([])
  expect(applying.length).toBeGreaterThan(260)
})
test('what does not apply says why, and no test claims it', () => {
  const rest = rows.filter(([, applies]) => applies !== 'yes')
  expect(rest.filter(([, applies, why]) => applies !== 'no' || !why)).toEqual([])
  expect(rest.map(([id]) => id).filter((id) => named.has(id))).toEqual([])
})
test('no test names an assertion that is not in the list', () => {
  const known = new Set(rows.map(([id]) => id))
  expect([...named].filter(([id]) => !known.has(id))).toEqual([])
})
