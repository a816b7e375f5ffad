/** The tunnel over real TLS, HTTP/2 and TCP: bytes both ways, half-close, back-pressure, and every way to be refused. */
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { buffer, text } from 'node:stream/consumers'
import { afterEach, expect, test } from 'vitest'
import { openPki } from '../../cloud/identity/pki.ts'
import { type PolicyTarget, type Weekday, weekdays } from '../../edge/tunnel/policy.ts'
import type { GrantClaims } from '../../protocol/grant.ts'
import { quality } from '../../protocol/model.ts'
import {
  claims,
  GATEWAY,
  openTunnelRig,
  type RigOptions,
  SITE,
  type TunnelRig,
  target,
  until,
} from './tunnel-rig.ts'

const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const dispose of cleanup.splice(0).reverse()) await dispose()
})

async function listen(
  onConnection: (socket: Socket) => void,
): Promise<{ server: Server; port: number; sockets: Set<Socket> }> {
  const sockets = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    onConnection(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanup.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { server, port: (server.address() as { port: number }).port, sockets }
}

async function rig(options: RigOptions): Promise<TunnelRig> {
  const opened = await openTunnelRig(options)
  cleanup.push(() => opened[Symbol.asyncDispose]())
  return opened
}

const echo = (socket: Socket) => socket.pipe(socket)

/** What the gateway said, as the cloud learns it. */
async function refusal(attempt: Promise<unknown>): Promise<string> {
  const error = await attempt.then(
    () => ({ detail: { refusal: 'ALLOWED' } }),
    (reason) => reason,
  )
  return error.detail?.refusal ?? String(error)
}

test('bytes pass both ways and the end of one direction leaves the other open', async () => {
  const { port } = await listen(async (socket) =>
    socket.end(`got ${(await buffer(socket)).length}`),
  )
  const { open } = await rig({ targets: [target(port)] })
  const stream = await open('press-hmi')
  stream.end(Buffer.alloc(3_000_000, 7))
  expect(await text(stream)).toBe('got 3000000')
})

test('a target that ends first still receives what we send after', async () => {
  const received: string[] = []
  const { port } = await listen((socket) => {
    socket.end('bye')
    void text(socket).then((all) => received.push(all))
  })
  const { open } = await rig({ targets: [target(port)] })
  const stream = await open('press-hmi')
  expect(await text(stream)).toBe('bye')
  stream.end('still here')
  await until(() => received.length > 0)
  expect(received).toEqual(['still here'])
})

test('a stalled reader stops the target instead of filling memory, and loses nothing', async () => {
  const total = 64 * 1024 * 1024
  let written = 0
  const { port } = await listen((socket) => {
    const chunk = Buffer.alloc(64 * 1024, 1)
    const push = () => {
      while (written < total) {
        written += chunk.length
        if (!socket.write(chunk)) return void socket.once('drain', push)
      }
      socket.end()
    }
    push()
  })
  const { open } = await rig({ targets: [target(port)] })
  const stream = await open('press-hmi')
  stream.pause()
  // Until two looks a quarter of a second apart see no progress: everything on the way is full.
  let before = -1
  await until(async () => {
    if (before === written && written > 0) return true
    before = written
    await new Promise((resolve) => setTimeout(resolve, 250))
    return false
  })
  expect(written).toBeLessThan(total / 2)
  expect((await buffer(stream)).length).toBe(total)
})

test('a target that resets the connection ends the stream with an error, not with an end of file', async () => {
  const { port } = await listen((socket) => {
    socket.once('data', () => socket.resetAndDestroy())
  })
  const { open } = await rig({ targets: [target(port)] })
  const stream = await open('press-hmi')
  stream.write('x')
  await expect(once(stream.resume(), 'close')).rejects.toThrow('NGHTTP2_CONNECT_ERROR')
})

const inThreeDays = weekdays[(new Date().getDay() + 2) % 7] as Weekday
const now = () => Math.floor(Date.now() / 1000)
const refusedGrants: [string, string, Partial<GrantClaims>, Partial<PolicyTarget>?][] = [
  ['an expired grant', 'grant-expired', { iat: now() - 200, exp: now() - 170 }],
  ['a grant of the future', 'grant-not-yet', { iat: now() + 200, exp: now() + 230 }],
  ['a window that is over', 'grant-expired', { until: Date.now() - 1 }],
  ['a window not yet begun', 'grant-not-yet', { from: Date.now() + 100_000 }],
  ['a grant that could lie about for an hour', 'grant-malformed', { exp: now() + 3600 }],
  ['a target that is not in the policy', 'target-unknown', { target: 'safe' }, {}],
  ['a grant for another target', 'grant-other-target', { target: 'safe' }],
  ['a grant for another gateway', 'grant-other-gateway', { gateway: 'gw2' }],
  ['a grant for another site', 'grant-other-gateway', { site: 'shop' }],
  ['more rights than the site gives', 'rights-widened', {}, { rights: ['view'] }],
  ['no rights at all', 'rights-widened', { rights: [] }],
  ['a longer window than the site gives', 'window-too-long', {}, { maxMinutes: 5 }],
  ['a missing approver', 'approver-missing', { approver: undefined }, { consent: 'request' }],
  [
    'a self-approved request',
    'approver-self',
    { approver: { id: 'per_tech', name: 'T' } },
    { consent: 'request' },
  ],
  [
    'self-approval where none is needed',
    'approver-self',
    { approver: { id: 'per_tech', name: 'T' } },
  ],
  ['consent by passkey', 'consent-unsupported', {}, { consent: 'passkey' }],
  [
    'a key switch without a sample',
    'key-switch-off',
    {},
    { consent: 'key-switch', keySwitch: 'plant/gw1/plc/Key' },
  ],
  [
    'an hour outside the schedule',
    'outside-schedule',
    {},
    { consent: 'schedule', schedule: [{ days: [inThreeDays], from: '00:00', to: '23:59' }] },
  ],
  ['a link-local target (cloud metadata)', 'target-forbidden', {}, { host: '169.254.169.254' }],
  ['a multicast target', 'target-forbidden', {}, { host: '239.1.1.1' }],
  ['an unspecified target', 'target-forbidden', {}, { host: '0.0.0.0' }],
  ['a mapped link-local target', 'target-forbidden', {}, { host: '::ffff:169.254.169.254' }],
  ['a closed port', 'target-unreachable', {}, { port: 1 }],
]

test.for(refusedGrants)('the gateway refuses %s: %s', async ([name, code, changes, policy]) => {
  const { port, sockets } = await listen(echo)
  const { open, decisions } = await rig({ targets: [target(port, policy)] })
  const asked = name === 'a target that is not in the policy' ? 'safe' : 'press-hmi'
  expect(await refusal(open(asked, changes))).toBe(code)
  expect(decisions).toMatchObject([{ allowed: false, reason: code, claims: { session: 'ses_1' } }])
  expect(sockets.size).toBe(0)
})

test('the gateway refuses a grant of a foreign signer, one without signature, and none at all', async () => {
  const { port } = await listen(echo)
  const { hub, dir, decisions } = await rig({ targets: [target(port)] })
  const stranger = (await openPki(join(dir, 'stranger'))).grantSigner()
  const asked = { site: SITE, gateway: GATEWAY, target: 'press-hmi' }
  expect(await refusal(hub.openStream({ ...asked, grant: await stranger.sign(claims()) }))).toBe(
    'grant-forged',
  )
  const [, body] = (await stranger.sign(claims())).split('.')
  const header = Buffer.from('{"alg":"none"}').toString('base64url')
  expect(await refusal(hub.openStream({ ...asked, grant: `${header}.${body}.` }))).toBe(
    'grant-forged',
  )
  expect(await refusal(hub.openStream({ ...asked, grant: '' }))).toBe('grant-forged')
  expect(decisions.every(({ claims: believed }) => believed === undefined)).toBe(true)
})

test('a grant opens one stream: a replay is refused, also one at the same instant', async () => {
  const { port } = await listen(echo)
  const { hub, grant } = await rig({ targets: [target(port)] })
  const request = { site: SITE, gateway: GATEWAY, target: 'press-hmi', grant: await grant() }
  const outcomes = await Promise.all([1, 2, 3].map(() => refusal(hub.openStream(request))))
  expect(outcomes.sort()).toEqual(['ALLOWED', 'grant-replayed', 'grant-replayed'])
})

test('a name that resolves to this machine is no target, nor is a port of the gateway itself', async () => {
  const { port } = await listen(echo)
  const named = await rig({ targets: [target(port, { host: 'localhost.localdomain.invalid' })] })
  expect(await refusal(named.open('press-hmi'))).toBe('target-unreachable')
  const own = await rig({ targets: [target(port)], ownPorts: [port] })
  expect(await refusal(own.open('press-hmi'))).toBe('target-forbidden')
})

test('the key switch opens while its tag is true and good, and cuts the stream when it goes off', async () => {
  const { port } = await listen(echo)
  const tag = 'plant/gw1/plc/Key' as const
  const { open, tags } = await rig({
    targets: [target(port, { consent: 'key-switch', keySwitch: tag })],
  })
  tags.set(tag, { tag, at: Date.now(), value: true, quality: quality.stale })
  expect(await refusal(open('press-hmi'))).toBe('key-switch-off')
  tags.set(tag, { tag, at: Date.now(), value: true, quality: quality.good })
  const stream = await open('press-hmi')
  tags.set(tag, { tag, at: Date.now(), value: false, quality: quality.good })
  await once(stream.resume(), 'close')
})

test('the gateway cuts the stream when the window closes, whatever the cloud does', async () => {
  const { port, sockets } = await listen(echo)
  const { open } = await rig({ targets: [target(port)] })
  const stream = await open('press-hmi', { until: Date.now() + 1500 })
  await once(stream.resume(), 'close')
  await until(() => sockets.size === 0)
})

test('an ended session is cut and stays refused, also after the gateway restarts', async () => {
  const { port, sockets } = await listen(echo)
  const first = await rig({ targets: [target(port)] })
  const memoryFile = join(first.dir, 'grants')
  const { open, hub } = await rig({ targets: [target(port)], memoryFile })
  const [mine, other] = [await open('press-hmi'), await open('press-hmi', { session: 'ses_2' })]
  await hub.endSession(SITE, GATEWAY, 'ses_1')
  await once(mine.resume(), 'close')
  expect(other.destroyed).toBe(false)
  await until(() => sockets.size === 1)
  expect(await refusal(open('press-hmi'))).toBe('session-ended')
  const restarted = await rig({ targets: [target(port)], memoryFile })
  expect(await refusal(restarted.open('press-hmi'))).toBe('session-ended')
})

test('the kill switch cuts every stream and refuses new ones until it is restored', async () => {
  const { port, sockets } = await listen(echo)
  const { open, dialer } = await rig({ targets: [target(port)] })
  const streams = [await open('press-hmi'), await open('press-hmi', { session: 'ses_2' })]
  const closed = Promise.all(streams.map((stream) => once(stream.resume(), 'close')))
  dialer.kill('maintenance')
  await closed
  await until(() => sockets.size === 0)
  expect(await refusal(open('press-hmi'))).toBe('killed')
  dialer.restore()
  expect(await refusal(open('press-hmi'))).toBe('ALLOWED')
})

test('when the tunnel is cut both ends close, the hub says so once, and streams fail in words', async () => {
  const { port, sockets } = await listen(echo)
  const { open, hub, changes, stopAgent } = await rig({ targets: [target(port)] })
  const stream = await open('press-hmi')
  await stopAgent()
  await once(stream.resume(), 'close')
  await until(() => sockets.size === 0 && !hub.isUp(SITE, GATEWAY))
  expect(changes.map(({ online }) => online)).toEqual([true, false])
  await expect(open('press-hmi')).rejects.toMatchObject({ code: 'tunnel.down' })
})

test('a second connection of the same gateway replaces the first without a flicker', async () => {
  const { port } = await listen(echo)
  const { open, hub, changes, dialAgain } = await rig({ targets: [target(port)] })
  const old = await open('press-hmi')
  const stop = new AbortController()
  const second = dialAgain(stop.signal)
  await once(old.resume(), 'close')
  expect(hub.isUp(SITE, GATEWAY)).toBe(true)
  expect(changes.map(({ online }) => online)).toEqual([true])
  expect(await refusal(open('press-hmi'))).toBe('ALLOWED')
  stop.abort()
  await second
})

test('more streams than one session may have are refused as busy', async () => {
  const { port } = await listen(echo)
  const { open } = await rig({ targets: [target(port)] })
  await Promise.all(Array.from({ length: 32 }, () => open('press-hmi')))
  expect(await refusal(open('press-hmi'))).toBe('busy')
  expect(await refusal(open('press-hmi', { session: 'ses_2' }))).toBe('ALLOWED')
})
