/** Orders from the cloud reach a machine only within the tag's own limits, and every one is on record. */
import { generateKeyPairSync } from 'node:crypto'
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { describe, expect, it } from 'vitest'
import { createLog } from '../../protocol/kit/log.ts'
import { quality, type Tag, type Value } from '../../protocol/model.ts'
import { encodePayload } from '../../protocol/sparkplug/payload.ts'
import {
  createModbusMemory,
  type ModbusServerOptions,
  openModbusServer,
} from '../../simulators/kit/modbus-server.ts'
import { loadGatewayConfig } from '../config.ts'
import { credentialFiles } from '../credentials.ts'
import type { Connection } from '../drivers/driver.ts'
import { openGateway } from '../main.ts'
import { brokers } from '../uplink/broker.fixture.ts'
import { type AuditFile, createAuditFile } from './audit-file.ts'
import { isSame, ruleWrite, toRaw, type WriteRule } from './rule.ts'
import { createWriteDesk } from './write-desk.ts'

const TAGS = `
          - { name: Setpoint, type: Double, scale: 0.1, table: holding, address: 0, encoding: int16, write: { min: 5, max: 12, maxPerMinute: 2 } }
          - { name: Pump, type: Boolean, table: coil, address: 0, write: { dryRun: true } }
          - { name: Speed, type: UInt16, table: holding, address: 1, write: {} }
          - { name: Locked, type: UInt16, table: holding, address: 2 }
`

