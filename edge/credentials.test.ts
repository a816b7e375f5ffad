/** What enrolment left on a gateway, today and by older programs. */
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { credentialFiles, readCredentials } from './credentials.ts'

/** As the program of 2026-11-22 wrote them. */
const old = join(import.meta.dirname, '../test/faults/gateway-format-0/credentials')

test('F35: the credentials of an older program are read', async () => {
  const { key, cert, ca, grantKey } = await readCredentials(old)
  expect(key).toContain('PRIVATE KEY')
  expect([cert, ca].every((text) => text.includes('BEGIN CERTIFICATE'))).toBe(true)
  expect(grantKey).toMatchObject({ kty: 'OKP', crv: 'Ed25519' })
})

test('a damaged key that signs grants is told by its file, not by a parser', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'credentials-'))
  try {
    cpSync(old, dir, { recursive: true })
    const file = join(dir, credentialFiles.grantKey)
    writeFileSync(file, '{"kty":')
    await expect(readCredentials(dir)).rejects.toMatchObject({
      code: 'credentials.missing',
      detail: { file },
    })
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})
