/** Password hashing: argon2id in the PHC string format, so that old hashes stay readable when the parameters grow. */
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { Fault } from '../../protocol/kit/fault.ts'

interface Cost {
  memoryKiB: number
  passes: number
  lanes: number
}

/**
 * RFC 9106, section 4, second recommended option (for when 2 GiB a login is too much): 64 MiB, 3 passes, 4 lanes.
 * Node runs it in its pool of four threads, so at most 256 MiB are in use however many people log in.
 */
const COST: Cost = { memoryKiB: 64 * 1024, passes: 3, lanes: 4 }
/** RFC 9106, section 3.1: 128 bits of salt are enough for passwords, 256 bits of tag. */
const SALT_BYTES = 16
const TAG_BYTES = 32
/** A stored hash must not make us allocate without bound. */
const MAX_MEMORY_KIB = 1024 * 1024

const PHC =
  /^\$argon2id\$v=19\$m=(\d{1,8}),t=(\d{1,3}),p=(\d{1,3})\$([\w+/-]{11,})\$([\w+/-]{16,})$/

const derive = promisify(argon2)

/** The PHC string `$argon2id$v=19$m=…,t=…,p=…$salt$tag`. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  const tag = await deriveTag(password, { salt, cost: COST, bytes: TAG_BYTES })
  const cost = `m=${COST.memoryKiB},t=${COST.passes},p=${COST.lanes}`
  return `$argon2id$v=19$${cost}$${formatBase64(salt)}$${formatBase64(tag)}`
}

/** True when the password belongs to the hash; throws Fault 'identity.bad-hash' when that is none of ours. */
export async function isPassword(password: string, phc: string): Promise<boolean> {
  const [, memory, passes, lanes, salt, tag] = PHC.exec(phc) ?? []
  if (!salt || !tag || Number(memory) > MAX_MEMORY_KIB) {
    throw new Fault('identity.bad-hash', { problem: 'not an argon2id PHC string' })
  }
  const wanted = Buffer.from(tag, 'base64')
  const cost = { memoryKiB: Number(memory), passes: Number(passes), lanes: Number(lanes) }
  const options = { salt: Buffer.from(salt, 'base64'), cost, bytes: wanted.length }
  return timingSafeEqual(await deriveTag(password, options), wanted)
}

async function deriveTag(
  password: string,
  { salt, cost, bytes }: { salt: Buffer; cost: Cost; bytes: number },
): Promise<Buffer> {
  return await derive('argon2id', {
    // NFC: the same password typed on another keyboard is the same bytes.
    message: password.normalize('NFC'),
    nonce: salt,
    parallelism: cost.lanes,
    tagLength: bytes,
    memory: cost.memoryKiB,
    passes: cost.passes,
  })
}

/** PHC wants base64 without padding. */
function formatBase64(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '')
}
