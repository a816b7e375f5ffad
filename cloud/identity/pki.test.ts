/** The development CA and the grant key, tried with real TLS handshakes and files. */
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer, type TLSSocket } from 'node:tls'
import { compactVerify, importJWK } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { GRANT_TYPE, type GrantClaims } from '../../protocol/grant.ts'
import { openPki, type Pki } from './pki.ts'

let dir: string
let pki: Pki
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mimamori-pki-'))
  pki = await openPki(join(dir, 'one'))
})
afterAll(async () => await rm(dir, { recursive: true, force: true }))

/** One mTLS handshake; what the server saw of the client, or the error of either side. */
async function handshake(
  server: { key: string; cert: string; ca: string },
  client: { key?: string; cert?: string; ca: string },
): Promise<{ raw: Buffer } | string> {
  const listener = createServer({
    ...server,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as { port: number }
  const seen = Promise.race([
    once(listener, 'secureConnection').then(
      ([socket]) => (socket as TLSSocket).getPeerX509Certificate()!,
    ),
    once(listener, 'tlsClientError').then(([error]) => String((error as Error).message)),
  ])
  const socket = connect({ ...client, host: '127.0.0.1', port })
  socket.on('error', () => {})
  const result = await seen
  socket.destroy()
  listener.close()
  return result
}

test('a gateway proves with its certificate which gateway of which site it is', async () => {
  const server = await pki.serverCredentials()
  const gateway = await pki.issueGateway({ site: 'plant:1', gateway: 'gw/東' })
  const seen = await handshake(server, gateway)
  expect(typeof seen).toBe('object')
  expect(pki.gatewayOf(seen as { raw: Buffer })).toEqual({ site: 'plant:1', gateway: 'gw/東' })
  const x509 = new X509Certificate((seen as { raw: Buffer }).raw)
  expect(gateway.fingerprint).toBe(x509.fingerprint256.replaceAll(':', '').toLowerCase())
})

test('a server accepts no client of another installation, nor one without a certificate', async () => {
  const other = await openPki(join(dir, 'two'))
  const server = await pki.serverCredentials()
  const stranger = await other.issueGateway({ site: 'plant', gateway: 'gw1' })
  expect(typeof (await handshake(server, { ...stranger, ca: server.ca }))).toBe('string')
  expect(typeof (await handshake(server, { ca: server.ca }))).toBe('string')
})

test("a server's certificate is no gateway's and opens no client connection", async () => {
  const server = await pki.serverCredentials()
  expect(pki.gatewayOf(new X509Certificate(server.cert))).toBeUndefined()
  expect(typeof (await handshake(server, server))).toBe('string')
})

test('a certificate that is garbage names nobody', () => {
  expect(pki.gatewayOf({ raw: Buffer.from('not a certificate') })).toBeUndefined()
})

test('the server certificate covers the local names and the extra ones', async () => {
  const x509 = new X509Certificate(
    (await pki.serverCredentials(['cloud.example.com', '10.1.2.3'])).cert,
  )
  expect(x509.checkHost('localhost')).toBeTruthy()
  expect(x509.checkHost('cloud.example.com')).toBeTruthy()
  for (const ip of ['127.0.0.1', '::1', '10.1.2.3']) expect(x509.checkIP(ip)).toBeTruthy()
})

test('a second start goes on with the same CA and grant key; another folder has its own', async () => {
  const again = await openPki(join(dir, 'one'))
  expect(again.ca).toBe(pki.ca)
  expect(again.grantSigner().publicKey).toEqual(pki.grantSigner().publicKey)
  const other = await openPki(join(dir, 'three'))
  expect(other.ca).not.toBe(pki.ca)
  expect(other.grantSigner().publicKey.x).not.toBe(pki.grantSigner().publicKey.x)
  const server = await again.serverCredentials()
  const gateway = await pki.issueGateway({ site: 'plant', gateway: 'gw1' })
  expect(typeof (await handshake(server, gateway))).toBe('object')
})

test('nobody but the owner may read the files', async () => {
  for (const name of await readdir(join(dir, 'one'))) {
    expect((await stat(join(dir, 'one', name))).mode & 0o777).toBe(0o600)
  }
})

test('a damaged key file is a fault in words, not a new CA', async () => {
  const broken = join(dir, 'broken')
  await openPki(broken)
  await writeFile(join(broken, 'ca.key.pem'), 'rubbish')
  await expect(openPki(broken)).rejects.toMatchObject({ code: 'pki.unusable' })
})

test('a grant verifies with the pinned public key, which holds no secret', async () => {
  const signer = pki.grantSigner()
  expect(signer.publicKey).not.toHaveProperty('d')
  const token = await signer.sign({ jti: 'gnt_1' } as GrantClaims)
  const { grantKey } = await pki.issueGateway({ site: 'plant', gateway: 'gw1' })
  const { protectedHeader } = await compactVerify(token, await importJWK(grantKey, 'EdDSA'))
  expect(protectedHeader).toMatchObject({ alg: 'EdDSA', typ: GRANT_TYPE })
})
