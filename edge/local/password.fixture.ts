/** A password file whose hash is quick to compute: tests try many. */
import { randomBytes, scryptSync } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** As `setPassword`, with a thousandth of its cost. */
export async function setQuickPassword(file: string, password: string): Promise<void> {
  const salt = randomBytes(18)
  const hash = scryptSync(password.normalize('NFKC'), salt, 33, { N: 2 ** 5, r: 8, p: 1 })
  await mkdir(dirname(file), { recursive: true })
  const parts = [salt, hash].map((bytes) => bytes.toString('base64'))
  await writeFile(file, `$scrypt$ln=5,r=8,p=1$${parts.join('$')}\n`)
}
