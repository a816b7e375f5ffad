/** A certificate nobody knows: shown, listed, trusted or refused by a person, on record. */
import { createHash, randomBytes, X509Certificate } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { quality } from '../../../protocol/model.ts'
import type { OpcuaServer } from '../../../simulators/kit/opcua-server.ts'
import { judgeCertificate, sayCertificates } from '../../local-commands.ts'
import { createDriver } from './opcua.ts'
import { createTag, faultOf, fillOptions, never, openScene, type Scene } from './scene.fixture.ts'
import { acceptedFiles, decideTrust, keepShown, listShown } from './trust-store.ts'

let scene: Scene
let server: OpcuaServer
let config: string
let stateDir: string

beforeAll(async () => {
  scene = await openScene()
  server = await scene.openServer()
  config = join(scene.folder, 'gateway.yaml')
  stateDir = join(scene.folder, 'data', 'devices', 'press')
  await writeFile(
    config,
    `site: s
gateway: g
dataDir: ./data
cloud: { mqttUrl: mqtt://127.0.0.1:1, tunnelHost: 127.0.0.1, tunnelPort: 1, credentials: ./c }
devices:
  - id: other
    driver: escpos
    host: 127.0.0.1
    groups: [{ name: all, intervalMs: 1000, tags: [{ name: Cover, type: Boolean, field: coverOpen }] }]
`,
  )
})
afterAll(() => scene?.[Symbol.asyncDispose]())

async function read() {
  const driver = createDriver(fillOptions(server.port), { device: 'press', stateDir })
  await using connection = await driver.connect(never())
  return await connection.read([createTag('Pressure')], never())
}

test('refused at first, accepted by its fingerprint, refused again when a person says so', async () => {
  expect(await sayCertificates(config)).toBe('no server has shown an unknown certificate')
  const fault = await faultOf(read())
  expect(fault.code).toBe('opcua.untrusted')
  expect(fault.message).toContain('mimamori edge trust')
  await faultOf(read())
  const { raw } = new X509Certificate(await readFile(server.certificateFile))
  const sha256 = createHash('sha256').update(raw).digest('hex')
  const said = await sayCertificates(config)
  expect(said).toMatch(/^press: waiting since /)
  expect(said.match(/SHA-256/g)).toHaveLength(1)
  expect(said).toContain(sha256)

  const judge = (print: string, verdict: 'accepted' | 'refused') =>
    judgeCertificate(config, { device: 'press', print, verdict })
  await expect(judge(sha256.slice(0, 6), 'accepted')).rejects.toMatchObject({
    code: 'config.invalid',
  })
  await expect(judge('0000000000', 'accepted')).rejects.toMatchObject({ code: 'config.invalid' })
  const printed = (sha256.slice(0, 12).toUpperCase().match(/../g) ?? []).join(':')
  await judge(printed, 'accepted')
  expect(await read()).toMatchObject([{ quality: quality.good, value: 1.5 }])

  await judge(sha256, 'refused')
  expect((await faultOf(read())).code).toBe('opcua.untrusted')
  expect((await listShown(stateDir)).map(({ state }) => state)).toEqual(['refused'])
  const kept = await readFile(join(scene.folder, 'data', 'local-audit.ndjson'), 'utf8')
  expect(
    kept
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).act),
  ).toEqual(['trust-certificate', 'refuse-certificate'])
})

test('a server that shows a new certificate each time fills no disk, and nothing else can be decided on', async () => {
  const dir = join(scene.folder, 'hostile')
  const { raw } = new X509Certificate(await readFile(server.certificateFile))
  for (let i = 0; i < 30; i++) {
    // Its signature is the last part: another one is another certificate, if no valid one.
    const other = Buffer.from(raw)
    randomBytes(16).copy(other, other.length - 16)
    await keepShown(dir, other)
  }
  expect(await readdir(join(dir, 'opcua', 'shown', 'waiting'))).toHaveLength(20)
  expect(await decideTrust(dir, '../../../secrets', 'accepted')).toBe(false)
  expect(await acceptedFiles(dir)).toEqual([])
})
