/** The OPC UA driver against a real server, signed and encrypted. */
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Value as Schema } from 'typebox/value'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Fault } from '../../../protocol/kit/fault.ts'
import { type DataType, quality, type Sample, type Tag } from '../../../protocol/model.ts'
import { type OpcuaServer, openOpcuaServer } from '../../../simulators/kit/opcua-server.ts'
import { type Bench, runConformance, until } from '../conformance.ts'
import { openRelay } from '../conformance-relay.ts'
import { createDriver, optionsSchema } from './opcua.ts'

const never = () => new AbortController().signal
const NAMESPACE = 'urn:test:press'

let folder: string
let server: OpcuaServer

const variables = [
  { name: 'Pressure', type: 'Double', initial: 1.5, writable: true },
  { name: 'Count', type: 'Int64', initial: 9_007_199_254_740_993n, writable: true },
  { name: 'Running', type: 'Boolean', initial: true, writable: true },
  { name: 'Recipe', type: 'String', initial: 'A', writable: true },
] as const satisfies readonly { name: string; type: DataType; [key: string]: unknown }[]

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'opcua-'))
  server = await openServer()
  // The key is made before the short deadlines below begin to count.
  const first = await createOpcua(server.port, { timeoutMs: 30_000 }).connect(never())
  await first[Symbol.asyncDispose]()
})

afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

function openServer(port = 0): Promise<OpcuaServer> {
  return openOpcuaServer({
    port,
    namespaceUri: NAMESPACE,
    title: 'Test press',
    folder: join(folder, 'server'),
    device: 'Press',
    variables: [...variables],
    security: 'any',
  })
}

function createTag(name: string, type: DataType = 'Double'): Tag {
  const address = { nodeId: `nsu=${NAMESPACE};s=Press.${name}` }
  return { id: `s/g/press/${name}`, name, type, address }
}

const tags = variables.map(({ name, type }) => createTag(name, type))
const pressure = createTag('Pressure')

function createOpcua(port: number, more: Record<string, unknown> = {}, device = 'press') {
  const given = {
    endpoint: `opc.tcp://127.0.0.1:${port}`,
    trust: [server.certificateFile],
    timeoutMs: 700,
    publishingIntervalMs: 50,
    samplingIntervalMs: 0,
    ...more,
  }
  const options = Schema.Parse(optionsSchema, Schema.Default(optionsSchema, given))
  return createDriver(options, { device, stateDir: join(folder, 'gateway', device) })
}

async function openBench(): Promise<Bench> {
  const names = ['Pressure', 'Count', 'Running', 'Recipe']
  let turn = 0
  return {
    port: server.port,
    createDriver: (port) => createOpcua(port),
    tags,
    values: () => names.map((name) => server.get(name)),
    change() {
      turn++
      server.set('Pressure', 100 + turn)
      server.set('Count', 9_007_199_254_740_993n + BigInt(turn))
      server.set('Running', turn % 2 === 0)
      server.set('Recipe', `R${turn}`)
    },
    badTag: createTag('Absent'),
    async [Symbol.asyncDispose]() {},
  }
}

runConformance('opcua', openBench)

describe('trust', () => {
  test('an unknown server certificate is refused with its thumbprint and file, and listing the file mends it', async () => {
    const driver = createOpcua(server.port, { trust: [] }, 'stranger')
    const fault = await driver.connect(never()).catch((error: unknown) => error)
    if (!(fault instanceof Fault)) throw fault
    expect(fault.code).toBe('opcua.untrusted')
    expect(fault.message).toMatch(/[0-9a-f]{40}/)
    const file = String(fault.detail.file)
    expect(existsSync(file)).toBe(true)
    expect(file.startsWith(join(folder, 'gateway'))).toBe(true)
    await using connection = await createOpcua(
      server.port,
      { trust: [server.certificateFile] },
      'stranger',
    ).connect(never())
    expect(await connection.read([pressure], never())).toMatchObject([{ quality: quality.good }])
  })

  test('a certificate that is no longer listed is no longer trusted', async () => {
    await using _ = await createOpcua(server.port, {}, 'fickle').connect(never())
    const driver = createOpcua(server.port, { trust: [] }, 'fickle')
    await expect(driver.connect(never())).rejects.toMatchObject({ code: 'opcua.untrusted' })
  })

  for (const security of ['None', 'Aes256_Sha256_RsaPss']) {
    test(`security ${security} connects and reads`, async () => {
      await using connection = await createOpcua(server.port, { security }).connect(never())
      expect(await connection.read([pressure], never())).toMatchObject([{ quality: quality.good }])
    })
  }

  test('a user the server does not take is refused, not retried as a lost line', async () => {
    const driver = createOpcua(server.port, { user: { name: 'eve', password: 'x' } })
    await expect(driver.connect(never())).rejects.toMatchObject({ code: 'driver.refused' })
  })

  test('the key is made once, in the folder of the device, and serves every later connection', async () => {
    const own = join(folder, 'gateway', 'keeper', 'opcua', 'own')
    const readKey = () => readFile(join(own, 'private', 'private_key.pem'), 'utf8')
    await (await createOpcua(server.port, {}, 'keeper').connect(never()))[Symbol.asyncDispose]()
    const key = await readKey()
    expect(key).toContain('PRIVATE KEY')
    await (await createOpcua(server.port, {}, 'keeper').connect(never()))[Symbol.asyncDispose]()
    expect(await readKey()).toBe(key)
  })
})

