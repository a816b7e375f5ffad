/** Servers that are small, not ready yet when we come, or change while we are there: a tag is dark no longer than its node. */
import { DataType as UaType } from 'node-opcua'
import { ClientMonitoredItemGroup } from 'node-opcua-client'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { quality, type Sample, type Tag } from '../../../protocol/model.ts'
import type { OpcuaServer } from '../../../simulators/kit/opcua-server.ts'
import type { DeviceParts } from '../../../simulators/kit/opcua-variables.ts'
import { browse } from './opcua.ts'
import { createTag, faultOf, NAMESPACE, never, openScene, type Scene } from './scene.fixture.ts'

const COUNT = 60
const LATE = 'urn:test:late'
const patience = { timeout: 45_000 }

let scene: Scene
let server: OpcuaServer
let parts: DeviceParts

beforeAll(async () => {
  scene = await openScene()
  const operationLimits = {
    maxNodesPerRead: 25,
    maxNodesPerBrowse: 3,
    maxNodesPerTranslateBrowsePathsToNodeIds: 7,
    maxMonitoredItemsPerCall: 11,
  }
  const extend = (given: DeviceParts) => {
    parts = given
    for (let i = 0; i < COUNT; i++) addNode(`V${i}`, i)
  }
  server = await scene.openServer({ extend, operationLimits })
})
afterAll(() => scene?.[Symbol.asyncDispose]())

function addNode(name: string, value: number, { namespace, object } = parts) {
  const place = { componentOf: object, browseName: name, nodeId: `s=Press.${name}` }
  const variable = namespace.addVariable({ ...place, dataType: 'Double' })
  variable.setValueFromSource({ dataType: UaType.Double, value })
  return variable
}

const connect = () => scene.createDriver(server.port, { security: 'None' }).connect(never())
const byPath = (name: string, uri = NAMESPACE): Tag => {
  const browsePath = `/Objects/nsu=${NAMESPACE};Press/nsu=${uri};${name}`
  return createTag(name, 'Double', { browsePath })
}

/** The newest sample of each tag; ends with the scope. */
async function subscribe(tags: readonly Tag[]) {
  const connection = await connect()
  const stop = new AbortController()
  const newest = new Map<string, Sample>()
  const take = (samples: Sample[]) => {
    for (const sample of samples) newest.set(sample.tag, sample)
  }
  const subscription = connection.subscribe?.(tags, take, stop.signal)
  return {
    connection,
    newest: ({ id }: Tag) => newest.get(id),
    async [Symbol.asyncDispose]() {
      stop.abort()
      await subscription
      await connection[Symbol.asyncDispose]()
    },
  }
}

describe('a server that takes little in one request', () => {
  const tags = Array.from({ length: COUNT }, (_, i) => createTag(`V${i}`))

  test('is read whole, by node ids and by paths', async () => {
    await using connection = await connect()
    for (const asked of [tags, tags.map(({ name }) => byPath(name))]) {
      const samples = await connection.read(asked, never())
      expect(samples.map(({ value }) => value)).toEqual(tags.map((_, i) => i))
    }
    const before = connection.counters?.().requests ?? 0
    await connection.read(tags, never())
    // What it takes was learned: no further request is refused.
    expect((connection.counters?.().requests ?? 0) - before).toBeLessThanOrEqual(4)
  })

  test('is subscribed whole', async () => {
    await using scope = await subscribe(tags)
    await expect
      .poll(() => tags.map((tag) => scope.newest(tag)?.value), patience)
      .toEqual(tags.map((_, i) => i))
  })

  test('is browsed whole', async () => {
    const options = { stateDir: scene.folder, connection: { security: 'None' } } as const
    const { tags: rows } = await browse(server.endpoint, options, never())
    expect(rows.filter(({ name }) => /\/V\d+$/.test(name)).length).toBe(COUNT)
  })
})

describe('a server that changes', () => {
  test('a namespace it loads after it began to listen is found without a new session', async () => {
    const tag: Tag = { ...createTag('Late'), address: { nodeId: `nsu=${LATE};s=Press.Late` } }
    const path = { ...byPath('Late', LATE), id: 's/g/press/path' as const }
    await using scope = await subscribe([tag, path, createTag('V1')])
    await expect.poll(() => scope.newest(createTag('V1'))?.value, patience).toBe(1)
    for (const each of [tag, path]) expect(scope.newest(each)?.quality).toBe(quality.bad)
    const told = scene.said.filter((say) => say.startsWith(`the server has no namespace ${LATE}`))
    expect(told).toHaveLength(1)
    const namespace = parts.space.registerNamespace(LATE)
    addNode('Late', 42, { ...parts, namespace })
    for (const each of [tag, path])
      await expect.poll(() => scope.newest(each)?.value, patience).toBe(42)
    const read = await scope.connection.read([tag], never())
    expect(read[0]?.value).toBe(42)
  })

  test.each([
    ['by its node id', () => createTag('Loaded')],
    ['by its path', () => byPath('Loaded')],
  ])(
    'a subscribed node that is dropped and comes back is subscribed again %s, its neighbours go on',
    async (_, make) => {
      const tag = make()
      const node = addNode('Loaded', 1)
      await using scope = await subscribe([tag, createTag('V1')])
      await expect.poll(() => scope.newest(tag)?.value, patience).toBe(1)
      parts.space.deleteNode(node.nodeId)
      await expect.poll(() => scope.newest(tag)?.quality, patience).toBe(quality.bad)
      const again = addNode('Loaded', 2)
      await expect.poll(() => scope.newest(tag)?.value, patience).toBe(2)
      expect(scope.newest(createTag('V1'))?.quality).toBe(quality.good)
      parts.space.deleteNode(again.nodeId)
    },
  )
})

test('nodes that stay missing are looked for by reading: the subscription is left alone, and the library keeps nothing', async () => {
  const missing = Array.from({ length: 20 }, (_, i) => createTag(`Absent${i}`))
  const tags = [...missing, createTag('V1')]
  const made = vi.spyOn(ClientMonitoredItemGroup, 'create')
  const options = { security: 'None', nodeRetryMs: 100 }
  await using connection = await scene.createDriver(server.port, options).connect(never())
  const stop = new AbortController()
  const samples: Sample[] = []
  const subscription = connection.subscribe?.(tags, (it) => void samples.push(...it), stop.signal)
  await expect.poll(() => samples.length, patience).toBe(tags.length)
  const before = made.mock.calls.length
  const requests = () => connection.counters?.().requests ?? 0
  const enough = requests() + 10
  await expect.poll(requests, patience).toBeGreaterThan(enough)
  expect(made.mock.calls.length).toBe(before)
  made.mockRestore()
  stop.abort()
  await subscription
})

test('a service the server refuses is told as refused, with its word for it', async () => {
  const options = { maxNodesPerRead: 1, maxMonitoredItemsPerCall: 1 }
  await using small = await openScene()
  const its = await small.openServer({ operationLimits: options, maxSubscriptionsPerSession: 1 })
  await using connection = await small.createDriver(its.port, { security: 'None' }).connect(never())
  const stop = new AbortController()
  const newest: Sample[] = []
  const first = connection.subscribe?.(
    [createTag('Pressure')],
    (it) => newest.push(...it),
    stop.signal,
  )
  await expect.poll(() => newest.length, patience).toBeGreaterThan(0)
  const fault = await faultOf(
    connection.subscribe?.([createTag('Pressure')], () => undefined, never()),
  )
  expect(fault.code).toBe('driver.refused')
  expect(fault.message).toContain('BadTooManySubscriptions')
  stop.abort()
  await first
})
