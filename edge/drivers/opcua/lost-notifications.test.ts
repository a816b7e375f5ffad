/** What a server told and no client got: each such change is marked bad, none is passed over. */
import { type ClientSession, resolveNodeId } from 'node-opcua-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { quality, type Sample, type Tag } from '../../../protocol/model.ts'
import type { OpcuaServer } from '../../../simulators/kit/opcua-server.ts'
import { until } from '../conformance.ts'
import { openConversation } from './connection.ts'
import { createTag, faultOf, fillOptions, never, openScene, type Scene } from './scene.fixture.ts'
import { runSubscription } from './subscription.ts'

const BAD_DATA_LOST = 0x809d0000
const count = createTag('Count', 'Int32', { queueSize: 5 })
const calm = createTag('Calm', 'Int32')
let scene: Scene
let server: OpcuaServer

beforeAll(async () => {
  scene = await openScene()
  const variables = ['Count', 'Calm'].map((name) => ({ name, type: 'Int32', initial: 0 }) as const)
  server = await scene.openServer({ variables })
})
afterAll(() => scene?.[Symbol.asyncDispose]())

async function converse(more: Record<string, unknown> = {}) {
  const options = fillOptions(server.port, { security: 'None', keepAliveMs: 200, ...more })
  const context = { device: 'press', stateDir: `${scene.folder}/lost`, notice: () => {} }
  const request = { options, context, memory: { told: new Set<string>() } }
  const { conversation, owned } = await openConversation(request, never())
  return { conversation, [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose]() }
}

/** The next answer with values is lost on its way to the subscription, as when its request has timed out. */
function loseNextValues(session: ClientSession): { lost(): number } {
  const engine = session as unknown as {
    publish(request: unknown, callback: (error: Error | null, answer?: Answer) => void): void
  }
  interface Answer {
    notificationMessage: { notificationData: unknown[] | null }
  }
  let [lost, isArmed] = [0, true]
  const publish = engine.publish.bind(engine)
  // Requests are waiting at the server already: their answers come to the engine's own callbacks.
  engine.publish = (request, callback) =>
    publish(request, (error, answer) => {
      const isValues = (answer?.notificationMessage.notificationData?.length ?? 0) > 0
      if (!isArmed || !isValues) return callback(error, answer)
      isArmed = false
      lost += 1
      callback(new Error('Transaction has timed out'))
    })
  return { lost: () => lost }
}

function collect() {
  const samples: Sample[] = []
  const of = (tag: Tag) => samples.filter((it) => it.tag === tag.id)
  const has = (tag: Tag, value: number) => of(tag).some((it) => it.value === value)
  return { of, has, emit: (more: Sample[]) => void samples.push(...more) }
}

test('F12: a notification that never arrives ends the subscription, and its tags are bad since the last one that did', async () => {
  await using open = await converse()
  const { conversation } = open
  const seen = collect()
  const order = { tags: [count, calm], emit: seen.emit }
  const running = faultOf(runSubscription(conversation, order, never()))
  await until(() => seen.has(count, 0) && seen.has(calm, 0), 'the first values')
  const line = loseNextValues(conversation.session)
  for (let value = 1; line.lost() === 0; value++) {
    server.set('Count', value)
    await until(() => seen.has(count, value) || line.lost() > 0, 'the value, or its loss')
  }
  const before = seen.of(count).at(-1)
  const lastAt = Math.max(...[...seen.of(count), ...seen.of(calm)].map(({ at }) => at))
  // Nothing changes any more: the keep-alive tells the number that is due.
  const fault = await running
  expect(fault.code).toBe('driver.foreign-reply')
  expect(fault.message).toMatch(/notification \d+ where \d+ was due/)
  expect(before?.quality).toBe(quality.good)
  for (const tag of [count, calm]) {
    const bad = { at: lastAt + 1, quality: quality.bad, status: BAD_DATA_LOST }
    expect(seen.of(tag).at(-1)).toMatchObject(bad)
  }
})

test('a value that overtakes the answer to CreateMonitoredItems comes at once, and before newer ones', async () => {
  await using open = await converse()
  const session = open.conversation.session as unknown as {
    createMonitoredItems(request: unknown, callback: (...answer: unknown[]) => void): void
  }
  const held = Promise.withResolvers<void>()
  const create = session.createMonitoredItems.bind(session)
  session.createMonitoredItems = (request, callback) =>
    create(request, (...answer) => void held.promise.then(() => callback(...answer)))
  server.set('Calm', 10)
  const seen = collect()
  const stop = new AbortController()
  const running = runSubscription(open.conversation, { tags: [calm], emit: seen.emit }, stop.signal)
  await until(() => seen.has(calm, 10), 'the first value')
  server.set('Calm', 11)
  await until(() => seen.has(calm, 11), 'the next value')
  held.resolve()
  server.set('Calm', 12)
  await until(() => seen.has(calm, 12), 'the value after the answer')
  stop.abort()
  await running
  expect(seen.of(calm).map(({ value }) => value)).toEqual([10, 11, 12])
})

