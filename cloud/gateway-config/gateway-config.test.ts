/** Versions on their way to a gateway: the gateway's end is the real one, only the tunnel between them is a function call. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { answerOrder } from '../../edge/remote-config/answer-orders.ts'
import type { RemoteConfig } from '../../edge/remote-config/remote-config.ts'
import { openSite } from '../../edge/remote-config/site.fixture.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import { createLog } from '../../protocol/kit/log.ts'
import { openAudit } from '../audit/audit.ts'
import { openStore } from '../store/store.ts'
import { type GatewayConfigs, openGatewayConfigs } from './gateway-config.ts'
import type { Carry } from './gateway-orders.ts'

const of = { site: 'plant', gateway: 'gw' }
const engineer = { login: 'engineer' }
const eventually = (check: () => unknown) => vi.waitFor(check, { timeout: 45_000, interval: 20 })

async function openScene() {
  await using stack = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'mimamori-gateway-config-'))
  stack.defer(() => rm(folder, { recursive: true, force: true }))
  const site = stack.use(await openSite())
  const store = stack.use(await openStore({ file: join(folder, 'state.db') }))
  await store.db
    .insertInto('gateways')
    .values({ site: 'plant', id: 'gw', title: 'Gateway', fingerprint: null, online: 0 })
    .execute()
  const audit = await openAudit(store)
  const log = createLog('test')
  log.level = 'silent'
  const line = { isUp: true, remote: undefined as RemoteConfig | undefined, lose: '' }
  const devices: string[][] = []
  const carry: Carry = async (to, { method, path, body }) => {
    const isLost = line.lose !== '' && path.endsWith(line.lose)
    if (!line.isUp || !line.remote || isLost) throw new Fault('tunnel.down', { ...to })
    const text = body === undefined ? '' : JSON.stringify(body)
    const answer = await answerOrder(line.remote, { method, path, body: text })
    if (answer?.status !== 200) throw new Fault('tunnel.refused', { reason: `${answer?.status}` })
    return JSON.parse(JSON.stringify(answer.body))
  }
  const open = () =>
    openGatewayConfigs({
      ...{ store, audit, log, carry, isUp: () => line.isUp, onChange: () => undefined },
      onDevices: async (_, ids) => void devices.push([...ids]),
    })
  line.remote = await site.start()
  const owned = stack.move()
  return {
    ...{ site, line, audit, devices, open },
    restartGateway: async () => {
      line.remote = await site.start()
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Sends the present configuration with a faster chiller. */
async function send(configs: GatewayConfigs, confirmWithinS = 60): Promise<void> {
  const yaml = (await configs.view(of)).present?.yaml ?? ''
  await configs.saveDraft(engineer, of, yaml.replace('intervalMs: 1000', 'intervalMs: 250'))
  await configs.send(engineer, of, { reason: 'faster', confirmWithinS })
}

const stateOf = async (configs: GatewayConfigs) => (await configs.view(of)).versions[0]

describe('a version for a gateway', () => {
  it('goes from draft to confirmed, with who, when and why', async () => {
    await using scene = await openScene()
    await using configs = scene.open()
    await configs.gatewayUp(of)
    await send(configs)
    await eventually(async () => expect((await stateOf(configs))?.state).toBe('applied'))
    expect((await stateOf(configs))?.confirmBefore).toBeGreaterThan(Date.now())
    scene.site.link.acknowledged = 1
    await eventually(async () => expect((await stateOf(configs))?.state).toBe('confirmed'))
    const { present, versions, draft } = await configs.view(of)
    expect(present).toMatchObject({ from: 'cloud', version: 2 })
    expect(draft).toBeNull()
    expect(versions).toMatchObject([
      { version: 2, createdBy: 'engineer', sentBy: 'engineer', reason: 'faster' },
      { version: 1, createdBy: 'site', state: 'confirmed' },
    ])
    expect(scene.devices.at(-1)).toEqual(['chiller', 'lock', 'press'])
    const [ended] = await scene.audit.list({ limit: 1 })
    expect(ended).toMatchObject({ actor: 'gateway-config', outcome: 'done', object: 'plant/gw' })
  })

  it('is found again after a restart of the cloud, and ends as the gateway says', async () => {
    await using scene = await openScene()
    {
      await using configs = scene.open()
      await configs.gatewayUp(of)
      await send(configs)
      await eventually(async () => expect((await stateOf(configs))?.state).toBe('applied'))
    }
    await scene.restartGateway()
    await using configs = scene.open()
    await configs.gatewayUp(of)
    await eventually(async () => expect((await stateOf(configs))?.state).toBe('reverted'))
    expect(await stateOf(configs)).toMatchObject({ why: 'restarted' })
  })

  it('whose confirmation the gateway took, though its answer was lost, is confirmed all the same', async () => {
    await using scene = await openScene()
    await using configs = scene.open()
    await configs.gatewayUp(of)
    scene.line.lose = '/confirm'
    await send(configs)
    await eventually(async () => expect((await stateOf(configs))?.state).toBe('applied'))
    scene.site.link.acknowledged = 1
    expect(await scene.line.remote?.confirm({ version: 2 })).toMatchObject({ done: true })
    await eventually(async () => expect((await stateOf(configs))?.state).toBe('confirmed'))
  })

  it('that never arrived is told as lost, and the way is free again', async () => {
    await using scene = await openScene()
    await using configs = scene.open()
    await configs.gatewayUp(of)
    scene.line.lose = '/offer'
    await expect(send(configs)).rejects.toMatchObject({ code: 'tunnel.down' })
    await eventually(async () => expect((await stateOf(configs))?.state).toBe('reverted'))
    expect(await stateOf(configs)).toMatchObject({ why: 'lost' })
    scene.line.lose = ''
    await send(configs)
    await eventually(async () =>
      expect(await stateOf(configs)).toMatchObject({ version: 3, state: 'applied' }),
    )
  })

  it('is cancelled while it is on trial, and a draft is thrown away', async () => {
    await using scene = await openScene()
    await using configs = scene.open()
    await configs.gatewayUp(of)
    await send(configs)
    await expect(send(configs)).rejects.toMatchObject({ code: 'gateway-config.conflict' })
    await configs.cancel(engineer, of, 'not now')
    await eventually(async () => expect((await stateOf(configs))?.state).toBe('reverted'))
    expect(await stateOf(configs)).toMatchObject({ version: 2, why: 'cancelled' })
    expect((await configs.view(of)).draft?.version).toBe(3)
    await configs.cancel(engineer, of, 'not wanted')
    expect((await configs.view(of)).draft).toBeNull()
    await expect(configs.cancel(engineer, of, 'x')).rejects.toMatchObject({
      code: 'gateway-config.conflict',
    })
  })

  it('is not begun for a gateway that is unknown or away', async () => {
    await using scene = await openScene()
    await using configs = scene.open()
    const wait = { code: 'gateway-config.conflict' }
    await expect(configs.saveDraft(engineer, of, 'devices: []')).rejects.toMatchObject(wait)
    await configs.gatewayUp(of)
    scene.line.isUp = false
    await expect(send(configs)).rejects.toMatchObject({ code: 'tunnel.down' })
    expect((await configs.view(of)).draft?.state).toBe('draft')
    await expect(configs.check(of, 'devices: []')).rejects.toMatchObject({ code: 'tunnel.down' })
    expect(await configs.knows({ site: 'plant', gateway: 'other' })).toBe(false)
    await expect(configs.restore(engineer, of, 9)).rejects.toMatchObject({ code: 'object.missing' })
  })
})
