/** The outbox over disks that refuse: at the start, under way, for good, and back. */
import { mkdirSync, mkdtempSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Sample } from '../../protocol/model.ts'
import { type EnduringOutboxOptions, openEnduringOutbox } from './enduring-outbox.ts'
import type { Outbox } from './log-outbox.ts'

let folder = ''
let file = ''
let ms = 0
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'outbox-enduring-'))
  file = join(folder, 'outbox.db')
  ms = 1000
  vi.spyOn(performance, 'now').mockImplementation(() => ms)
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(folder, { recursive: true, force: true })
})

const refusals: (string | undefined)[] = []
const open = (options: Partial<EnduringOutboxOptions> = {}) => {
  refusals.length = 0
  return openEnduringOutbox({
    ...{ file, maxBytes: 1_000_000, maxAgeMs: 86_400_000, gateway: 'gw1', coverageLagMs: 0 },
    onDisk: (refusal) => refusals.push(refusal),
    ...options,
  })
}
const reading = (value: number): Sample => ({
  ...{ tag: 'plant/gw1/plc/Count', at: Date.now(), value, quality: 192 },
})
const all = (outbox: Outbox) => {
  const batches: ReturnType<Outbox['peek']> = []
  for (let after = 0; ; after = batches.at(-1)?.number ?? 0) {
    const found = outbox.peek(after, 100)
    if (found.length === 0) return batches
    batches.push(...found)
  }
}
const values = (outbox: Outbox) =>
  all(outbox).flatMap(({ samples }) => samples.map(({ value }) => value))
/** A folder where the file should be: SQLite cannot open it, whoever asks. */
const block = () => mkdirSync(file)

test('a disk that cannot even be opened at the start keeps readings in memory, and has them when it is back', async () => {
  block()
  {
    await using outbox = open()
    for (const value of [1, 2, 3]) outbox.append({ samples: [reading(value)] })
    expect(values(outbox)).toEqual([1, 2, 3])
    expect(outbox.depth()).toMatchObject({ samples: 3, dropped: 0, memory: { samples: 3 } })
    expect(refusals).toEqual([expect.stringContaining(file)])
    rmdirSync(file)
    ms += 60_000
    outbox.append({ samples: [reading(4)] })
    expect(outbox.depth()).toMatchObject({ samples: 4, memory: undefined })
    expect(refusals.at(-1)).toBeUndefined()
    // As a kill -9 would leave it: what is on disk now must be all.
    const image = new DatabaseSync(file, { readOnly: true })
    expect(image.prepare('SELECT sum(samples) AS sum FROM batch').get()).toEqual({ sum: 4 })
    image.close()
  }
  await using again = open()
  expect(values(again)).toEqual([1, 2, 3, 4])
})

test('until all of memory has moved back, nothing on disk says that the gateway lived', async () => {
  block()
  await using outbox = open()
  for (let value = 0; value < 1500; value++) outbox.append({ samples: [reading(value)] })
  rmdirSync(file)
  ms += 60_000
  outbox.heartbeat(Date.now())
  const image = new DatabaseSync(file, { readOnly: true })
  const lastAlive = () => Number(image.prepare('SELECT at FROM alive').get()?.at)
  expect(outbox.depth().memory?.samples).toBe(500)
  // But that it began to, a minute ago.
  const beganAt = lastAlive()
  expect(beganAt).toBeLessThan(Date.now() - 50_000)
  outbox.heartbeat(Date.now())
  expect(outbox.depth().memory).toBeUndefined()
  expect(lastAlive()).toBeGreaterThan(beganAt + 50_000)
  image.close()
})

test('what waits in memory is read and acknowledged there, and the numbers of a file are never meant', async () => {
  block()
  await using outbox = open()
  const first = outbox.append({ samples: [reading(1)] })
  const second = outbox.append({ samples: [reading(2)] })
  expect(outbox.peek(0, 10).map(({ number }) => number)).toEqual([first, second])
  outbox.acknowledge(first, first)
  expect(values(outbox)).toEqual([2])
  rmdirSync(file)
  ms += 60_000
  outbox.heartbeat(Date.now())
  const third = outbox.append({ samples: [reading(3)] })
  expect(third).toBeLessThan(first)
  // The acknowledgement of what has moved meanwhile comes late.
  outbox.acknowledge(second, second)
  expect(values(outbox)).toEqual([2, 3])
})

test('full memory drops the oldest, counts them and tells a gap "disk-full"', async () => {
  block()
  await using outbox = open({ maxMemoryBytes: 4000 })
  for (let value = 0; value < 500; value++) outbox.append({ samples: [reading(value)] })
  const kept = new Set(values(outbox))
  expect(kept.has(499)).toBe(true)
  expect(outbox.depth()).toMatchObject({
    dropped: 500 - kept.size,
    droppedInMemory: 500 - kept.size,
  })
  const gaps = all(outbox).flatMap((batch) => batch.gaps)
  expect(new Set(gaps.map(({ reason }) => reason))).toEqual(new Set(['disk-full']))
  expect(gaps.reduce((sum, { lost = 0 }) => sum + lost, 0)).toBe(500 - kept.size)
})

