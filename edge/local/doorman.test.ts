/** Sign-in at the gateway: the password file, the throttle, the end of a session. */
import { mkdtemp, readFile, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createDoorman } from './doorman.ts'
import { setQuickPassword } from './password.fixture.ts'
import { hasPassword, isPassword, setPassword } from './password.ts'
import { createThrottle } from './throttle.ts'

const newFile = async () => join(await mkdtemp(join(tmpdir(), 'mimamori-door-')), 'sub', 'password')
const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

describe('the password', () => {
  it('is kept as a hash that only its owner reads, and a new one replaces it', async () => {
    const file = await newFile()
    expect(await hasPassword(file)).toBe(false)
    expect(await isPassword(file, '')).toBe(false)
    await setPassword(file, '471199')
    expect((await stat(file)).mode & 0o777).toBe(0o600)
    expect(await readFile(file, 'utf8')).not.toContain('471199')
    expect(await isPassword(file, '471199')).toBe(true)
    expect(await isPassword(file, '471198')).toBe(false)
    await setPassword(file, 'パスワード1')
    expect(await isPassword(file, '471199')).toBe(false)
    // NFKC: half-width katakana of another keyboard is the same word.
    expect(await isPassword(file, 'ﾊﾟｽﾜｰﾄﾞ1')).toBe(true)
  })

  it('is refused when too short, and a damaged file is no way in', async () => {
    const file = await newFile()
    await expect(setPassword(file, '12345')).rejects.toMatchObject({ code: 'config.invalid' })
    await setPassword(file, '123456')
    await writeFile(file, '$scrypt$ln=40,r=8,p=1$aaaaaaaaaaaaaaaaaaaaaa$aaaaaaaaaaaaaaaaaaaaaa')
    await expect(isPassword(file, '123456')).rejects.toMatchObject({ code: 'pki.unusable' })
    await writeFile(file, '')
    await expect(isPassword(file, '')).rejects.toMatchObject({ code: 'pki.unusable' })
  })
})

describe('the throttle', () => {
  it('makes one address wait ever longer, and forgets after the right password', () => {
    const throttle = createThrottle()
    const fail = (times: number) => {
      for (let i = 0; i < times; i++) throttle.failed('a', 0)
    }
    fail(4)
    expect(throttle.waitMs('a', 0)).toBe(0)
    fail(1)
    expect(throttle.waitMs('a', 0)).toBe(2_000)
    expect(throttle.waitMs('a', 2_000)).toBe(0)
    fail(3)
    expect(throttle.waitMs('a', 0)).toBe(16_000)
    fail(20)
    expect(throttle.waitMs('a', 0)).toBe(15 * MINUTE_MS)
    expect(throttle.waitMs('b', 0)).toBe(0)
    throttle.succeeded('a')
    expect(throttle.waitMs('a', 0)).toBe(0)
  })

  it('bounds what a whole network may try in an hour', () => {
    const throttle = createThrottle()
    for (let i = 0; i < 100; i++) throttle.failed(`10.0.0.${i}`, i)
    expect(throttle.waitMs('10.0.1.1', 1000)).toBe(HOUR_MS - 1000)
    expect(throttle.waitMs('10.0.1.1', HOUR_MS)).toBe(0)
  })
})

describe('a session at the gateway', () => {
  async function openDoor(isLoopback = false) {
    const passwordFile = await newFile()
    await setQuickPassword(passwordFile, '471199')
    const clock = { at: 1_000_000 }
    const doorman = createDoorman({ passwordFile, isLoopback, now: () => clock.at })
    const signIn = (password: string, name = 'Sato') =>
      doorman.signIn({ name, password, address: 'a' })
    return { clock, doorman, signIn }
  }

  it('ends when nobody has acted for half an hour, and after a shift whatever is done', async () => {
    const { clock, doorman, signIn } = await openDoor()
    const first = await signIn('471199')
    const cookie = first.allowed ? first.cookie : ''
    clock.at += 29 * MINUTE_MS
    expect(await doorman.actor(cookie)).toBe('Sato')
    clock.at += 31 * MINUTE_MS
    expect(await doorman.actor(cookie)).toBeUndefined()
    const second = await signIn('471199')
    const next = second.allowed ? second.cookie : ''
    for (let spent = 0; spent < 8 * HOUR_MS; spent += 20 * MINUTE_MS) {
      expect(await doorman.actor(next)).toBe('Sato')
      clock.at += 20 * MINUTE_MS
    }
    clock.at += MINUTE_MS
    expect(await doorman.actor(next)).toBeUndefined()
  })

  it('needs a name and the password, and after five wrong ones even the right one waits', async () => {
    const { clock, signIn } = await openDoor(true)
    expect(await signIn('471199', '  ')).toMatchObject({ reason: 'nameless' })
    for (let i = 0; i < 5; i++) expect(await signIn('wrong')).toMatchObject({ reason: 'wrong' })
    expect(await signIn('471199')).toEqual({ allowed: false, reason: 'throttled', waitMs: 2000 })
    clock.at += 2000
    expect(await signIn('471199')).toMatchObject({ allowed: true })
  })

  it('has a token that fits it alone', async () => {
    const { doorman, signIn } = await openDoor()
    const [a, b] = [await signIn('471199'), await signIn('471199')]
    const cookies = [a, b].map((it) => (it.allowed ? it.cookie : ''))
    expect(doorman.isToken(doorman.token(cookies[0]), cookies[0])).toBe(true)
    expect(doorman.isToken(doorman.token(cookies[0]), cookies[1])).toBe(false)
    expect(doorman.isToken(doorman.token(undefined), cookies[1])).toBe(false)
    expect(doorman.isToken(undefined, undefined)).toBe(false)
  })
})
