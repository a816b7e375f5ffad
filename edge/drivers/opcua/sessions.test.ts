/** One session at a time: after broken lines, restarts of the server and certificates that change. */
import { X509Certificate } from 'node:crypto'
import { copyFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { OPCUACertificateManager } from 'node-opcua-certificate-manager'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { quality, type Sample, type Tag } from '../../../protocol/model.ts'
import type { OpcuaServer } from '../../../simulators/kit/opcua-server.ts'
import type { DeviceParts } from '../../../simulators/kit/opcua-variables.ts'
import { createLinkCounters } from '../../acquisition/counters.ts'
import { runLink } from '../../acquisition/link.ts'
import { until } from '../conformance.ts'
import { openRelay } from '../conformance-relay.ts'
import type { Driver } from '../driver.ts'
import { createTag, faultOf, NAMESPACE, never, openScene, type Scene } from './scene.fixture.ts'

const pressure = createTag('Pressure')
let scene: Scene

beforeAll(async () => {
  scene = await openScene()
})
afterAll(() => scene?.[Symbol.asyncDispose]())

/** The gateway's own loop over one subscribed group; what it emits, as it comes. */
function startLink(driver: Driver, tags: readonly Tag[]) {
  const stop = new AbortController()
  const samples: Sample[] = []
  const done = runLink(
    {
      device: 'press',
      driver,
      groups: [
        { name: 'g', intervalMs: 1000, mode: 'subscribe', tags: tags.map((tag) => ({ tag })) },
      ],
      emit: (_device, more) => void samples.push(...more),
      onState() {},
      counters: createLinkCounters(),
      backoff: { minMs: 50, maxMs: 200 },
    },
    stop.signal,
  )
  const last = (tag: Tag) => samples.findLast((it) => it.tag === tag.id)
  return {
    samples,
    last,
    has: (tag: Tag, value: unknown) => last(tag)?.value === value,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await done
    },
  }
}

describe('a server that allows one session', () => {
  let server: OpcuaServer
  beforeAll(async () => {
    server = await scene.openServer({ folder: join(scene.folder, 'single'), maxSessions: 1 })
  })
  afterAll(() => server?.[Symbol.asyncDispose]())

  test('F13: a half-open break leaves a session there; it is taken over and closed before the next is opened', async () => {
    await using relay = await openRelay(server.port)
    const driver = scene.createDriver(relay.port)
    const first = await driver.connect(never())
    await first.read([pressure], never())
    relay.hold()
    await first[Symbol.asyncDispose]()
    await relay.cut()
    expect(server.sessions()).toBe(1)
    relay.release()
    await relay.restore()
    await using second = await driver.connect(never())
    expect(await second.read([pressure], never())).toMatchObject([{ quality: quality.good }])
    expect(server.sessions()).toBe(1)
  })

  test('F13: a line cut in the middle of a subscription does not lock us out', async () => {
    await using relay = await openRelay(server.port)
    await using link = startLink(scene.createDriver(relay.port), [pressure])
    for (let turn = 0; turn < 2; turn++) {
      server.set('Pressure', 10 + turn)
      await until(() => link.has(pressure, 10 + turn), 'the value before the cut')
      await relay.cut()
      await relay.restore()
      server.set('Pressure', 20 + turn)
      await until(() => link.has(pressure, 20 + turn), 'the value after the cut')
      expect(server.sessions()).toBe(1)
    }
  })

  test('F12: notifications of a session that survived three dead seconds go on', async () => {
    await using relay = await openRelay(server.port)
    const options = { keepAliveMs: 200, silenceMs: 20_000, timeoutMs: 10_000 }
    await using link = startLink(scene.createDriver(relay.port, options), [pressure])
    server.set('Pressure', 30)
    await until(() => link.has(pressure, 30), 'the value before the break')
    relay.hold()
    await new Promise((resolve) => setTimeout(resolve, 3000))
    server.set('Pressure', 31)
    relay.release()
    await until(() => link.has(pressure, 31), 'the value of the break')
    server.set('Pressure', 32)
    await until(() => link.has(pressure, 32), 'the next value')
    expect(link.samples.every((it) => it.quality === quality.good)).toBe(true)
  })
})

