/** Whoever trusts a machine on the page stands before it and waits: the gateway tries it again at once. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadGatewayConfig } from './config.ts'
import { credentialFiles } from './credentials.ts'
import { NAMESPACE, openScene } from './drivers/opcua/scene.fixture.ts'
import type { GatewayStatus } from './local/plant.ts'
import { judgeCertificate } from './local-commands.ts'
import { openGateway } from './main.ts'

process.env.MIMAMORI_LOG ??= 'silent'

/** A gateway whose one machine shows a certificate that nobody trusts yet, and how that machine is. */
async function openScenery(stack: AsyncDisposableStack) {
  const scene = stack.use(await openScene())
  const server = await scene.openServer()
  const dir = join(scene.folder, 'gateway')
  await mkdir(join(dir, 'c'), { recursive: true })
  for (const name of Object.values(credentialFiles)) await writeFile(join(dir, 'c', name), '')
  const key = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }
  await writeFile(join(dir, 'c', credentialFiles.grantKey), JSON.stringify(key))
  const tag = { name: 'Pressure', type: 'Double', nodeId: `nsu=${NAMESPACE};s=Press.Pressure` }
  const config = {
    ...{ site: 'plant', gateway: 'gw1', dataDir: 'data', local: { port: 0 } },
    cloud: {
      ...{ mqttUrl: 'mqtt://127.0.0.1:1', tunnelHost: '127.0.0.1', tunnelPort: 1 },
      credentials: 'c',
    },
    devices: [
      {
        ...{ id: 'press', driver: 'opcua', endpoint: `opc.tcp://127.0.0.1:${server.port}` },
        groups: [{ name: 'all', intervalMs: 100, tags: [tag] }],
      },
    ],
  }
  const file = join(dir, 'gateway.yaml')
  await writeFile(file, JSON.stringify(config))
  const gateway = stack.use(await openGateway(await loadGatewayConfig(file)))
  const base = `http://127.0.0.1:${gateway.localPort}`
  const press = async () => {
    const status = (await (await fetch(`${base}/status`)).json()) as GatewayStatus
    return status.devices[0]
  }
  await expect
    .poll(async () => (await press())?.sentence, { timeout: 45_000 })
    .toContain('not trusted')
  return { base, file, press }
}

test('a certificate accepted on the page is used in the next moment, not after the wait of half a minute and more', async () => {
  await using stack = new AsyncDisposableStack()
  const { base, press } = await openScenery(stack)
  const page = await (await fetch(`${base}/certificates`)).text()
  const sha256 = /name="sha256" value="([0-9a-f]{64})"/.exec(page)?.[1] ?? ''
  const body = new URLSearchParams({ device: 'press', sha256, verdict: 'trust' })
  const answer = await fetch(`${base}/certificates`, { method: 'POST', body })
  expect(new URL(answer.url).searchParams.get('said')).toBe('done')
  // Of itself it would try again after half a minute at the earliest.
  await expect.poll(async () => (await press())?.online, { timeout: 28_000 }).toBe(true)
})

test('one accepted at the terminal, in another process, is used in the next moment too', async () => {
  await using stack = new AsyncDisposableStack()
  const { base, file, press } = await openScenery(stack)
  const page = await (await fetch(`${base}/certificates`)).text()
  const print = /name="sha256" value="([0-9a-f]{64})"/.exec(page)?.[1] ?? ''
  const said = await judgeCertificate(file, { device: 'press', print, verdict: 'accepted' })
  expect(said).toContain('tries it at once')
  await expect.poll(async () => (await press())?.online, { timeout: 28_000 }).toBe(true)
})
