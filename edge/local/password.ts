/** The one password of the local page: kept as a scrypt hash in a file that `mimamori edge password` writes. */
import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import { chmod, mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { Fault } from '../../protocol/kit/fault.ts'

/** 32 MiB and a tenth of a second on a small box: argon2id's 64 MiB would be a third of what a gateway may use. */
const COST = { logN: 15, r: 8, p: 1 } as const
const SALT_BYTES = 16
const HASH_BYTES = 32
/** A stored hash must not make us compute for minutes. */
const MAX_LOG_N = 20
/** A PIN of six digits is enough where tries are throttled. */
export const MIN_PASSWORD_LENGTH = 6
const MAX_PASSWORD_LENGTH = 200

const PHC = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([\w+/]{22,})\$([\w+/]{22,})$/

const derive = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt)

/** Where the hash lies. */
export function passwordFile(dataDir: string): string {
  return join(dataDir, 'local-password')
}

/** Throws Fault 'config.invalid' when it is too short to be one. */
export async function setPassword(file: string, password: string): Promise<void> {
  if (password.length < MIN_PASSWORD_LENGTH || password.length > MAX_PASSWORD_LENGTH) {
    const problems = `a password has ${MIN_PASSWORD_LENGTH} to ${MAX_PASSWORD_LENGTH} characters`
    throw new Fault('config.invalid', { count: 1, problems })
  }
  const { logN, r, p } = COST
  const salt = randomBytes(SALT_BYTES)
  const hash = await compute(password, salt, { logN, r, p, bytes: HASH_BYTES })
  const text = `$scrypt$ln=${logN},r=${r},p=${p}$${toText(salt)}$${toText(hash)}\n`
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await writeFile(`${file}.new`, text, { mode: 0o600 })
  await chmod(`${file}.new`, 0o600)
  await rename(`${file}.new`, file)
}

/** Read anew each time, so that a new password needs no restart. */
export async function hasPassword(file: string): Promise<boolean> {
  return (await readHash(file)) !== undefined
}

/** False for a wrong one, and where none is set. Throws Fault 'pki.unusable' when the file is no hash. */
export async function isPassword(file: string, password: string): Promise<boolean> {
  const text = await readHash(file)
  if (text === undefined || password.length > MAX_PASSWORD_LENGTH) return false
  const [, logN, r, p, salt = '', wanted = ''] = PHC.exec(text) ?? []
  if (logN === undefined || Number(logN) > MAX_LOG_N) {
    throw new Fault('pki.unusable', { dir: dirname(file), file })
  }
  const expected = Buffer.from(wanted, 'base64')
  const cost = { logN: Number(logN), r: Number(r), p: Number(p), bytes: expected.length }
  return timingSafeEqual(await compute(password, Buffer.from(salt, 'base64'), cost), expected)
}

async function readHash(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    // One that is there and cannot be read must not count as none.
    throw new Fault('pki.unusable', { dir: dirname(file), file }, { cause: error })
  }
}

interface Cost {
  logN: number
  r: number
  p: number
  bytes: number
}

async function compute(password: string, salt: Buffer, { logN, r, p, bytes }: Cost) {
  const N = 2 ** logN
  return await derive(password.normalize('NFKC'), salt, bytes, { N, r, p, maxmem: 256 * N * r })
}

function toText(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}
