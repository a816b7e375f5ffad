/** Who may act on the local page: sign-in with the one password, short sessions in memory, a token against forged forms. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { hasPassword, isPassword } from './password.ts'
import { createThrottle } from './throttle.ts'

export const COOKIE = 'mimamori-local'
/** A page left open at a machine is nobody's after this. */
const IDLE_MS = 30 * 60_000
/** A shift. */
const LONGEST_MS = 8 * 3_600_000
/** People of one plant at once. */
const MAX_SESSIONS = 50
const MAX_NAME = 60
/** Where no password is set and only this machine can reach the page. */
const NOBODY = 'somebody at this machine'

export type SignIn =
  | { allowed: true; cookie: string }
  | { allowed: false; reason: 'wrong' | 'throttled' | 'nameless'; waitMs: number }

export interface Doorman {
  signIn(who: { name: string; password: string; address: string }): Promise<SignIn>
  signOut(cookie: string | undefined): void
  /** Who acts; undefined: nobody who may. */
  actor(cookie: string | undefined): Promise<string | undefined>
  /** The name given at sign-in. */
  name(cookie: string | undefined): string | undefined
  /** False: no password is set yet. */
  isGuarded(): Promise<boolean>
  /** What a form of our own page carries. */
  token(cookie: string | undefined): string
  isToken(token: unknown, cookie: string | undefined): boolean
}

export interface DoormanOptions {
  passwordFile: string
  /** Only this machine can reach the page. */
  isLoopback: boolean
  now?: () => number
}

interface Session {
  name: string
  since: number
  seen: number
}

export function createDoorman(options: DoormanOptions): Doorman {
  const { passwordFile, isLoopback, now = Date.now } = options
  const sessions = new Map<string, Session>()
  const secret = randomBytes(32)
  const throttle = createThrottle()
  const isGuarded = () => hasPassword(passwordFile)
  const find = (cookie: string | undefined): Session | undefined => {
    const session = cookie === undefined ? undefined : sessions.get(cookie)
    if (!session) return undefined
    const isOver = now() - session.seen > IDLE_MS || now() - session.since > LONGEST_MS
    if (isOver && cookie !== undefined) sessions.delete(cookie)
    return isOver ? undefined : session
  }
  const token = (cookie: string | undefined) =>
    createHmac('sha256', secret)
      .update(find(cookie) && cookie ? cookie : 'nobody')
      .digest('base64url')
  return {
    isGuarded,
    token,
    isToken: (given, cookie) => typeof given === 'string' && isSame(given, token(cookie)),
    name: (cookie) => find(cookie)?.name,
    signOut: (cookie) => void (cookie && sessions.delete(cookie)),
    async actor(cookie) {
      const session = find(cookie)
      if (session) session.seen = now()
      return session?.name ?? (isLoopback && !(await isGuarded()) ? NOBODY : undefined)
    },
    async signIn({ name, password, address }) {
      const who = name.trim().slice(0, MAX_NAME)
      if (who === '') return { allowed: false, reason: 'nameless', waitMs: 0 }
      const waitMs = throttle.waitMs(address, now())
      if (waitMs > 0) return { allowed: false, reason: 'throttled', waitMs }
      // Counted before it is known: tries at the same instant must not share one count.
      throttle.failed(address, now())
      const isFree = isLoopback && !(await isGuarded())
      if (!isFree && !(await isPassword(passwordFile, password))) {
        return { allowed: false, reason: 'wrong', waitMs: 0 }
      }
      throttle.succeeded(address)
      const cookie = randomBytes(32).toString('base64url')
      sessions.set(cookie, { name: who, since: now(), seen: now() })
      const [oldest] = sessions.keys()
      if (sessions.size > MAX_SESSIONS && oldest !== undefined) sessions.delete(oldest)
      return { allowed: true, cookie }
    },
  }
}

function isSame(a: string, b: string): boolean {
  const [x, y] = [Buffer.from(a), Buffer.from(b)]
  return x.length === y.length && timingSafeEqual(x, y)
}
