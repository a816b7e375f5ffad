/** Who may have a new certificate, tried with real keys, requests and certificates. */
import 'reflect-metadata'
import { X509Certificate } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  Pkcs10CertificateRequestGenerator,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { formatGatewayUrn } from '../../protocol/tunnel/gateway-urn.ts'
import { openAudit } from '../audit/audit.ts'
import { openStore, type Store } from '../store/store.ts'
import { openPki, type Pki } from './pki.ts'
import type { Actor } from './policy.ts'
import { createRenewals, type Renewals } from './renewals.ts'
import { openRevocations, type Revocations } from './revocations.ts'

const DAY_MS = 86_400_000
const name = { site: 'plant', gateway: 'gw1' }
const other = { site: 'plant', gateway: 'gw2' }
const EC = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

const stack: AsyncDisposableStack[] = []
let pki: Pki
let store: Store
let renewals: Renewals
let revocations: Revocations
/** How far the cloud's clock is ahead. */
let aheadMs: number
let auditLines: () => Promise<string[]>

beforeEach(async () => {
  const things = new AsyncDisposableStack()
  stack.push(things)
  const dir = await mkdtemp(join(tmpdir(), 'mimamori-renewals-'))
  things.defer(() => rm(dir, { recursive: true, force: true }))
  store = things.use(await openStore({ file: ':memory:' }))
  for (const { site, gateway: id } of [name, other]) {
    await store.db.insertInto('gateways').values({ site, id, title: id, online: 0 }).execute()
  }
  const audit = await openAudit(store)
  pki = await openPki(dir)
  revocations = await openRevocations({ store, audit, now: () => Date.now() + aheadMs })
  aheadMs = 0
  renewals = createRenewals({
    ...{ pki, store, audit, revocations, now: () => Date.now() + aheadMs },
  })
  auditLines = async () =>
    (await audit.list({ limit: 50 })).reverse().map(({ action, outcome }) => `${action} ${outcome}`)
})
afterEach(async () => await stack.pop()?.disposeAsync())

async function askFor(names: string[], algorithm: typeof EC = EC): Promise<string> {
  const keys = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: 'CN=whatever',
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new SubjectAlternativeNameExtension(names.map((value) => ({ type: 'url' as const, value }))),
    ],
  })
  return request.toString('pem')
}

/** With another second on it than the one before. */
async function enrolled(of = name, ageMs = 0): Promise<X509Certificate> {
  const realNow = Date.now
  try {
    Date.now = () => realNow() - ageMs
    return new X509Certificate((await pki.issueGateway(of)).cert)
  } finally {
    Date.now = realNow
  }
}

const later = (ms: number) => {
  aheadMs += ms
}

test('a gateway gets a certificate for its own key and its own name, for thirty days more, and it is audited', async () => {
  const old = await enrolled()
  await renewals.seen(name, old)
  const offer = await renewals.renew(name, old, await askFor([formatGatewayUrn(name)]))
  if (!('certificate' in offer)) throw new Error(offer.refused)
  const made = new X509Certificate(offer.certificate)
  expect(pki.gatewayOf(made)).toEqual(name)
  expect(pki.isOwn(made)).toBe(true)
  expect(Date.parse(made.validTo) - Date.now()).toBeGreaterThan(29 * DAY_MS)
  expect(await auditLines()).toEqual([
    'gateway.use-certificate done',
    'gateway.renew-certificate done',
  ])
})

