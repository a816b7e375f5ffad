/** What every driver must do, run by each driver's test against its own simulator through a relay. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { Fault } from '../../protocol/kit/fault.ts'
import { quality, type Sample, type Tag, type Value } from '../../protocol/model.ts'
import { openRelay, type Relay } from './conformance-relay.ts'
import type { Connection, Driver } from './driver.ts'

/** A simulator with something to read. */
export interface Bench extends AsyncDisposable {
  readonly port: number
  /** A driver that goes through this port, with deadlines of about half a second. */
  createDriver(port: number): Driver
  /** At least three, all readable. */
  readonly tags: readonly Tag[]
  /** What they read now. */
  values(): readonly Value[]
  /** Gives every tag another value. */
  change(): void
  /** Its address is well-formed, but the device does not have it. */
  readonly badTag: Tag
}

interface Scene extends AsyncDisposable {
  bench: Bench
  relay: Relay
  driver: Driver
  connect(): Promise<Connection>
}

const never = () => new AbortController().signal

async function openScene(openBench: () => Promise<Bench>): Promise<Scene> {
  const stack = new AsyncDisposableStack()
  const bench = stack.use(await openBench())
  const relay = stack.use(await openRelay(bench.port))
  const driver = bench.createDriver(relay.port)
  return {
    bench,
    relay,
    driver,
    connect: async () => stack.use(await driver.connect(never())),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

/** The code of the fault a promise is rejected with; anything else is a failure of the test. */
async function faultCode(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof Fault)) throw new Error(`no fault but ${String(error)}`, { cause: error })
  return error.code
}

/** Waits for a condition with a deadline so generous that only a hang misses it. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 1500; i++) {
    if (condition()) return
    await sleep(10)
  }
  throw new Error(`never came: ${what}`)
}

const pick = (samples: readonly Sample[]) => samples.map(({ value }) => value)

/** Registers the suite under the driver's name. */
export function runConformance(name: string, openBench: () => Promise<Bench>): void {
  describe(`${name} conforms`, () => {
    describeReading(() => openScene(openBench))
    describeTrouble(() => openScene(openBench))
    describeEnd(() => openScene(openBench))
  })
}

function describeReading(open: () => Promise<Scene>): void {
  test('one good sample per tag, in the order asked, whatever that order is', async () => {
    await using scene = await open()
    const { tags } = scene.bench
    const connection = await scene.connect()
    const samples = await connection.read(tags, never())
    expect(pick(samples)).toEqual(scene.bench.values())
    expect(samples.map((it) => it.tag)).toEqual(tags.map((it) => it.id))
    expect(samples.every((it) => it.quality === quality.good)).toBe(true)
    expect(samples.every((it) => Math.abs(it.at - Date.now()) < 60_000)).toBe(true)
    const backwards = await connection.read(tags.toReversed(), never())
    expect(pick(backwards)).toEqual(scene.bench.values().toReversed())
  })

  test('a tag the device does not have is one bad sample, its neighbours stay good', async () => {
    await using scene = await open()
    const { tags, badTag } = scene.bench
    const connection = await scene.connect()
    const mixed = [...tags.slice(0, 1), badTag, ...tags.slice(1)]
    const samples = await connection.read(mixed, never())
    expect(samples.map((it) => it.tag)).toEqual(mixed.map((it) => it.id))
    expect(samples[1]).toMatchObject({ value: null, quality: quality.bad })
    expect(samples[1]?.status).toBeGreaterThan(0)
    expect(pick(samples.toSpliced(1, 1))).toEqual(scene.bench.values())
  })

  test('a changed value is read as changed', async () => {
    await using scene = await open()
    const connection = await scene.connect()
    const before = pick(await connection.read(scene.bench.tags, never()))
    scene.bench.change()
    const after = pick(await connection.read(scene.bench.tags, never()))
    expect(after).toEqual(scene.bench.values())
    expect(after).not.toEqual(before)
  })
}

function describeTrouble(open: () => Promise<Scene>): void {
  test('nobody there: connecting is a fault that a retry can mend', async () => {
    await using scene = await open()
    await scene.relay.cut()
    expect(await faultCode(scene.driver.connect(never()))).toBe('driver.disconnected')
    await scene.relay.restore()
    const connection = await scene.connect()
    expect(pick(await connection.read(scene.bench.tags, never()))).toEqual(scene.bench.values())
  })

  test('a cut line is driver.disconnected, and a new connection reads again', async () => {
    await using scene = await open()
    const connection = await scene.connect()
    await connection.read(scene.bench.tags, never())
    await scene.relay.cut()
    expect(await faultCode(connection.read(scene.bench.tags, never()))).toBe('driver.disconnected')
    await scene.relay.restore()
    const again = await scene.connect()
    expect(pick(await again.read(scene.bench.tags, never()))).toEqual(scene.bench.values())
  })

  test('a device that accepts and never answers is driver.timeout when connected to or read', async () => {
    await using scene = await open()
    const connection = await scene.connect()
    scene.relay.hold()
    expect(await faultCode(connection.read(scene.bench.tags, never()))).toBe('driver.timeout')
    const silent = scene.driver.connect(never()).then(async (it) => {
      await using fresh = it
      return await fresh.read(scene.bench.tags, never())
    })
    expect(await faultCode(silent)).toBe('driver.timeout')
  })

  test('an answer that comes after the deadline never becomes a value', async () => {
    await using scene = await open()
    const connection = await scene.connect()
    scene.relay.hold()
    expect(await faultCode(connection.read(scene.bench.tags, never()))).toBe('driver.timeout')
    scene.bench.change()
    scene.relay.release()
    const now = scene.bench.values()
    for (let i = 0; i < 3; i++) {
      const late = await connection.read(scene.bench.tags, never()).catch((error: unknown) => error)
      if (late instanceof Fault) continue
      expect(pick(late as Sample[])).toEqual(now)
    }
    const again = await scene.connect()
    expect(pick(await again.read(scene.bench.tags, never()))).toEqual(now)
  })
}

function describeEnd(open: () => Promise<Scene>): void {
  test('aborting rejects a read in flight and a connect before its start', async () => {
    await using scene = await open()
    const connection = await scene.connect()
    scene.relay.hold()
    const stop = new AbortController()
    const reading = connection.read(scene.bench.tags, stop.signal)
    stop.abort(new Error('enough'))
    await expect(reading).rejects.toThrow('enough')
    await expect(scene.driver.connect(AbortSignal.abort(new Error('never')))).rejects.toThrow(
      'never',
    )
  })

  test('disposing settles what is in flight and leaves no socket open', async () => {
    await using scene = await open()
    const connection = await scene.driver.connect(never())
    scene.relay.hold()
    const reading = connection.read(scene.bench.tags, never()).then(
      () => 'values',
      () => 'rejected',
    )
    await connection[Symbol.asyncDispose]()
    expect(await reading).toBe('rejected')
    await until(() => scene.relay.open() === 0, 'the last socket closed')
  })

  test('a connect that fails half-way leaves no socket open', async () => {
    await using scene = await open()
    scene.relay.hold()
    const opening = scene.driver.connect(never()).then((it) => it[Symbol.asyncDispose]())
    await opening.catch((error: unknown) => expect(error).toBeInstanceOf(Fault))
    await until(() => scene.relay.open() === 0, 'the last socket closed')
  })
}
