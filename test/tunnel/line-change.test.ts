/** A tunnel that changes its certificate while people work in it, and one whose certificate has ended. */
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { openPki } from '../../cloud/identity/pki.ts'
import { openTunnelHub, type TunnelHub } from '../../cloud/sessions/hub.ts'
import { openTunnel, type Tunnel } from '../../edge/tunnel/agent.ts'
import { createNewsDesk } from '../../edge/tunnel/news.ts'
import { createLog } from '../../protocol/kit/log.ts'
import type { GatewayNews } from '../../protocol/tunnel/news.ts'
import { GATEWAY, openTunnelRig, SITE, target, until } from './tunnel-rig.ts'

const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const dispose of cleanup.splice(0).reverse()) await dispose()
})

test('a stream that is open goes on over the old line, the next one takes the new line, and the site remembers its sessions', async () => {
  const machine = createServer((socket: Socket) => socket.pipe(socket))
  machine.listen(0, '127.0.0.1')
  await once(machine, 'listening')
  cleanup.push(() => machine.close())
  const rig = await openTunnelRig({
    targets: [target((machine.address() as { port: number }).port)],
  })
  cleanup.push(() => rig[Symbol.asyncDispose]())
  const before = await rig.open('press-hmi')
  const say = async (stream: typeof before, words: string) => {
    stream.write(words)
    const [answer] = await once(stream, 'data')
    return String(answer)
  }
  expect(await say(before, 'one')).toBe('one')
  rig.credentials = await rig.pki.issueGateway({ site: SITE, gateway: GATEWAY })
  expect(await rig.redial()).toBeUndefined()
  expect(await say(before, 'two')).toBe('two')
  const after = await rig.open('press-hmi')
  expect(await say(after, 'three')).toBe('three')
  before.end()
  await until(() => before.closed)
  expect(rig.dialer.sessions()).toMatchObject([{ session: 'ses_1', streams: 1 }])
  expect(await say(after, 'four')).toBe('four')
  // Nobody saw the gateway leave.
  expect(rig.changes.map(({ online }) => online)).toEqual([true])
  after.destroy()
})

test('a certificate that is not taken leaves the line as it was', async () => {
  const rig = await openTunnelRig({ targets: [] })
  cleanup.push(() => rig[Symbol.asyncDispose]())
  const stranger = await openPki(`${rig.dir}/stranger`)
  rig.credentials = await stranger.issueGateway({ site: SITE, gateway: GATEWAY })
  expect(await rig.redial()).toEqual(expect.any(String))
  expect(rig.hub.isUp(SITE, GATEWAY)).toBe(true)
})

interface Door {
  hub: TunnelHub
  news: ReturnType<typeof createNewsDesk>
  tunnel: Tunnel
  heard: GatewayNews[]
  /** Names that asked to come in although their certificate had ended. */
  asked: string[]
}

/** A hub with one gateway before it whose certificate ended a moment ago. */
async function openDoor({ isForged = false } = {}): Promise<Door> {
  const log = createLog('rig')
  const rig = await openTunnelRig({ targets: [] })
  cleanup.push(() => rig[Symbol.asyncDispose]())
  const short = await openPki(`${rig.dir}/${isForged ? 'forged' : 'pki'}`, { gatewayDays: 1e-9 })
  const credentials = {
    ...(await short.issueGateway({ site: SITE, gateway: 'gw2' })),
    ca: rig.pki.ca,
  }
  const [heard, asked]: [GatewayNews[], string[]] = [[], []]
  const hub = await openTunnelHub({
    ...{ host: '127.0.0.1', port: 0, log, onGateway: () => undefined },
    tls: await rig.pki.serverCredentials(),
    identify: () => ({ site: SITE, gateway: 'in full' }),
    async identifyExpired(certificate) {
      const name = rig.pki.gatewayOf(certificate)
      asked.push(String(name?.gateway))
      return rig.pki.isOwn(certificate) ? name : undefined
    },
    onNews: async (_, told) => void heard.push(told),
  })
  cleanup.push(() => hub[Symbol.asyncDispose]())
  const news = createNewsDesk()
  const tunnel = openTunnel({
    ...{ host: '127.0.0.1', port: hub.port, dialer: rig.dialer, news, log },
    credentials: {
      use: () => ({ ...credentials, servername: 'localhost' }),
      judged: () => undefined,
    },
  })
  cleanup.push(() => tunnel[Symbol.asyncDispose]())
  return { hub, news, tunnel, heard, asked }
}

test('a certificate that has ended is heard when it wishes for a new one, and for nothing else', async () => {
  const { hub, news, heard } = await openDoor()
  await news.untilHeard(AbortSignal.timeout(45_000))
  news.tell({ kind: 'session-ended', session: 'ses_1', why: 'killed' })
  news.tell({ kind: 'renewal', request: 'please' })
  await until(() => heard.length > 0)
  expect(heard).toEqual([{ kind: 'renewal', request: 'please' }])
  for (const name of ['gw2', 'in full']) expect(hub.isUp(SITE, name)).toBe(false)
  const stream = hub.openStream({ site: SITE, gateway: 'gw2', target: 'x', grant: 'y' })
  await expect(stream).rejects.toMatchObject({ code: 'tunnel.down' })
})

test('one that has ended and that our authority never signed stays outside, whatever name is in it', async () => {
  const { hub, news, asked, tunnel } = await openDoor({ isForged: true })
  await until(() => asked.length > 1 || tunnel.state().up)
  expect(tunnel.state().up).toBe(false)
  expect(await news.untilHeard(AbortSignal.timeout(100))).toBe(false)
  expect(hub.isUp(SITE, 'gw2')).toBe(false)
})
