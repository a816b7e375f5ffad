/** The certificates this gateway can show: the one in force, and a new one until it is proven; both on disk, whole or not at all. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { join } from 'node:path'
import { type GatewayCredentials, readCredentials } from '../credentials.ts'
import { type Disk, disk, type Pair, readPairFile, writePair } from './pair-file.ts'
import type { Life } from './schedule.ts'

/** What a certificate is shown to. */
export type Door = 'tunnel' | 'broker'

export interface Wallet {
  /** What never changes: the CA, the key that signs grants. */
  readonly credentials: Pick<GatewayCredentials, 'ca' | 'grantKey'>
  /** What to show at the next connection: after a refusal the other one. */
  use(door: Door): Pair
  newest(): Pair
  /** Undefined: it cannot be read. */
  lifeOf(pair: Pair): Life | undefined
  /** A connection with it was taken in, or there was none. */
  judged(door: Door, pair: Pair, isAccepted: boolean): void
  /** The next connection shows the newest again, whatever was refused or away before. */
  preferNewest(door: Door): void
  /** True while there is one that is not in force yet. */
  hasNew(): boolean
  isProven(door: Door): boolean
  /** Keeps a new one; durable when it resolves. Why it is none of ours; undefined: it is kept. */
  stage(pair: Pair): Promise<string | undefined>
  /** The new one is in force from now on; the former one is gone. */
  promote(): Promise<void>
}

export interface WalletOptions {
  /** The folder that enrolment left; only read. */
  enrolledDir: string
  /** Where renewed ones are kept. */
  ownDir: string
  /** Doors that a new one must open before the former one goes. */
  doors: readonly Door[]
  disk?: Disk
}

const CURRENT = 'current.pem'
const NEXT = 'next.pem'

/**
 * Of what is on the disk, the newest that is whole and ours. Throws Fault 'credentials.missing' for a missing file; with one
 * that cannot be read the gateway goes on without a cloud, and renews nothing.
 */
export async function openWallet(options: WalletOptions): Promise<Wallet> {
  const { enrolledDir, ownDir, doors } = options
  const on = options.disk ?? disk
  const enrolled = await readCredentials(enrolledDir)
  const origin = parseOrigin(enrolled)
  const readOwn = async (name: string) => {
    const pair = await readPairFile(join(ownDir, name))
    return pair && problemOf(pair, origin) === undefined ? pair : undefined
  }
  // Enrolled anew: what was renewed before is of the former time.
  let inForce = newerOf({ key: enrolled.key, cert: enrolled.cert }, await readOwn(CURRENT))
  const found = await readOwn(NEXT)
  let fresh = found && newerOf(inForce, found) === found ? found : undefined
  const turn = new Map<Door, number>()
  const proven = new Set<Door>()
  const choices = () => (fresh ? [fresh, inForce] : [inForce])
  return {
    credentials: enrolled,
    lifeOf,
    newest: () => fresh ?? inForce,
    hasNew: () => fresh !== undefined,
    isProven: (door) => !doors.includes(door) || proven.has(door),
    use(door) {
      const all = choices()
      return all[(turn.get(door) ?? 0) % all.length] ?? inForce
    },
    judged(door, { cert }, isAccepted) {
      if (isAccepted && cert === fresh?.cert) proven.add(door)
      // Not necessarily refused: the line may be down. Then both are tried in turn, which harms nothing.
      if (!isAccepted) turn.set(door, (turn.get(door) ?? 0) + 1)
    },
    preferNewest: (door) => void turn.delete(door),
    async stage(pair) {
      const problem = problemOf(pair, origin)
      if (problem !== undefined) return problem
      if (startOf(pair) <= startOf(inForce)) return 'it is no newer than the one in force'
      await writePair(join(ownDir, NEXT), pair, on)
      fresh = pair
      proven.clear()
      turn.clear()
      return undefined
    },
    async promote() {
      if (!fresh) return
      const pair = fresh
      await on.rename(join(ownDir, NEXT), join(ownDir, CURRENT))
      // In force from here on, also where the next line fails: a power cut could only bring both files back, as they were.
      inForce = pair
      fresh = undefined
      await on.syncFolder(ownDir)
    },
  }
}

/** What every certificate of this gateway must share with the enrolled one. */
interface Origin {
  authorities: X509Certificate[]
  name: string | undefined
}

function parseOrigin({ cert, ca }: GatewayCredentials): Origin | undefined {
  try {
    const all = ca.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
    const authorities = all.map((pem) => new X509Certificate(pem))
    return { authorities, name: new X509Certificate(cert).subjectAltName }
  } catch {
    return undefined
  }
}

/** Why this pair is not ours to show; undefined: it is. Its dates are the cloud's to judge: our clock may be wrong. */
function problemOf({ key, cert }: Pair, origin: Origin | undefined): string | undefined {
  if (!origin) return 'the enrolled one cannot be read: enrol this gateway anew'
  const { authorities, name } = origin
  try {
    const certificate = new X509Certificate(cert)
    if (certificate.subjectAltName !== name) return 'it is of another gateway'
    if (!certificate.checkPrivateKey(createPrivateKey(key))) return 'it is not for our key'
    const isOurs = authorities.some(({ publicKey }) => certificate.verify(publicKey))
    return isOurs ? undefined : 'our authority has not signed it'
  } catch {
    return 'it cannot be read'
  }
}

function lifeOf({ cert }: Pair): Life | undefined {
  try {
    const { validFrom, validTo } = new X509Certificate(cert)
    return { from: Date.parse(validFrom), until: Date.parse(validTo) }
  } catch {
    return undefined
  }
}

function startOf(pair: Pair): number {
  return lifeOf(pair)?.from ?? 0
}

function newerOf(one: Pair, other: Pair | undefined): Pair {
  return other && startOf(other) > startOf(one) ? other : one
}
