/** The proxy does to bytes exactly what it is told, and nothing else. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openTcpServer, type TcpServer } from '../../simulators/kit/tcp-server.ts'
import { type FaultProxy, openFaultProxy, type ProxyFaults } from './fault-proxy.ts'

interface Line extends AsyncDisposable {
  proxy: FaultProxy
  server: TcpServer
  /** What arrived at the target, segment by segment. */
  arrived: Buffer[]
  dial(): Promise<Socket>
  /** The error it ended with. */
  codeOf(socket: Socket): string | undefined
}

/** A target that answers every byte with the same byte. */
async function openLine(faults: Partial<ProxyFaults> = {}): Promise<Line> {
  const arrived: Buffer[] = []
  const server = await openTcpServer({
    onConnection: (socket) =>
      socket.on('data', (bytes) => {
        arrived.push(bytes)
        socket.write(bytes)
      }),
  })
  const proxy = await openFaultProxy(server.port)
  proxy.set(faults)
  const sockets: Socket[] = []
  const codes = new Map<Socket, string | undefined>()
  return {
    ...{ proxy, server, arrived },
    codeOf: (socket) => codes.get(socket),
    async dial() {
      const socket = connect(proxy.port, '127.0.0.1')
      sockets.push(socket)
      socket.on('error', (error: NodeJS.ErrnoException) => codes.set(socket, error.code))
      // A proxy told to refuse resets a connection before it is made.
      await once(socket, 'connect').catch(() => undefined)
      return socket
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await proxy[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    },
  }
}

function collect(socket: Socket): { bytes(): Buffer } {
  const parts: Buffer[] = []
  socket.on('data', (bytes) => parts.push(bytes))
  return { bytes: () => Buffer.concat(parts) }
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; !condition(); i++) {
    if (i > 2000) throw new Error(`never: ${condition}`)
    await sleep(10)
  }
}

test('relays a megabyte unchanged, and the end of it', async () => {
  await using line = await openLine()
  const socket = await line.dial()
  const got = collect(socket)
  const sent = Buffer.from(Array.from({ length: 1_000_000 }, (_, i) => (i * 31) & 0xff))
  socket.end(sent)
  await until(() => got.bytes().length >= sent.length)
  expect(got.bytes().equals(sent)).toBe(true)
  await until(() => line.proxy.open() === 0)
})

test.each([0, 1, 5])('cuts after exactly %i bytes, with a reset', async (bytes) => {
  await using line = await openLine({ cutAfter: { direction: 'up', bytes } })
  const socket = await line.dial()
  socket.write('0123456789')
  await until(() => socket.destroyed)
  expect(line.codeOf(socket)).toBe('ECONNRESET')
  expect(line.proxy.forwarded().up).toBe(bytes)
})

test('cuts the answers after as many bytes as told', async () => {
  await using line = await openLine({ cutAfter: { direction: 'down', bytes: 3 } })
  const socket = await line.dial()
  collect(socket)
  socket.write('0123456789')
  await until(() => socket.destroyed)
  expect(line.proxy.forwarded()).toEqual({ up: 10, down: 3 })
})

test('freezes one direction without closing, and lets all of it go afterwards', async () => {
  await using line = await openLine({ frozen: 'down' })
  const socket = await line.dial()
  const got = collect(socket)
  socket.write('hello')
  await until(() => line.arrived.length > 0)
  await sleep(100)
  expect(got.bytes().length).toBe(0)
  expect(socket.destroyed).toBe(false)
  line.proxy.clear()
  await until(() => got.bytes().toString() === 'hello')
})

test('a frozen direction takes no more than its buffer: the sender feels it', async () => {
  await using line = await openLine({ frozen: 'up' })
  const socket = await line.dial()
  const big = Buffer.alloc(32 * 1024 * 1024)
  let drained = false
  socket.write(big, () => {
    drained = true
  })
  await sleep(300)
  expect(drained).toBe(false)
  expect(line.proxy.forwarded().up).toBe(0)
})

test('turns exactly the byte it is told', async () => {
  await using line = await openLine({ corruptAt: { direction: 'up', byte: 7 } })
  const socket = await line.dial()
  const got = collect(socket)
  socket.write(Buffer.alloc(4))
  await until(() => got.bytes().length === 4)
  socket.write(Buffer.alloc(8))
  await until(() => got.bytes().length === 12)
  expect([...got.bytes()].map((byte, i) => (byte === 0 ? -1 : i)).filter((i) => i >= 0)).toEqual([
    7,
  ])
})

test('delays by at least the latency and keeps the order', async () => {
  await using line = await openLine({ latencyMs: 150 })
  const socket = await line.dial()
  const got = collect(socket)
  const startedAt = performance.now()
  for (const word of ['a', 'b', 'c']) socket.write(word)
  await until(() => got.bytes().toString() === 'abc')
  // There and back is 300 ms; each timer on the way may fire up to a millisecond early.
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(290)
})

test('starves to the rate told', async () => {
  await using line = await openLine({ bytesPerS: 20_000 })
  const socket = await line.dial()
  const startedAt = performance.now()
  socket.write(Buffer.alloc(10_000))
  await until(() => line.proxy.forwarded().up === 10_000)
  expect(performance.now() - startedAt).toBeGreaterThanOrEqual(400)
})

test('splits, merges and repeats segments', async () => {
  await using line = await openLine({ splitBytes: 1 })
  const socket = await line.dial()
  const got = collect(socket)
  socket.write('abcdef')
  await until(() => got.bytes().length === 6)
  expect(got.bytes().toString()).toBe('abcdef')
  line.proxy.clear()
  line.proxy.set({ mergeMs: 100 })
  const before = line.arrived.length
  for (const word of ['x', 'y', 'z']) {
    socket.write(word)
    await sleep(10)
  }
  await until(() => got.bytes().length === 9)
  expect(line.arrived.slice(before).map(String).join('')).toBe('xyz')
  line.proxy.clear()
  line.proxy.set({ repeatEvery: 1 })
  socket.write('!')
  await until(() => Buffer.concat(line.arrived).toString().endsWith('xyz!!'))
})

test('refuses new connections while told so, and resets those that are open when asked', async () => {
  await using line = await openLine()
  const socket = await line.dial()
  line.proxy.set({ refuse: true })
  const refused = await line.dial()
  await until(() => refused.destroyed)
  expect(socket.destroyed).toBe(false)
  line.proxy.reset()
  await until(() => socket.destroyed)
  expect(line.codeOf(socket)).toBe('ECONNRESET')
  expect(line.proxy.accepted()).toBe(2)
})
