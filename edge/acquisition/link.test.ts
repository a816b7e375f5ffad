/** The link on real sockets: a Modbus device that is slow, silent, gone, and comes back. */
import { Value as Schema } from 'typebox/value'
import { expect, test } from 'vitest'
import { Fault } from '../../protocol/kit/fault.ts'
import { quality, type Sample, type Tag } from '../../protocol/model.ts'
import {
  createModbusMemory,
  type ModbusBehaviour,
  openModbusServer,
} from '../../simulators/kit/modbus-server.ts'
import { until } from '../drivers/conformance.ts'
import { openRelay } from '../drivers/conformance-relay.ts'
import type { Driver } from '../drivers/driver.ts'
import { createDriver, optionsSchema } from '../drivers/modbus/modbus.ts'
import type { GroupPlan } from './conditioner.ts'
import { createLinkCounters } from './counters.ts'
import { type LinkState, runLink } from './link.ts'

function createTag(name: string, address: number): Tag {
  const id = `s/g/plc/${name}` as const
  return { id, name, type: 'UInt16', address: { table: 'holding', address } }
}

const level = createTag('Level', 0)
const flow = createTag('Flow', 1)

const group = (more: Partial<GroupPlan> = {}): GroupPlan => {
  return {
    name: 'fast',
    intervalMs: 50,
    mode: 'poll',
    tags: [{ tag: level }, { tag: flow }],
    ...more,
  }
}

function createModbus(port: number, timeoutMs = 300): Driver {
  const given = { host: '127.0.0.1', port, timeoutMs }
  const options = Schema.Parse(optionsSchema, Schema.Default(optionsSchema, given))
  return createDriver(options, { device: 'plc', stateDir: '/nowhere' })
}

/** A device that a person has to mend first. */
function createRefusing() {
  let count = 0
  const refusing: Driver = {
    connect() {
      count++
      return Promise.reject(new Fault('driver.refused', { endpoint: 'e', reason: 'r' }))
    },
  }
  return { refusing, tries: () => count }
}

/** Starts a link and keeps what it says; disposing stops it and waits for its end. */
function startLink(driver: Driver, groups: readonly GroupPlan[]) {
  const stop = new AbortController()
  const samples: Sample[] = []
  const states: LinkState[] = []
  const counters = createLinkCounters()
  const emit = (_device: string, more: Sample[]) => void samples.push(...more)
  const onState = (state: LinkState) => void states.push(state)
  const backoff = { minMs: 20, maxMs: 50 }
  const options = { device: 'plc', driver, groups, emit, onState, counters, backoff }
  const running = runLink(options, stop.signal)
  return {
    samples,
    states,
    counters,
    of: (tag: Tag) => samples.filter((it) => it.tag === tag.id),
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
    },
  }
}

async function openDevice(behave?: () => ModbusBehaviour) {
  const memory = createModbusMemory({ holding: [[0, 10]] })
  const server = await openModbusServer({ units: { 1: memory }, behave })
  return { memory, server }
}

test('every change of a device reaches the sink once, in order of time', async () => {
  const { memory, server } = await openDevice()
  await using _ = server
  await using link = startLink(createModbus(server.port), [group()])
  for (let value = 1; value <= 5; value++) {
    memory.setUint16('holding', 0, value)
    await until(() => link.of(level).at(-1)?.value === value, `the value ${value}`)
  }
  const seen = link.of(level)
  expect(seen.map((it) => it.value).filter((it) => it !== 0)).toEqual([1, 2, 3, 4, 5])
  expect(seen.every((it, i) => i === 0 || it.at > seen[i - 1]!.at)).toBe(true)
  expect(link.states.map((it) => it.state)).toEqual(['online'])
  expect(link.counters.suppressed).toBeGreaterThan(0)
})

test('a device that goes away is told once, each tag once bad, and it comes back by itself', async () => {
  const { server } = await openDevice()
  await using _ = server
  await using relay = await openRelay(server.port)
  await using link = startLink(createModbus(relay.port), [group()])
  await until(() => link.states.length === 1, 'online')
  await relay.cut()
  await until(() => link.counters.disconnects >= 4, 'four tries')
  expect(link.states.map((it) => it.state)).toEqual(['online', 'offline'])
  expect(link.states[1]).toMatchObject({ reason: 'driver.disconnected' })
  for (const tag of [level, flow]) {
    const [good, bad, ...more] = link.of(tag)
    expect(good?.quality).toBe(quality.good)
    expect(bad).toMatchObject({ value: null, quality: quality.bad })
    expect(more).toEqual([])
  }
  await relay.restore()
  await until(() => link.states.length === 3, 'online again')
  expect(link.states[2]?.state).toBe('online')
  await until(() => link.of(level).at(-1)?.quality === quality.good, 'a good value')
  expect(link.counters.reconnects).toBe(1)
})

