/** Two certificates on one disk: whatever happens in between, there is always a whole one to show. */
import 'reflect-metadata'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Disk, disk, type Pair } from './pair-file.ts'
import { openWallet, type Wallet } from './wallet.ts'

const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const URN = 'urn:mimamori:gateway:plant:gw1'
const MINUTE_MS = 60_000

type Issue = (options?: { at?: number; urn?: string; lifeMs?: number }) => Promise<Pair>
let issue: Issue
let foreign: Issue
let ca: string
let dir: string

beforeAll(async () => {
  const ours = await createAuthority()
  ;({ issue, ca } = ours)
  foreign = (await createAuthority()).issue
})
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'wallet-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

/** All with the same name: only the key tells two of them apart. */
async function createAuthority(): Promise<{ issue: Issue; ca: string }> {
  const keys = await crypto.subtle.generateKey(EC, true, ['sign', 'verify'])
  const root = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=CA',
    keys,
    signingAlgorithm: EC,
  })
  return {
    ca: root.toString('pem'),
    async issue({ at = 0, urn = URN, lifeMs = 10 * MINUTE_MS } = {}) {
      const own = await crypto.subtle.generateKey(EC, true, ['sign', 'verify'])
      const from = Date.now() + at * MINUTE_MS
      const certificate = await X509CertificateGenerator.create({
        ...{ subject: 'CN=gw1', issuer: root.subject, signingAlgorithm: EC },
        ...{ notBefore: new Date(from), notAfter: new Date(from + lifeMs) },
        ...{ publicKey: own.publicKey, signingKey: keys.privateKey },
        extensions: [new SubjectAlternativeNameExtension([{ type: 'url', value: urn }])],
      })
      const raw = await crypto.subtle.exportKey('pkcs8', own.privateKey)
      return {
        key: `${PemConverter.encode(raw, 'PRIVATE KEY')}\n`,
        cert: `${certificate.toString('pem')}\n`,
      }
    },
  }
}

async function enrol(pair: Pair): Promise<void> {
  const folder = join(dir, 'enrolled')
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'key.pem'), pair.key)
  await writeFile(join(folder, 'cert.pem'), pair.cert)
  await writeFile(join(folder, 'ca.pem'), ca)
  await writeFile(join(folder, 'grant-key.json'), '{}')
}

const own = () => join(dir, 'own')
const open = (on?: Disk) =>
  openWallet({
    enrolledDir: join(dir, 'enrolled'),
    ownDir: own(),
    doors: ['tunnel', 'broker'],
    disk: on,
  })

/** Fails at its n-th step; a write that fails has put half of its bytes there. */
function dyingDisk(dieAt: number): Disk {
  let step = 0
  const live = () => {
    if (++step === dieAt) throw new Error('power cut')
  }
  return {
    async write(file, text) {
      const half = dieAt === step + 1
      if (half) writeFileSync(file, text.slice(0, text.length / 2))
      live()
      await disk.write(file, text)
    },
    async rename(from, to) {
      live()
      await disk.rename(from, to)
    },
    async syncFolder(folder) {
      live()
      await disk.syncFolder(folder)
    },
  }
}

async function renew(wallet: Wallet, pair: Pair): Promise<void> {
  expect(await wallet.stage(pair)).toBeUndefined()
  wallet.judged('tunnel', pair, true)
  wallet.judged('broker', pair, true)
  await wallet.promote()
}

test('a power cut at any step leaves the old pair or the new one, each whole and with its own key', async () => {
  const [old, fresh] = [await issue(), await issue({ at: 1 })]
  await enrol(old)
  const seen: string[] = []
  for (let dieAt = 1; dieAt < 10; dieAt++) {
    rmSync(own(), { recursive: true, force: true })
    const died = await renew(await open(dyingDisk(dieAt)), fresh).then(
      () => false,
      () => true,
    )
    const after = await open()
    const shown = after.newest()
    expect([old, fresh]).toContainEqual(shown)
    // Whatever was begun can be done again.
    await renew(after, await issue({ at: 2 }))
    seen.push(shown.cert === fresh.cert ? 'new' : 'old')
    if (!died) break
  }
  // Write, rename, folder; then rename, folder.
  expect(seen).toEqual(['old', 'old', 'new', 'new', 'new', 'new'])
})