test('F13: restarted five times with its namespaces in another order and a node gone, the others resume and that one is retried', async () => {
  const folder = join(scene.folder, 'restarted')
  const count = { name: 'Count', type: 'Int32', initial: 0 } as const
  const spare = { name: 'Spare', type: 'Int32', initial: 7 } as const
  const tags = [createTag('Count', 'Int32'), createTag('Spare', 'Int32')]
  const [counted, spared] = tags as [Tag, Tag]
  const walked = createTag('Walked', 'Int32', { browsePath: '/Objects/press:Press/press:Count' })
  let parts: DeviceParts | undefined
  let server = await scene.openServer({ folder, maxSessions: 1, variables: [count, spare] })
  const { port } = server
  const options = { namespaces: { press: NAMESPACE }, security: 'None' }
  await using link = startLink(scene.createDriver(port, options), [...tags, walked])
  for (let turn = 1; turn <= 5; turn++) {
    server.set('Count', turn)
    await until(() => link.has(counted, turn) && link.has(walked, turn), `value ${turn}`)
    expect(server.sessions()).toBe(1)
    await server[Symbol.asyncDispose]()
    const earlierNamespaces = Array.from({ length: turn }, (_, i) => `urn:other:${i}`)
    const isGone = turn === 3
    server = await scene.openServer({
      folder,
      port,
      maxSessions: 1,
      variables: isGone ? [count] : [count, spare],
      earlierNamespaces,
      extend: (it) => {
        parts = it
      },
    })
    expect(server.namespaceIndex).toBe(2 + turn)
    if (!isGone) continue
    await until(() => link.last(spared)?.status === 0x80340000, 'the status of the absent node')
    server.set('Count', 1000)
    await until(() => link.has(counted, 1000), 'a change beside the absent node')
    const place = { componentOf: parts?.object, nodeId: 's=Press.Spare', browseName: 'Spare' }
    const value = { dataType: 'Int32', value: 8 }
    parts?.namespace.addVariable({ ...place, dataType: 'Int32', value })
    await until(() => link.has(spared, 8), 'the node that came back')
  }
  server.set('Count', 99)
  await until(() => link.has(counted, 99) && link.has(spared, 7), 'the values after the last')
})

test('F14: a renewed server certificate stops the device with its thumbprint, and listing it is enough', async () => {
  const old = await scene.openServer({ folder: join(scene.folder, 'old-certificate') })
  const { port, certificateFile: oldFile } = old
  await using _ = await scene.createDriver(port, {}, 'renewed').connect(never())
  await old[Symbol.asyncDispose]()
  const renewed = await scene.openServer({ port, folder: join(scene.folder, 'new-certificate') })
  const strict = scene.createDriver(port, { trust: [oldFile] }, 'renewed')
  const fault = await faultOf(strict.connect(never()))
  expect(fault.code).toBe('opcua.untrusted')
  const shown = new X509Certificate(await readFile(renewed.certificateFile))
  expect(fault.detail.thumbprint).toBe(shown.fingerprint.replaceAll(':', '').toLowerCase())
  const listed = join(scene.folder, 'renewed.pem')
  await copyFile(String(fault.detail.file), listed)
  await using connection = await scene
    .createDriver(port, { trust: [oldFile, listed] }, 'renewed')
    .connect(never())
  expect(await connection.read([pressure], never())).toMatchObject([{ quality: quality.good }])
})

test('our own certificate is made anew before it ends, with the same key, and that is told', async () => {
  await using server = await scene.openServer({ folder: join(scene.folder, 'any-client') })
  const own = join(scene.folder, 'gateway', 'ageing', 'opcua')
  const file = join(own, 'own', 'certs', 'client_certificate.pem')
  const connect = async () => {
    await using _ = await scene.createDriver(server.port, {}, 'ageing').connect(never())
    return new X509Certificate(await readFile(file))
  }
  const fresh = await connect()
  const pki = new OPCUACertificateManager({ rootFolder: own })
  await pki.initialize()
  const age = async (validity: number) => {
    const startDate = new Date(Date.now() - 86_400_000)
    const subject = '/CN=Mimamori'
    const applicationUri = 'urn:mimamori:gateway:ageing'
    await pki.createSelfSignedCertificate({
      applicationUri,
      dns: [],
      outputFile: file,
      subject,
      startDate,
      validity,
    })
  }
  await age(40)
  const warned = await connect()
  expect(warned.validToDate.getTime()).toBeLessThan(fresh.validToDate.getTime())
  expect(scene.said.at(-1)).toMatch(/plan to trust a new one/)
  await age(5)
  const renewed = await connect()
  await pki.dispose()
  expect(renewed.validToDate.getTime()).toBeGreaterThan(warned.validToDate.getTime())
  expect(renewed.publicKey.equals(fresh.publicKey)).toBe(true)
  expect(scene.said.at(-1)).toMatch(/made anew/)
})