test('changes that the queue of the server had to drop leave a bad mark where they were', async () => {
  await using open = await converse({ publishingIntervalMs: 100 })
  const seen = collect()
  const stop = new AbortController()
  const order = { tags: [count], emit: seen.emit }
  const running = runSubscription(open.conversation, order, stop.signal)
  await until(() => seen.of(count).length > 0, 'the first value')
  const [first] = seen.of(count)
  for (let value = 1001; value <= 1020; value++) server.set('Count', value)
  await until(() => seen.has(count, 1020), 'the newest value')
  stop.abort()
  await running
  const [, mark, ...kept] = seen.of(count)
  const at = Number(first?.at) + 1
  expect(mark).toMatchObject({ at, value: null, quality: quality.bad, status: BAD_DATA_LOST })
  expect(kept.map(({ value }) => value)).toEqual([1016, 1017, 1018, 1019, 1020])
  expect(kept.every((it) => it.quality === quality.good)).toBe(true)
})

test('calm is told with the time up to which it is certain: a sampling interval before the keep-alive left', async () => {
  const samplingIntervalMs = 400
  await using open = await converse({ samplingIntervalMs })
  const calmAt: { at: number; heardAt: number }[] = []
  const emit = (samples: Sample[], at?: number) => {
    if (samples.length === 0 && at !== undefined) calmAt.push({ at, heardAt: Date.now() })
  }
  const stop = new AbortController()
  const running = runSubscription(open.conversation, { tags: [calm], emit }, stop.signal)
  await until(() => calmAt.length >= 3, 'three keep-alives')
  stop.abort()
  await running
  const [, one, other] = calmAt
  expect(Number(other?.at)).toBeGreaterThan(Number(one?.at))
  for (const { at, heardAt } of calmAt.slice(1)) {
    expect(at).toBeLessThanOrEqual(heardAt - samplingIntervalMs)
    expect(at).toBeGreaterThan(heardAt - 45_000)
  }
})

test('what a source tells with a time of long ago was known when it came: its clock says nothing of the line', async () => {
  await using open = await converse()
  const knownAt: number[] = []
  const told: unknown[] = []
  const emit = (samples: Sample[], at?: number) => {
    told.push(...samples.map(({ value }) => value))
    if (samples.length > 0 && at !== undefined) knownAt.push(at)
  }
  const stop = new AbortController()
  const running = runSubscription(open.conversation, { tags: [count], emit }, stop.signal)
  await until(() => told.length > 0, 'the first value')
  const changedAt = Date.now()
  server.set('Count', 4711, { at: changedAt - 3_600_000 })
  await until(() => told.includes(4711), 'the change')
  stop.abort()
  await running
  expect(knownAt.at(-1)).toBeGreaterThan(changedAt - 10_000)
})

test('a source whose clock runs ahead does not move the mark of the others behind what got lost', async () => {
  await using open = await converse()
  const { conversation } = open
  const seen = collect()
  const order = { tags: [count, calm], emit: seen.emit }
  const running = faultOf(runSubscription(conversation, order, never()))
  await until(() => seen.of(calm).length > 0 && seen.of(count).length > 0, 'the first values')
  const line = loseNextValues(conversation.session)
  let changedAt = 0
  for (let value = 101; line.lost() === 0; value++) {
    changedAt = Date.now()
    server.set('Count', value, { at: changedAt + 30_000 })
    await until(() => seen.has(count, value) || line.lost() > 0, 'the value, or its loss')
  }
  await running
  expect(seen.of(calm).at(-1)).toMatchObject({ quality: quality.bad, status: BAD_DATA_LOST })
  expect(seen.of(calm).at(-1)?.at).toBeLessThanOrEqual(changedAt + 1)
})

test('a session the server has forgotten is told as lost; the library makes no new one in silence', async () => {
  await using open = await converse()
  const { session, call } = open.conversation
  const sessions = server.sessions()
  Object.assign(session, { authenticationToken: resolveNodeId('ns=1;i=4242') })
  const read = call(session.read({ nodeId: 'i=2259', attributeId: 13 }), never())
  expect((await faultOf(read)).code).toBe('driver.disconnected')
  expect(server.sessions()).toBe(sessions)
})