test('a request for another gateway, another site, two names, none, or with a weak key is refused in words', async () => {
  const own = await enrolled()
  const p384 = { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' }
  for (const request of [
    await askFor([formatGatewayUrn(other)]),
    await askFor([formatGatewayUrn({ site: 'shop', gateway: 'gw1' })]),
    await askFor([formatGatewayUrn(name), formatGatewayUrn(other)]),
    await askFor([]),
    await askFor([formatGatewayUrn(name)], p384),
    'rubbish',
  ]) {
    later(DAY_MS / 10)
    expect(await renewals.renew(name, own, request)).toMatchObject({
      refused: expect.stringContaining('another name'),
    })
  }
  expect(renewals.problemOf(name)).toBe('request')
  expect(renewals.problemOf(other)).toBeUndefined()
  expect(new Set(await auditLines())).toEqual(new Set(['gateway.renew-certificate denied']))
})

test('a request whose signature is not by its own key is refused', async () => {
  const good = Buffer.from(
    (await askFor([formatGatewayUrn(name)])).replace(/-----.*-----|\n/g, ''),
    'base64',
  )
  good[good.length - 1] = (good.at(-1) ?? 0) ^ 1
  const pem = `-----BEGIN CERTIFICATE REQUEST-----\n${good.toString('base64')}\n-----END CERTIFICATE REQUEST-----`
  expect(await renewals.renew(name, await enrolled(), pem)).toHaveProperty('refused')
})

test('a gateway taken out of the fleet gets nothing', async () => {
  const own = await enrolled()
  await store.db.deleteFrom('gateways').where('id', '=', name.gateway).execute()
  expect(await renewals.renew(name, own, await askFor([formatGatewayUrn(name)]))).toMatchObject({
    refused: expect.stringContaining('not in the fleet'),
  })
})

test('one that is revoked while its request is being signed gets nothing: what was made would be newer than the revocation', async () => {
  const admin: Actor = { id: 'per_a', login: 'ada', name: 'Ada', role: 'admin', sites: ['*'] }
  const slowPki: Pki = {
    ...pki,
    async signRequest(of, request) {
      await revocations.revoke(admin, of, 'stolen')
      return await pki.signRequest(of, request)
    },
  }
  const audit = await openAudit(store)
  const racing = createRenewals({ pki: slowPki, store, audit, revocations })
  const offer = await racing.renew(name, await enrolled(), await askFor([formatGatewayUrn(name)]))
  expect(offer).toMatchObject({ refused: expect.stringContaining('revoked') })
  expect(racing.problemOf(name)).toBe('revoked')
  expect((await auditLines()).sort()).toEqual([
    'gateway.renew-certificate denied',
    'gateway.revoke done',
  ])
})

test('once a newer certificate was in use its predecessor is renewed no more: two machines with one identity are told', async () => {
  const [old, young] = [await enrolled(name, 60_000), await enrolled()]
  await renewals.seen(name, old)
  await renewals.seen(name, young)
  // An old one that comes in later changes nothing.
  await renewals.seen(name, old)
  const request = await askFor([formatGatewayUrn(name)])
  expect(await renewals.renew(name, old, request)).toMatchObject({
    refused: expect.stringContaining('another machine'),
  })
  later(DAY_MS / 10)
  expect(await renewals.renew(name, young, request)).toHaveProperty('certificate')
})

test('of two connections at once the newer certificate counts, whichever is noted last', async () => {
  const [old, young] = [await enrolled(name, 60_000), await enrolled()]
  await Promise.all([renewals.seen(name, young), renewals.seen(name, old)])
  const request = await askFor([formatGatewayUrn(name)])
  expect(await renewals.renew(name, old, request)).toMatchObject({
    refused: expect.stringContaining('another machine'),
  })
})

test('two that ask at the same time with one identity do not both get a certificate', async () => {
  const own = await enrolled()
  const requests = [await askFor([formatGatewayUrn(name)]), await askFor([formatGatewayUrn(name)])]
  const offers = await Promise.all(requests.map((one) => renewals.renew(name, own, one)))
  expect(offers.filter((offer) => 'certificate' in offer)).toHaveLength(1)
  expect(offers[1]).toEqual({ refused: 'it asks too often' })
})

test('asking again at once is refused and leaves no line', async () => {
  const own = await enrolled()
  const request = await askFor([formatGatewayUrn(name)])
  await renewals.renew(name, own, request)
  expect(await renewals.renew(name, own, request)).toEqual({ refused: 'it asks too often' })
  expect(await auditLines()).toHaveLength(1)
})

test('a certificate that ended may come in for sixty days, if it is ours, the newest, and its gateway still there', async () => {
  const own = await enrolled()
  await renewals.seen(name, own)
  later(89 * DAY_MS)
  expect(await renewals.identifyExpired(own)).toEqual(name)
  later(2 * DAY_MS)
  expect(await renewals.identifyExpired(own)).toBeUndefined()
  later(-2 * DAY_MS)
  await renewals.seen(name, await enrolled(name, -60_000))
  expect(await renewals.identifyExpired(own)).toBeUndefined()
})

test('one that has ended and only says that our authority signed it may not come in', async () => {
  const forged = new X509Certificate(await forge())
  expect(forged.checkIssued(new X509Certificate(pki.ca))).toBe(true)
  expect(await renewals.identifyExpired(forged)).toBeUndefined()
})

/** Another CA that calls itself ours, and a gateway's name in it. */
async function forge(): Promise<string> {
  const keys = await crypto.subtle.generateKey(EC, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.create({
    serialNumber: '01',
    subject: 'CN=gw2',
    issuer: new X509Certificate(pki.ca).subject,
    notBefore: new Date(Date.now() - 40 * DAY_MS),
    notAfter: new Date(Date.now() - DAY_MS),
    publicKey: keys.publicKey,
    signingKey: keys.privateKey,
    signingAlgorithm: EC,
    extensions: [
      new SubjectAlternativeNameExtension([{ type: 'url', value: formatGatewayUrn(other) }]),
    ],
  })
  return certificate.toString('pem')
}