describe('values', () => {
  test('time of the source, full status and the grade of uncertain and bad readings are kept', async () => {
    await using connection = await createOpcua(server.port).connect(never())
    const at = Date.now() - 5000
    const read = async () => (await connection.read([pressure], never()))[0]
    server.set('Pressure', 7, { at })
    expect(await read()).toMatchObject({ value: 7, at, quality: quality.good, status: 0 })
    server.set('Pressure', 8, { at, statusCode: 0x40900000 })
    expect(await read()).toMatchObject({ value: 8, quality: quality.stale, status: 0x40900000 })
    server.set('Pressure', 9, { at, statusCode: 0x808c0000 })
    expect(await read()).toMatchObject({ value: null, quality: quality.bad, status: 0x808c0000 })
    server.set('Pressure', 10)
  })

  test('a namespace the server does not have makes its tags bad, not the read', async () => {
    await using connection = await createOpcua(server.port).connect(never())
    const foreign = { ...pressure, address: { nodeId: 'nsu=urn:elsewhere;s=Press.Pressure' } }
    const samples = await connection.read([foreign, pressure], never())
    expect(samples[0]).toMatchObject({ quality: quality.bad, status: 0x80340000 })
    expect(samples[1]?.quality).toBe(quality.good)
  })

  test('a value written is the value read, and what cannot be written says why', async () => {
    await using connection = await createOpcua(server.port).connect(never())
    const values = [3.25, -5n, false, 'B'] as const
    for (const [i, tag] of tags.entries()) await connection.write?.(tag, values[i]!, never())
    expect((await connection.read(tags, never())).map((it) => it.value)).toEqual(values)
    const absent = connection.write?.(createTag('Absent'), 1, never())
    await expect(absent).rejects.toMatchObject({ code: 'driver.not-writable' })
    const wrong = connection.write?.(pressure, 'high', never())
    await expect(wrong).rejects.toMatchObject({ code: 'driver.bad-value' })
  })
})

describe('subscription', () => {
  test('every change of a queued value comes once, in order; an unknown node is bad once; abort ends it', async () => {
    await using connection = await createOpcua(server.port, { queueSize: 1000 }).connect(never())
    const stop = new AbortController()
    const seen: Sample[] = []
    const absent = createTag('Absent')
    const emit = (samples: Sample[]) => void seen.push(...samples)
    const running = connection.subscribe?.([absent, pressure], emit, stop.signal)
    const good = () => seen.filter((it) => it.tag === pressure.id)
    await until(() => good().length > 0, 'the first value')
    for (let i = 1; i <= 200; i++) server.set('Pressure', 10_000 + i)
    await until(() => good().at(-1)?.value === 10_200, 'the last value')
    const counted = good().filter((it) => Number(it.value) > 10_000)
    expect(counted.map((it) => it.value)).toEqual(Array.from({ length: 200 }, (_, i) => 10_001 + i))
    expect(seen.filter((it) => it.tag === absent.id)).toMatchObject([{ quality: quality.bad }])
    expect(connection.counters?.()).toMatchObject({ holes: 1, exceptions: 0 })
    expect(connection.counters?.().requests).toBeGreaterThan(3)
    stop.abort()
    await running
    const before = seen.length
    server.set('Pressure', 1)
    expect(await connection.read([pressure], never())).toMatchObject([{ value: 1 }])
    expect(seen.length).toBe(before)
  })

  test('calm is not silence: keep-alives keep a subscription without changes alive', async () => {
    // Ten keep-alives within the silence that is allowed: a busy machine may miss nine.
    const options = { keepAliveMs: 200, silenceMs: 2000 }
    await using connection = await createOpcua(server.port, options).connect(never())
    const stop = new AbortController()
    const running = connection.subscribe?.([pressure], () => {}, stop.signal)
    let hasEnded = false
    void running?.finally(() => {
      hasEnded = true
    })
    await new Promise((resolve) => setTimeout(resolve, 3000))
    expect(hasEnded).toBe(false)
    stop.abort()
    await running
  })

  test('a cut line ends the subscription with driver.disconnected and the library does not come back by itself', async () => {
    await using relay = await openRelay(server.port)
    await using connection = await createOpcua(relay.port).connect(never())
    let seen = 0
    const running = connection.subscribe?.([pressure], () => seen++, never())
    const ended = expect(running).rejects.toMatchObject({ code: 'driver.disconnected' })
    await until(() => seen > 0, 'the first value')
    await relay.cut()
    await ended
    await relay.restore()
    await new Promise((resolve) => setTimeout(resolve, 1200))
    expect(relay.open()).toBe(0)
  })
})