test('a disk that refuses under way goes on in memory; its backlog is still read', async () => {
  await using outbox = open()
  outbox.append({ samples: [reading(1)] })
  const jam = new DatabaseSync(file)
  jam.exec(
    "CREATE TRIGGER jam BEFORE INSERT ON batch BEGIN SELECT RAISE(FAIL, 'disk trouble'); END",
  )
  const inMemory = outbox.append({ samples: [reading(2)] })
  expect(inMemory).toBeGreaterThan(1_000_000)
  // Closed until it is tried again: what lies on it still waits.
  expect(outbox.depth()).toMatchObject({ batches: 2, samples: 2 })
  jam.exec('DROP TRIGGER jam')
  jam.close()
  ms += 60_000
  outbox.append({ samples: [reading(3)] })
  expect(values(outbox)).toEqual([1, 2, 3])
  expect(outbox.depth().memory).toBeUndefined()
})

test('a file that is set aside under way has a successor that counts on: an answer for the old one must not mean a batch of the new one', async () => {
  await using outbox = open()
  const numbers = [1, 2, 3].map((value) => outbox.append({ samples: [reading(value)] }))
  const jam = new DatabaseSync(file)
  jam.exec("CREATE TRIGGER jam BEFORE INSERT ON batch BEGIN SELECT RAISE(FAIL, 'no'); END")
  jam.close()
  outbox.append({ samples: [reading(4)] })
  // Closed until it is tried again, and spoilt meanwhile.
  for (const suffix of ['-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true })
  writeFileSync(file, 'no database '.repeat(1000))
  ms += 60_000
  const later = outbox.append({ samples: [reading(5)] })
  expect(values(outbox)).toEqual([4, 5])
  expect(later).toBeGreaterThan(3)
  outbox.acknowledge(numbers[0]!, numbers[2]!)
  expect(values(outbox)).toEqual([4, 5])
})

test('what a first start could keep in memory only lies in a gap, should it die with it', async () => {
  let readAt = 0
  {
    const outbox = open()
    const jam = new DatabaseSync(file)
    jam.exec("CREATE TRIGGER jam BEFORE INSERT ON batch BEGIN SELECT RAISE(FAIL, 'no'); END")
    const only = reading(1)
    readAt = only.at
    outbox.append({ samples: [only] })
    await outbox[Symbol.asyncDispose]()
    jam.exec('DROP TRIGGER jam')
    jam.close()
  }
  await using outbox = open({ now: () => Date.now() + 5_000 })
  const [gap] = all(outbox).flatMap(({ gaps }) => gaps)
  expect(gap).toMatchObject({ reason: 'gateway-down' })
  expect(gap!.from).toBeLessThanOrEqual(readAt)
  expect(gap!.to).toBeGreaterThan(Date.now())
})

test('the dead time ends where acquisition began, not where the disk came back', async () => {
  const diedAt = Date.now() - 60_000
  {
    await using outbox = open({ now: () => diedAt })
    outbox.append({ samples: [reading(1)] })
  }
  // A reboot lies in between: the clock alone tells.
  const other = new DatabaseSync(file)
  other.exec("UPDATE uptime SET boot = 'another'")
  other.close()
  renameSync(file, `${file}.away`)
  block()
  const startedAt = Date.now()
  let now = startedAt
  await using outbox = open({ now: () => now })
  for (let value = 0; value < 1500; value++) outbox.append({ samples: [reading(2)] })
  rmdirSync(file)
  renameSync(`${file}.away`, file)
  ms += 40_000
  now += 40_000
  outbox.heartbeat(now)
  // The gap itself is no sign of life either.
  expect(outbox.lastAlive()).toBe(diedAt)
  expect(all(outbox).flatMap(({ gaps }) => gaps)).toEqual([
    { gateway: 'gw1', from: diedAt, to: startedAt, reason: 'gateway-down' },
  ])
})

test('while nobody knows the time no gap is told; the dead time is told once the clock is set', async () => {
  const diedAt = Date.now() - 60_000
  {
    await using outbox = open({ now: () => diedAt })
    outbox.append({ samples: [reading(1)] })
  }
  const other = new DatabaseSync(file)
  other.exec("UPDATE uptime SET boot = 'another'")
  other.close()
  const clock = { at: 86_400_000, isSet: false }
  await using outbox = open({ now: () => clock.at, isClockSet: () => clock.isSet })
  outbox.append({ samples: [reading(2)] })
  outbox.heartbeat(clock.at)
  expect(all(outbox).flatMap(({ gaps }) => gaps)).toEqual([])
  expect(outbox.lastAlive()).toBe(diedAt)
  ms += 5000
  const setAt = Date.now()
  Object.assign(clock, { at: setAt, isSet: true })
  outbox.append({ samples: [reading(3)] })
  expect(all(outbox).flatMap(({ gaps }) => gaps)).toEqual([
    { gateway: 'gw1', from: diedAt, to: setAt - 5000, reason: 'gateway-down' },
  ])
  // Nothing was dropped as if it were half a century old.
  expect(values(outbox)).toEqual([1, 2, 3])
})
