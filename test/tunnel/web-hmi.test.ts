/** The web HMI's listener over a real tunnel: who gets in, what passes, what hostile machines and pages cannot do. */
import { once } from 'node:events'
import { connect, createServer as createTcp, type Socket } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, expect, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { isExchange, readRecording } from '../../cloud/sessions/recording.ts'
import { manager, openSessionRig, type SessionRigOptions, technician } from './session-rig.ts'
import { until } from './tunnel-rig.ts'

const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const dispose of cleanup.splice(0).reverse()) await dispose()
})
async function rig(options: SessionRigOptions = {}) {
  const opened = await openSessionRig(options)
  cleanup.push(() => opened[Symbol.asyncDispose]())
  return opened
}

/** A machine that answers every connection with these bytes and closes. */
async function rawMachine(serve: (socket: Socket) => void): Promise<number> {
  const server = createTcp((socket) => {
    socket.on('error', () => socket.destroy())
    socket.once('data', () => serve(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  cleanup.push(() => server.close())
  return (server.address() as { port: number }).port
}

test('a ticket lets in once; its cookie is bound to this host and hidden from scripts', async () => {
  const { request, sessions, proxy, ask } = await rig()
  const { id } = await request()
  await sessions.approve(manager, id)
  const { url } = await sessions.open(technician, id, proxy)
  const { host, pathname, search } = new URL(url)
  expect(host).toMatch(new RegExp(`^[0-9a-f]{32}\\.hmi\\.localhost:${proxy.port}$`))
  expect(url).not.toContain(id)
  const wrong = await ask({
    host: host.replace(/^./, (c) => (c === 'a' ? 'b' : 'a')),
    path: pathname + search,
  })
  expect(wrong.status).toBe(403)
  const entered = await ask({ host, path: pathname + search })
  expect(entered).toMatchObject({ status: 303, headers: { location: '/' } })
  expect(entered.headers['set-cookie']?.[0]).toMatch(
    /^__Host-hmi=[\w-]{43}; Path=\/; HttpOnly; Secure; SameSite=None; Partitioned$/,
  )
  expect((await ask({ host, path: pathname + search })).status).toBe(403)
})

test('without the cookie, with another one, or under another host there is nothing', async () => {
  const { enter, ask, asked } = await rig()
  const { host, cookie } = await enter()
  const other = await enter()
  for (const tried of [
    { host },
    { host, cookie: '__Host-hmi=guess' },
    { host, cookie: other.cookie },
    { host: 'hmi.localhost', cookie },
    { host: `evil.example`, cookie },
    { host: `${host}.evil.example`, cookie },
  ]) {
    const refused = await ask(tried)
    expect(refused.status).toBe(403)
    expect(refused.body).toContain('No session is open here')
  }
  expect(asked).toEqual([])
})

test('a page of another origin can use nothing, even with the cookie', async () => {
  const { enter, ask, asked } = await rig()
  const { host, cookie } = await enter()
  const foreign: [string, Record<string, string>][] = [
    ['POST', { origin: 'https://evil.example' }],
    ['POST', { origin: 'null', 'sec-fetch-site': 'cross-site' }],
    ['GET', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }],
    ['GET', { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' }],
    ['GET', { origin: 'https://evil.example' }],
    ['GET', { 'service-worker': 'script' }],
  ]
  for (const [method, headers] of foreign) {
    expect((await ask({ host, cookie, method, headers })).status).toBe(403)
  }
  expect(asked).toEqual([])
})

test('view only: looking passes, everything else is refused in words', async () => {
  const { enter, ask, asked } = await rig()
  const { host, cookie } = await enter({ rights: ['view'] })
  expect((await ask({ host, cookie })).status).toBe(200)
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
    const refused = await ask({ host, cookie, method })
    expect(refused).toMatchObject({ status: 403 })
    expect(refused.body).toContain('viewing only')
  }
  expect(asked.map(({ line }) => line)).toEqual(['GET /'])
})

test('headers: the machine learns nothing of us, the browser keeps the frame closed to others', async () => {
  const { enter, ask, asked } = await rig({
    machine(_request, response) {
      response.writeHead(302, {
        location: 'http://10.0.0.5:8080/login?next=/',
        'set-cookie': ['sid=1; Domain=10.0.0.5; Path=/; SameSite=Lax', '__Host-hmi=stolen; Path=/'],
        'x-frame-options': 'DENY',
        'content-security-policy': "default-src 'self'; frame-ancestors 'none'",
        'clear-site-data': '"*"',
      })
      response.end()
    },
  })
  const { host, cookie } = await enter()
  const answer = await ask({
    host,
    cookie: `a=1; ${cookie}; b=2`,
    method: 'POST',
    headers: {
      'x-forwarded-for': '1.2.3.4',
      referer: `http://${host}/page?x`,
      connection: 'x-secret, close',
      'x-secret': '1',
    },
  })
  expect(asked[0]?.headers).toMatchObject({
    host: 'press-hmi',
    cookie: 'a=1; b=2',
    origin: 'http://press-hmi',
    referer: 'http://press-hmi/page?x',
  })
  expect(asked[0]?.headers).not.toHaveProperty('x-forwarded-for')
  expect(asked[0]?.headers).not.toHaveProperty('x-secret')
  expect(answer.headers.location).toBe('/login?next=/')
  expect(answer.headers['set-cookie']).toEqual([
    'sid=1; Path=/; Secure; SameSite=None; Partitioned',
  ])
  expect(answer.headers['content-security-policy']).toBe(
    "default-src 'self', frame-ancestors http://127.0.0.1:65000",
  )
  expect(answer.headers).not.toHaveProperty('x-frame-options')
  expect(answer.headers).not.toHaveProperty('clear-site-data')
})

test('big bodies pass unharmed both ways, and the recording keeps their beginning and their size', async () => {
  const { enter, ask, sessions } = await rig({
    machine: (_request, response) =>
      response.writeHead(200, { 'content-type': 'text/plain' }).end('x'.repeat(2_000_000)),
  })
  const { session, host, cookie } = await enter()
  const answer = await ask({
    host,
    cookie,
    method: 'POST',
    body: 'y'.repeat(1_000_000),
    headers: { 'content-type': 'text/plain' },
  })
  expect(answer.body.length).toBe(2_000_000)
  const [exchange] = (await sessions.recording(session.id)).exchanges
  expect(exchange).toMatchObject({ requestBytes: 1_000_000, responseBytes: 2_000_000 })
  expect(exchange?.responseBody?.length).toBe(65_536)
})

const hostile: [string, string][] = [
  ['garbage', '\x00\x01 nonsense\r\n\r\n'],
  ['a status that is none', 'HTTP/1.1 099 Odd\r\n\r\n'],
  ['endless headers', `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(20_000)}\r\n`],
  [
    'an upgrade that nobody asked for',
    'HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n',
  ],
  [
    'both lengths',
    'HTTP/1.1 200 OK\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  ['nothing', ''],
]
test.for(hostile)('a machine that answers %s harms only its own page', async ([, bytes]) => {
  const machinePort = await rawMachine((socket) => socket.end(bytes))
  const { enter, ask, sessions } = await rig({ machinePort })
  const { session, host, cookie } = await enter()
  for (const method of ['GET', 'POST']) {
    expect((await ask({ host, cookie, method })).status).toBe(502)
  }
  await until(async () => (await sessions.recording(session.id)).exchanges.length === 2)
  expect((await sessions.get(session.id))?.state).toBe('active')
})

test('a chunk that lies cuts the answer off, and the recording says so', async () => {
  const machinePort = await rawMachine((socket) =>
    socket.write(
      'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nZZ\r\n',
    ),
  )
  const { enter, ask, sessions, recordingsDir } = await rig({ machinePort })
  const { session, host, cookie } = await enter()
  await expect(ask({ host, cookie })).rejects.toThrow()
  await until(async () => (await sessions.recording(session.id)).exchanges.length === 1)
  const { entries } = await readRecording(join(recordingsDir, `${session.id}.ndjson`))
  expect(entries.find(isExchange)).toMatchObject({ status: 200, cutOff: true })
})

test('garbage from the browser side closes that connection only', async () => {
  const { proxy, enter, ask } = await rig()
  const socket = connect(proxy.port, '127.0.0.1')
  socket.on('error', () => {})
  socket.write('\x16\x03\x01 not http\r\n\r\n')
  await once(socket.resume(), 'close')
  const { host, cookie } = await enter()
  expect((await ask({ host, cookie })).status).toBe(200)
})

test('a WebSocket passes both ways for the own page only, is recorded, and falls with the session', async () => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  cleanup.push(() => server.close())
  server.on('connection', (socket) => socket.on('message', (data) => socket.send(`echo ${data}`)))
  const machinePort = (server.address() as { port: number }).port
  const { enter, proxy, sessions, recordingsDir } = await rig({ machinePort })
  const { session, host, cookie } = await enter()
  const dial = (origin: string) =>
    new WebSocket(`ws://127.0.0.1:${proxy.port}/live`, { headers: { host, cookie, origin } })
  const foreign = dial('https://evil.example')
  const [error] = await once(foreign, 'error')
  expect(String(error)).toContain('403')
  const socket = dial(`http://${host}`)
  await once(socket, 'open')
  socket.send('hello')
  const [message] = await once(socket, 'message')
  expect(String(message)).toBe('echo hello')
  const closed = once(socket, 'close')
  await sessions.end(manager, session.id, 'revoked')
  await closed
  const { events } = await sessions.recording(session.id)
  const kinds = ['session', 'websocket-asked', 'websocket-opened', 'ended']
  expect(events.map(({ kind }) => kind)).toEqual(expect.arrayContaining(kinds))
  const { entries } = await readRecording(join(recordingsDir, `${session.id}.ndjson`))
  const down = entries.filter(({ kind, direction }) => kind === 'bytes' && direction === 'down')
  expect(down.map(({ data }) => Buffer.from(String(data), 'base64').toString()).join('')).toContain(
    'echo hello',
  )
})

test('an endless answer is cut when the session ends', async () => {
  const { enter, proxy, sessions } = await rig({
    machine(_request, response) {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      response.write('data: 1\n\n')
    },
  })
  const { session, host, cookie } = await enter()
  const socket = connect(proxy.port, '127.0.0.1')
  socket.write(`GET /events HTTP/1.1\r\nhost: ${host}\r\ncookie: ${cookie}\r\n\r\n`)
  await once(socket, 'data')
  const rest = text(socket).catch(() => '')
  await sessions.end(technician, session.id, 'closed-by-user')
  await rest
})
