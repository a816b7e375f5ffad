/** The ledger from edge to cloud: consecutive integers through kills of broker, gateway and host. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { brokers, type TestBroker, until } from '../../edge/uplink/broker.fixture.ts'

const gatewayFile = fileURLToPath(new URL('../../edge/uplink/gateway.fixture.ts', import.meta.url))
const hostFile = fileURLToPath(new URL('./host.fixture.ts', import.meta.url))

interface Rig extends AsyncDisposable {
  broker: TestBroker
  gateway: Part
  host: Part
  /** Integers the gateway has put into its outbox. */
  acquired(): number[]
  stored(): { value: number; historical: number }[]
  gaps(): { start: number; finish: number; reason: string }[]
}

interface Part {
  start(): void
  kill(): Promise<void>
  /** SIGTERM, and its exit code. */
  stop(): Promise<number | null>
}

function createPart(file: string, args: string[]): Part {
  let child: ChildProcess | undefined
  const end = (signal: NodeJS.Signals) =>
    new Promise<number | null>((resolve) => {
      if (!child || child.exitCode !== null) return resolve(null)
      child.once('exit', resolve)
      child.kill(signal)
      child = undefined
    })
  return {
    start() {
      const env = { ...process.env, MIMAMORI_LOG: 'error' }
      child = spawn(process.execPath, [file, ...args], {
        stdio: ['ignore', 'inherit', 'inherit'],
        env,
      })
    },
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
  }
}

async function openRig(open: () => Promise<TestBroker>): Promise<Rig> {
  const broker = await open()
  const folder = mkdtempSync(join(tmpdir(), 'ledger-'))
  const store = join(folder, 'store.db')
  const gateway = createPart(gatewayFile, [broker.url, folder])
  const host = createPart(hostFile, [broker.url, store])
  const query = <T>(sql: string): T[] => {
    if (!existsSync(store)) return []
    const database = new DatabaseSync(store)
    try {
      database.exec('PRAGMA busy_timeout = 2000')
      return database.prepare(sql).all() as unknown as T[]
    } catch {
      return []
    } finally {
      database.close()
    }
  }
  return {
    broker,
    gateway,
    host,
    acquired: () => {
      const file = join(folder, 'acquired.txt')
      return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : []
    },
    stored: () => query('SELECT value, historical FROM sample ORDER BY value'),
    gaps: () => query('SELECT start, finish, reason FROM gap ORDER BY start'),
    async [Symbol.asyncDispose]() {
      await Promise.all([gateway.kill(), host.kill()])
      await broker[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** More integers reach the store than had been acquired when asked. */
async function flows(rig: Rig, what: string) {
  const target = (rig.acquired().at(-1) ?? 0) + 20
  await until(`data flows ${what}`, () => (rig.stored().at(-1)?.value ?? -1) >= target)
}

async function acquires(rig: Rig, more: number) {
  const target = rig.acquired().length + more
  await until(`${more} more acquired`, () => rig.acquired().length >= target)
}

/** Stops the gateway, which first waits until its outbox is empty, then compares. */
async function settle(rig: Rig) {
  await rig.gateway.stop()
  await rig.host.stop()
  const values = rig.stored().map(({ value }) => value)
  expect(new Set(values).size, 'stored twice').toBe(values.length)
  const stored = new Set(values)
  expect(
    rig.acquired().filter((value) => !stored.has(value)),
    'lost',
  ).toEqual([])
}

describe.each(brokers)('the ledger over $name', ({ missing, open }) => {
  test.skipIf(missing)(
    'loses and doubles nothing when the broker is killed and comes back',
    async () => {
      await using rig = await openRig(open)
      rig.host.start()
      rig.gateway.start()
      await flows(rig, 'at first')
      await rig.broker.kill()
      await acquires(rig, 50)
      await rig.broker.start()
      await flows(rig, 'after the broker came back')
      await settle(rig)
      expect(rig.gaps()).toEqual([])
      expect(rig.stored().some(({ historical }) => historical === 1)).toBe(true)
    },
  )

  test.skipIf(missing)('tells the dead time of a killed gateway as exactly one gap', async () => {
    await using rig = await openRig(open)
    rig.host.start()
    rig.gateway.start()
    await flows(rig, 'at first')
    await rig.gateway.kill()
    const killedAt = Date.now()
    rig.gateway.start()
    await flows(rig, 'after the gateway came back')
    await settle(rig)
    const gaps = rig.gaps()
    expect(gaps).toHaveLength(1)
    expect(gaps[0]!.reason).toBe('gateway-down')
    expect(gaps[0]!.start).toBeLessThanOrEqual(killedAt)
    expect(gaps[0]!.finish).toBeGreaterThanOrEqual(killedAt)
  })

  test.skipIf(missing)('loses and doubles nothing when the host is killed twice', async () => {
    await using rig = await openRig(open)
    rig.host.start()
    rig.gateway.start()
    for (const time of ['first', 'second']) {
      await flows(rig, `before the ${time} kill`)
      await rig.host.kill()
      await acquires(rig, 50)
      rig.host.start()
    }
    await flows(rig, 'at last')
    await settle(rig)
    expect(rig.gaps()).toEqual([])
  })
})