/** A whole gateway between a broker and a Modbus server. */
async function openScene(behave?: ModbusServerOptions['behave']) {
  await using stack = new AsyncDisposableStack()
  const dir = await mkdtemp(join(tmpdir(), 'mimamori-writing-'))
  const memory = createModbusMemory({ holding: [[0, 4]], coils: [[0, 4]] })
  const server = stack.use(await openModbusServer({ units: { 1: memory }, behave }))
  const broker = stack.use(await brokers[0]!.open())
  await mkdir(join(dir, 'c'))
  for (const name of Object.values(credentialFiles)) await writeFile(join(dir, 'c', name), '')
  const { publicKey } = generateKeyPairSync('ed25519')
  const jwk = JSON.stringify(publicKey.export({ format: 'jwk' }))
  await writeFile(join(dir, 'c', credentialFiles.grantKey), jwk)
  const file = join(dir, 'gateway.yaml')
  await writeFile(
    file,
    `site: plant
gateway: gw1
dataDir: data
cloud: { mqttUrl: '${broker.url}', tunnelHost: 127.0.0.1, tunnelPort: 1, credentials: c }
local: { port: 0 }
devices:
  - id: chiller
    driver: modbus
    host: 127.0.0.1
    port: ${server.port}
    timeoutMs: 500
    groups:
      - name: fast
        intervalMs: 100
        tags:${TAGS}`,
  )
  const client = stack.adopt(await mqtt.connectAsync(broker.url), (it) => it.endAsync())
  const state = JSON.stringify({ online: true, timestamp: Date.now() })
  await client.publishAsync('spBv1.0/STATE/mimamori', state, { retain: true, qos: 1 })
  const gateway = stack.use(await openGateway(await loadGatewayConfig(file)))
  await expect
    .poll(() => gateway.tags.latest('plant/gw1/chiller/Speed')?.quality, { timeout: 10_000 })
    .toBe(192)
  await expect.poll(() => gateway.uplink.state().connected, { timeout: 10_000 }).toBe(true)
  const audit = async () => {
    const text = await readFile(join(dir, 'data', 'writes.ndjson'), 'utf8').catch(() => '')
    return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
  }
  const order = async (name: string, type: 'Double' | 'UInt16' | 'Boolean', value: Value) => {
    const payload = encodePayload({ at: Date.now(), metrics: [{ name, type, value }] })
    await client.publishAsync('spBv1.0/plant/DCMD/gw1/chiller', Buffer.from(payload))
  }
  /** Waits for the next answer on record. */
  const answer = async (count: number) => {
    const settled = async () => (await audit()).filter(({ event }) => event !== 'ordered')
    await expect.poll(async () => (await settled()).length, { timeout: 10_000 }).toBe(count)
    return (await settled()).at(-1)
  }
  const port = gateway.localPort
  const owned = stack.move()
  return {
    memory,
    server,
    audit,
    order,
    answer,
    metrics: async () => await (await fetch(`http://127.0.0.1:${port}/metrics`)).text(),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

describe('an order to write', () => {
  it('inside its limits is written, read back, put on record before and after, and counted', async () => {
    await using scene = await openScene()
    await scene.order('Setpoint', 'Double', 6.5)
    expect(await scene.answer(1)).toMatchObject({ event: 'written', value: 6.5, readBack: 65 })
    expect(scene.memory.holding.get(0)).toBe(65)
    const about = { device: 'chiller', tag: 'plant/gw1/chiller/Setpoint', value: 6.5 }
    expect((await scene.audit())[0]).toMatchObject({ event: 'ordered', ...about })
    expect(await scene.metrics()).toMatch(/gw_writes_total\{outcome="written"\} 1/)
  }, 30_000)

  it('beyond its limits, too often, or for a tag that is not listed changes nothing', async () => {
    await using scene = await openScene()
    await scene.order('Setpoint', 'Double', 4.9)
    expect((await scene.answer(1)).reason).toBe('4.9 is below 5')
    await scene.order('Setpoint', 'Double', 12.1)
    expect((await scene.answer(2)).reason).toBe('12.1 is above 12')
    await scene.order('Locked', 'UInt16', 1)
    expect((await scene.answer(3)).reason).toContain('not on the list')
    for (const value of [7, 8, 9]) await scene.order('Setpoint', 'Double', value)
    expect(await scene.answer(6)).toMatchObject({ event: 'refused', value: 9 })
    expect(scene.memory.holding.get(0)).toBe(80)
    expect(scene.memory.holding.get(2)).toBe(0)
  }, 30_000)

  it('of a dry run is ruled and put on record, and the machine hears nothing', async () => {
    await using scene = await openScene()
    await scene.order('Pump', 'Boolean', true)
    expect(await scene.answer(1)).toMatchObject({ event: 'dry-run', value: true })
    expect(scene.memory.coils.get(0)).toBe(0)
  }, 30_000)

  it('that the machine refuses, or takes and does not keep, is told as what it is', async () => {
    let mode: 'refuse' | 'forget' = 'refuse'
    await using scene = await openScene((request) => {
      if (request.fn !== 6) return undefined
      if (mode === 'refuse') return { exception: 3 }
      // A machine that sets its own value at once.
      setImmediate(() => scene.memory.holding.set(1, 99))
      return undefined
    })
    await scene.order('Speed', 'UInt16', 40)
    expect(await scene.answer(1)).toMatchObject({ event: 'failed', value: 40 })
    mode = 'forget'
    await scene.order('Speed', 'UInt16', 41)
    expect(await scene.answer(2)).toMatchObject({ event: 'unverified', value: 41, readBack: 99 })
  }, 30_000)

  it('for a device that is offline is refused at once, not kept for later', async () => {
    await using scene = await openScene()
    await scene.server[Symbol.asyncDispose]()
    // The first orders may still meet the dying line; the link then says it is gone.
    await expect
      .poll(
        async () => {
          await scene.order('Speed', 'UInt16', 5)
          return (await scene.audit()).at(-1)?.reason
        },
        { timeout: 10_000, interval: 300 },
      )
      .toBe('the device is offline')
  }, 30_000)
})

describe('the desk', () => {
  const tag: Tag = { id: 'plant/gw1/plc/Speed', name: 'Speed', type: 'UInt16', address: {} }
  const write: WriteRule = { maxPerMinute: 600, dryRun: false }
  const order = { metric: 'Speed', device: 'plc', tag: tag.id, value: 5 }

  const withRule = (rule: WriteRule | undefined) => ({
    ...{ id: 'plc', groups: [{ tags: [{ tag, ...(rule && { write: rule }) }] }] },
  })

  function openDesk(audit: AuditFile, work: () => Promise<void>) {
    let written = 0
    const desk = createWriteDesk({ devices: [withRule(write)], audit, log: createLog('desk') })
    const open = (): Connection => ({
      read: async () => [{ tag: tag.id, at: 1, value: 5, quality: quality.good }],
      async write() {
        written++
        await work()
      },
      async [Symbol.asyncDispose]() {},
    })
    const connect = () => desk.setConnection('plc', open())
    connect()
    return { desk, written: () => written, connect }
  }

  it('sends nothing while the record cannot be written', async () => {
    const full: AuditFile = { append: () => Promise.reject(new Error('ENOSPC')) }
    const { desk, written } = openDesk(full, async () => {})
    await using _ = desk
    expect(await desk.order(order)).toBe('failed')
    expect(written()).toBe(0)
  })

  it('that waits for its record while the site takes its tag off the list writes nothing, nor by an address that changed', async () => {
    for (const next of [
      [],
      [withRule(undefined)],
      [withRule({ maxPerMinute: 99, dryRun: false, max: 1 })],
    ]) {
      let changed: (() => void) | undefined
      const slow: AuditFile = {
        append: async ({ event }) => void (event === 'ordered' && changed?.()),
      }
      const { desk, written } = openDesk(slow, async () => {})
      await using _ = desk
      changed = () => desk.use(next)
      expect(await desk.order(order)).toBe('refused')
      expect(written()).toBe(0)
    }
  })

  it('that waits for its record while the device is connected anew, perhaps another one, writes nothing', async () => {
    let changed: (() => void) | undefined
    const slow: AuditFile = {
      append: async ({ event }) => void (event === 'ordered' && changed?.()),
    }
    const { desk, written, connect } = openDesk(slow, async () => {})
    await using _ = desk
    changed = connect
    expect(await desk.order(order)).toBe('refused')
    expect(written()).toBe(0)
  })

  it('turns orders away while sixteen wait, and settles those', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const { desk, written } = openDesk({ append: async () => {} }, () => promise)
    await using _ = desk
    const orders = Array.from({ length: 20 }, () => desk.order(order))
    resolve()
    const outcomes = await Promise.all(orders)
    expect(outcomes.filter((it) => it === 'refused').length).toBe(4)
    expect(written()).toBe(16)
    expect(desk.counters()).toMatchObject({ written: 16, refused: 4 })
  })
})

describe('the rule', () => {
  const rule: WriteRule = { min: 0, max: 10, maxPerMinute: 2, dryRun: false }
  const ask = (value: Value | null, more: object = {}) =>
    ruleWrite({ rule, type: 'Double', value, before: [], nowMs: 100_000, ...more })

  it('takes its limits themselves and nothing beyond, nothing of another kind', () => {
    expect([0, 10, 5n].map((value) => ask(value).allowed)).toEqual([true, true, true])
    const wrong = [-0.001, 10.001, Number.NaN, 11n, 'x', true, null]
    expect(wrong.map((value) => ask(value).allowed)).toEqual(wrong.map(() => false))
    expect(ask(1, { rule: undefined }).allowed).toBe(false)
    // As a float of 32 bits it would be infinite.
    const open = { rule: { maxPerMinute: 2, dryRun: false }, type: 'Float' }
    expect([ask(1e38, open), ask(1e39, open)].map((it) => it.allowed)).toEqual([true, false])
  })

  it('counts a sliding minute', () => {
    expect(ask(1, { before: [40_001, 99_000] }).allowed).toBe(false)
    expect(ask(1, { before: [40_000, 99_000] }).allowed).toBe(true)
  })

  it('finds the raw value behind scale and offset, whole where it must be', () => {
    expect(toRaw(6.7, { scale: 0.1 })).toBe(67)
    expect(toRaw(20, { scale: 2, offset: 10 })).toBe(5)
    expect(toRaw(2n ** 60n, {})).toBe(2n ** 60n)
    expect(toRaw(true, { scale: 3 })).toBe(true)
  })

  it('lets a float read back with seven digits, and an integer with all', () => {
    expect(isSame(0.1, Math.fround(0.1))).toBe(true)
    expect(isSame(1.5, 1.6)).toBe(false)
    expect(isSame(2n ** 60n, 2n ** 60n + 1n)).toBe(false)
    expect(isSame(5, 5n)).toBe(true)
    expect(isSame('a', null)).toBe(false)
    // A leak rate of 1e-9 is a number, too.
    expect(isSame(1e-9, 0)).toBe(false)
    expect(isSame(1e-9, Math.fround(1e-9))).toBe(true)
    expect(isSame(0, 0)).toBe(true)
  })
})

describe('the record', () => {
  it('begins a line of its own after one that a full disk or a power cut tore', async () => {
    const file = join(await mkdtemp(join(tmpdir(), 'mimamori-audit-')), 'writes.ndjson')
    await writeFile(file, '{"event":"ordered"}\n{"event":"wri')
    const audit = createAuditFile(file)
    await audit.append({ event: 'refused' })
    await audit.append({ event: 'written' })
    const lines = (await readFile(file, 'utf8')).trim().split('\n')
    expect(lines.slice(2)).toEqual(['{"event":"refused"}', '{"event":"written"}'])
  })

  it('keeps the order of its lines and turns over when it is full', async () => {
    const file = join(await mkdtemp(join(tmpdir(), 'mimamori-audit-')), 'writes.ndjson')
    const audit = createAuditFile(file, 100)
    await Promise.all([1, 2, 3, 4, 5, 6, 7].map((n) => audit.append({ n, big: 2n ** 60n })))
    const lines = async (name: string) => (await readFile(name, 'utf8')).trim().split('\n')
    const kept = [...(await lines(`${file}.1`)), ...(await lines(file))].map(
      (it) => JSON.parse(it).n,
    )
    expect(kept).toEqual([5, 6, 7])
  })
})