test('until the new one has opened both doors a refusal brings the old one back, and a restart knows both', async () => {
  const [old, fresh] = [await issue(), await issue({ at: 1 })]
  await enrol(old)
  const wallet = await open()
  await wallet.stage(fresh)
  for (const opened of [wallet, await open()]) {
    expect(opened.use('tunnel')).toEqual(fresh)
    opened.judged('tunnel', fresh, false)
    expect(opened.use('tunnel')).toEqual(old)
    opened.judged('tunnel', old, true)
    expect(opened.use('tunnel')).toEqual(old)
    expect(opened.isProven('tunnel')).toBe(false)
    // The other door goes its own way.
    expect(opened.use('broker')).toEqual(fresh)
    opened.judged('broker', fresh, true)
    expect(opened.isProven('broker')).toBe(true)
  }
})

test('a door that took the old one is shown the new one again when it is proven anew, or it would stay unproven for ever', async () => {
  const [old, fresh] = [await issue(), await issue({ at: 1 })]
  await enrol(old)
  const wallet = await open()
  await wallet.stage(fresh)
  // The broker is away for a moment, and back when it is the old one's turn.
  wallet.judged('broker', wallet.use('broker'), false)
  expect(wallet.use('broker')).toEqual(old)
  wallet.judged('broker', old, true)
  wallet.preferNewest('broker')
  expect(wallet.use('broker')).toEqual(fresh)
})

test('in force it is the only one, whatever a line that is down makes us try', async () => {
  const [old, fresh] = [await issue(), await issue({ at: 1 })]
  await enrol(old)
  const wallet = await open()
  await renew(wallet, fresh)
  for (const opened of [wallet, await open()]) {
    for (const _ of [1, 2, 3]) {
      expect(opened.use('tunnel')).toEqual(fresh)
      opened.judged('tunnel', fresh, false)
    }
    expect(opened.hasNew()).toBe(false)
  }
  expect(readdirSync(own())).toEqual(['current.pem'])
})

test('a gateway that was enrolled anew shows that, not what it renewed before', async () => {
  await enrol(await issue())
  await renew(await open(), await issue({ at: 1 }))
  await (await open()).stage(await issue({ at: 2 }))
  const anew = await issue({ at: 3 })
  await enrol(anew)
  const wallet = await open()
  expect(wallet.newest()).toEqual(anew)
  expect(wallet.hasNew()).toBe(false)
})

test('what is not ours is neither kept nor read: another name, key or authority, an older one, garbage', async () => {
  await enrol(await issue())
  const wallet = await open()
  const good = await issue({ at: 1 })
  const wrong: [Pair, string][] = [
    [await issue({ at: 1, urn: 'urn:mimamori:gateway:plant:gw2' }), 'another gateway'],
    [{ ...good, key: (await issue()).key }, 'not for our key'],
    [await foreign({ at: 1 }), 'authority'],
    [await issue({ at: -1 }), 'no newer'],
    [{ ...good, cert: 'rubbish' }, 'cannot be read'],
  ]
  for (const [pair, why] of wrong) {
    expect(await wallet.stage(pair)).toContain(why)
    expect(wallet.hasNew()).toBe(false)
  }
  await wallet.stage(good)
  const file = join(own(), 'next.pem')
  expect((await open()).hasNew()).toBe(true)
  writeFileSync(file, readFileSync(file, 'utf8').replace(good.key, (await issue()).key))
  expect((await open()).hasNew()).toBe(false)
})

test('with an enrolled certificate that cannot be read the gateway runs, and renews nothing', async () => {
  await enrol({ key: 'rubbish', cert: 'rubbish' })
  const wallet = await open()
  expect(wallet.lifeOf(wallet.newest())).toBeUndefined()
  expect(await wallet.stage(await issue())).toContain('enrol this gateway anew')
})

test('a disk that refuses only the last step of the change leaves the new one in force, also without a restart', async () => {
  const [old, fresh] = [await issue(), await issue({ at: 1 })]
  await enrol(old)
  // Write, rename, folder; rename; then the folder.
  const wallet = await open(dyingDisk(5))
  await expect(renew(wallet, fresh)).rejects.toThrow('power cut')
  expect(wallet.newest()).toEqual(fresh)
  expect(wallet.hasNew()).toBe(false)
  await wallet.promote()
  expect((await open()).newest()).toEqual(fresh)
  // Life goes on: the next renewal finds nothing in its way.
  const next = await issue({ at: 2 })
  await renew(wallet, next)
  expect((await open()).newest()).toEqual(next)
})