test('a device that accepts and never answers is offline once, however often it accepts', async () => {
  const { server } = await openDevice(() => 'silent')
  await using _ = server
  await using link = startLink(createModbus(server.port), [group()])
  await until(() => link.counters.timeouts >= 3, 'three timeouts')
  expect(link.states).toMatchObject([{ state: 'offline', reason: 'driver.timeout' }])
  expect(link.samples.map((it) => it.quality)).toEqual([quality.bad, quality.bad])
})

test('while one answer hangs the tags go stale after three intervals, before the deadline ends it', async () => {
  let isSlow = false
  const { server } = await openDevice(() => (isSlow ? { delayMs: 1000 } : undefined))
  await using _ = server
  await using link = startLink(createModbus(server.port, 45_000), [group()])
  await until(() => link.samples.length === 2, 'the first values')
  isSlow = true
  await until(() => link.counters.stale >= 2, 'two stale tags')
  expect(link.of(level).at(1)).toMatchObject({ value: 0, quality: quality.stale })
  isSlow = false
  await until(() => link.of(level).at(-1)?.quality === quality.good, 'good again')
  expect(link.states.map((it) => it.state)).toEqual(['online'])
})

test('two groups at their own rates, one connection', async () => {
  const { server } = await openDevice()
  await using _ = server
  const slow = group({ name: 'slow', intervalMs: 3_600_000, tags: [{ tag: flow }] })
  const fast = group({ tags: [{ tag: level }] })
  await using link = startLink(createModbus(server.port), [fast, slow])
  await until(() => link.counters.polls >= 10, 'ten polls')
  expect(link.of(flow)).toHaveLength(1)
  expect(server.connections()).toBe(1)
})

test('what is no fault of the device but of the program is an internal fault of this device only', async () => {
  const broken: Driver = { connect: () => Promise.reject(new TypeError('x is undefined')) }
  await using link = startLink(broken, [group()])
  await until(() => link.states.length > 0, 'offline')
  expect(link.states[0]).toMatchObject({ state: 'offline', reason: 'internal' })
  expect(link.states[0]?.sentence).toContain('x is undefined')
})

test('a fault only a person can mend waits the longest time before the next try', async () => {
  const { refusing, tries } = createRefusing()
  const stop = new AbortController()
  const states: LinkState[] = []
  const running = runLink(
    {
      device: 'plc',
      driver: refusing,
      groups: [group()],
      emit: () => {},
      onState: (state) => states.push(state),
      counters: createLinkCounters(),
      backoff: { minMs: 1, maxMs: 3_600_000 },
    },
    stop.signal,
  )
  await until(() => states.length === 1, 'offline')
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(tries()).toBe(1)
  stop.abort()
  await running
})

test('a wait that somebody ends is over at once, and there is nothing to end while it tries', async () => {
  const { refusing, tries } = createRefusing()
  const stop = new AbortController()
  const waits: ((() => void) | undefined)[] = []
  const running = runLink(
    {
      device: 'plc',
      driver: refusing,
      groups: [group()],
      emit: () => {},
      onState: () => {},
      onWait: (tryNow) => void waits.push(tryNow),
      counters: createLinkCounters(),
      backoff: { minMs: 3_600_000, maxMs: 3_600_000 },
    },
    stop.signal,
  )
  await until(() => waits.length === 1, 'the first wait')
  waits[0]?.()
  await until(() => tries() === 2 && waits.length === 3, 'the second try')
  expect(waits.map((it) => typeof it)).toEqual(['function', 'undefined', 'function'])
  stop.abort()
  await running
})

test('a link that is replaced while it reads says that its tags are unknown since the last answer, not since its end', async () => {
  let isMute = false
  const { server } = await openDevice(() => (isMute ? 'silent' : undefined))
  await using _ = server
  const stop = new AbortController()
  const samples: Sample[] = []
  const running = runLink(
    {
      ...{ device: 'plc', driver: createModbus(server.port), groups: [group()] },
      emit: (_device, more) => void samples.push(...more),
      onState: () => {},
      counters: createLinkCounters(),
      isReplaced: () => true,
    },
    stop.signal,
  )
  await until(() => samples.length === 2, 'the first values')
  isMute = true
  const asked = server.requests()
  await until(() => server.requests() > asked, 'a request under way')
  const mutedAt = Date.now()
  await until(() => Date.now() > mutedAt + 20, 'a moment')
  stop.abort()
  await running
  const marks = samples.filter((it) => it.quality === quality.bad)
  expect(marks.map((it) => it.tag)).toEqual([level.id, flow.id])
  for (const { at } of marks) expect(at).toBeLessThanOrEqual(mutedAt + 1)
})
