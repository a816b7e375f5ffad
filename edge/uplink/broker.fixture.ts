/** Real brokers for tests, on loopback and a free port: Debian's mosquitto and Aedes, both of which can be killed and started again. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Aedes } from 'aedes'

export interface TestBroker extends AsyncDisposable {
  url: string
  /** As by kill -9: no goodbye to anybody. */
  kill(): Promise<void>
  /** On the same port again, with nothing remembered. */
  start(): Promise<void>
}

const MOSQUITTO = '/usr/sbin/mosquitto'

/** The brokers a suite runs on; mosquitto only where Debian has it (`apt-get install mosquitto`). */
export const brokers: { name: string; missing: boolean; open: () => Promise<TestBroker> }[] = [
  { name: 'aedes', missing: false, open: openAedes },
  {
    name: 'mosquitto (apt-get install mosquitto)',
    missing: !existsSync(MOSQUITTO),
    open: openMosquitto,
  },
]

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

async function openAedes(): Promise<TestBroker> {
  const port = await freePort()
  let close: (() => Promise<void>) | undefined
  const start = async () => {
    const aedes = await Aedes.createBroker()
    const sockets = new Set<Socket>()
    const server = createServer((socket) => {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
      aedes.handle(socket)
    })
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    close = async () => {
      server.close()
      for (const socket of sockets) socket.destroy()
      await new Promise<void>((resolve) => aedes.close(() => resolve()))
    }
  }
  const kill = async () => {
    await close?.()
    close = undefined
  }
  await start()
  return { url: `mqtt://127.0.0.1:${port}`, start, kill, [Symbol.asyncDispose]: kill }
}

async function openMosquitto(): Promise<TestBroker> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'mosquitto-'))
  const file = join(folder, 'mosquitto.conf')
  writeFileSync(file, `listener ${port} 127.0.0.1\nallow_anonymous true\npersistence false\n`)
  let child: ChildProcess | undefined
  const start = async () => {
    child = spawn(MOSQUITTO, ['-c', file], { stdio: 'ignore' })
    while (!(await canConnect(port))) await sleep(20)
  }
  const kill = async () => {
    if (!child) return
    const gone = new Promise((resolve) => child?.once('exit', resolve))
    child.kill('SIGKILL')
    await gone
    child = undefined
  }
  await start()
  return {
    url: `mqtt://127.0.0.1:${port}`,
    start,
    kill,
    async [Symbol.asyncDispose]() {
      await kill()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

/** Waits for a condition with a generous deadline; the error names what never came. */
export async function until(what: string, condition: () => unknown, timeoutMs = 30_000) {
  const deadline = Date.now() + timeoutMs
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`never happened: ${what}`)
    await sleep(20)
  }
}
