/** Policies, users and the address we keep to, against servers that offer them. */
import { copyFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { OPCUACertificateManager } from 'node-opcua-certificate-manager'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { quality } from '../../../protocol/model.ts'
import type { OpcuaServer } from '../../../simulators/kit/opcua-server.ts'
import { openRelay } from '../conformance-relay.ts'
import { createTag, faultOf, never, openScene, type Scene } from './scene.fixture.ts'

const pressure = createTag('Pressure')
let scene: Scene
let server: OpcuaServer

beforeAll(async () => {
  scene = await openScene()
  server = await scene.openServer({
    users: { plc: 'right' },
    policies: [
      'Basic256Sha256',
      'Aes128_Sha256_RsaOaep',
      'Aes256_Sha256_RsaPss',
      'Basic256',
      'Basic128Rsa15',
    ],
  })
})
afterAll(() => scene?.[Symbol.asyncDispose]())

async function readWith(options: Record<string, unknown>) {
  await using connection = await scene.createDriver(server.port, options).connect(never())
  return await connection.read([pressure], never())
}

const user = { name: 'plc', password: 'right' }

for (const security of [
  'None',
  'Basic256Sha256',
  'Aes128_Sha256_RsaOaep',
  'Aes256_Sha256_RsaPss',
]) {
  test(`${security} reads as a user with a password`, async () => {
    expect(await readWith({ security, user })).toMatchObject([{ quality: quality.good }])
  })
}

for (const security of ['Basic256', 'Basic128Rsa15']) {
  test(`${security} is deprecated: only by the device's own flag`, async () => {
    const fault = await faultOf(readWith({ security, user }))
    expect(fault.code).toBe('opcua.deprecated')
    expect(fault.message).toContain('allowDeprecated')
    const options = { security, user, allowDeprecated: true }
    expect(await readWith(options)).toMatchObject([{ quality: quality.good }])
  })
}

test('a user signs in by certificate; a wrong password, nobody, and unreadable files are refused', async () => {
  const pki = new OPCUACertificateManager({ rootFolder: join(scene.folder, 'person') })
  await pki.initialize()
  const file = join(scene.folder, 'person.pem')
  await pki.createSelfSignedCertificate({
    applicationUri: 'urn:test:person',
    dns: [],
    outputFile: file,
    subject: '/CN=Person',
    startDate: new Date(),
    validity: 30,
  })
  const keyFile = join(scene.folder, 'person.key')
  await copyFile(pki.privateKey, keyFile)
  await pki.dispose()
  const userCertificate = { file, keyFile }
  expect(await readWith({ userCertificate })).toMatchObject([{ quality: quality.good }])
  const refused = { code: 'driver.refused' }
  expect(await faultOf(readWith({ user: { name: 'plc', password: 'wrong' } }))).toMatchObject(
    refused,
  )
  expect(await faultOf(readWith({}))).toMatchObject(refused)
  await writeFile(keyFile, 'no key')
  expect(await faultOf(readWith({ userCertificate }))).toMatchObject(refused)
})

test('the address the server announces is not followed: we stay with the one configured', async () => {
  // The server announces its own port; we were told the relay's.
  await using relay = await openRelay(server.port)
  await using connection = await scene.createDriver(relay.port, { user }).connect(never())
  await connection.read([pressure], never())
  expect(relay.open()).toBe(1)
  await relay.cut()
  const fault = await faultOf(connection.read([pressure], never()))
  expect(fault.code).toBe('driver.disconnected')
})
