/** The birth-death number over restarts, at its turn, and where its file is lost or cannot be written. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openBirthSequence } from './birth-sequence.ts'

let folder = ''
let file = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'birth-sequence-'))
  file = join(folder, 'number.txt')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))
const take = (count: number, from = file) => {
  const births = openBirthSequence(from)
  return Array.from({ length: count }, () => births.next())
}

test('tck-id-topics-nbirth-bdseq-increment: starts at 0 once, and goes on over restarts', () => {
  expect([take(3), take(2), take(1)]).toEqual([[0, 1, 2], [3, 4], [5]])
  expect(readdirSync(folder)).toEqual(['number.txt'])
})
test('tck-id-message-flow-edge-node-birth-publish-will-message-payload-bdSeq: 0 comes after 255, over a restart too', () => {
  writeFileSync(file, '254\n')
  expect([take(1), take(2)]).toEqual([[255], [0, 1]])
})
test.each(['', '-1', '256', 'x', '12 13', '1e2'])('a file that says %j counts as none', (text) => {
  writeFileSync(file, text)
  expect(take(2)).toEqual([0, 1])
})
test('a number that cannot be kept goes on in memory', () => {
  expect(take(3, join(folder, 'missing', 'number.txt'))).toEqual([0, 1, 2])
})
