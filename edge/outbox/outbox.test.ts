/** The outbox on a real file: order, bounds, gaps, kill -9, torn and damaged files. */
import { spawn } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Sample } from '../../protocol/model.ts'
import { type Outbox, type OutboxOptions, openOutbox } from './outbox.ts'

let folder = ''
let clock = 1_000_000
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'outbox-'))
  clock = 1_000_000
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const open = (options: Partial<OutboxOptions> = {}) =>
  openOutbox({
    file: join(folder, 'outbox.db'),
    maxBytes: 1_000_000,
    maxAgeMs: 86_400_000,
    gateway: 'gw1',
    now: () => clock,
    ...options,
  })
const reading = (value: number, at = clock): Sample => ({
  tag: 'plant/gw1/plc/Count',
  at,
  value,
  quality: 192,
})
const values = (outbox: Outbox) =>
  outbox.peek(0, 1_000_000).flatMap((batch) => batch.samples.map((sample) => sample.value))
const gaps = (outbox: Outbox) => outbox.peek(0, 1_000_000).flatMap((batch) => batch.gaps)

test('numbers batches 1, 2, 3 and keeps exactly what is not acknowledged', async () => {
  await using outbox = open()
  for (const value of [10, 20, 30, 40]) outbox.append({ samples: [reading(value)] })
  outbox.acknowledge(2, 3)
  expect(outbox.peek(0, 10)).toEqual([
    { number: 1, samples: [reading(10)], gaps: [] },
    { number: 4, samples: [reading(40)], gaps: [] },
  ])
  expect(outbox.peek(1, 10).map((batch) => batch.number)).toEqual([4])
  expect(outbox.depth()).toMatchObject({ batches: 2, samples: 2, oldestAt: clock, dropped: 0 })
})

test('its sign of life is at most a second older than its last batch', async () => {
  await using outbox = open()
  for (let round = 0; round < 50; round++) {
    clock += 130
    outbox.append({ samples: [reading(round)] })
    expect(clock - (outbox.lastAlive() ?? 0)).toBeLessThan(1_000)
  }
  // A clock that was set back says so at once: dead time must not begin in the future.
  clock -= 60_000
  outbox.append({ samples: [reading(50)] })
  expect(outbox.lastAlive()).toBe(clock)
})

test('goes on counting after everything was acknowledged and the file was opened again', async () => {
  {
    await using outbox = open()
    outbox.append({ samples: [reading(1)] })
    outbox.acknowledge(1, 1)
  }
  await using outbox = open()
  expect(outbox.append({ samples: [reading(2)] })).toBe(2)
})

test('tells the dead time between two runs as one gap, from what may have died in memory before, and none at the very first start', async () => {
  {
    await using outbox = open()
    expect(outbox.lastAlive()).toBeUndefined()
    outbox.append({ samples: [reading(1)] })
    outbox.heartbeat(clock + 500)
    clock += 500
  }
  clock += 10_000
  await using outbox = open({ coverageLagMs: 0 })
  expect(gaps(outbox)).toEqual([
    { gateway: 'gw1', from: 1_000_500, to: 1_010_500, reason: 'gateway-down' },
  ])
  expect(outbox.lastAlive()).toBe(clock)
})

test('lets the dead time begin early enough for what was still in memory', async () => {
  {
    await using outbox = open()
    outbox.heartbeat(clock)
  }
  clock += 10_000
  await using outbox = open({ coverageLagMs: 700 })
  expect(gaps(outbox)).toMatchObject([{ from: 1_000_000 - 700, to: 1_010_000 }])
})

describe('when full', () => {
  test('drops the oldest, counts them, and tells gaps that cover exactly what is missing', async () => {
    await using outbox = open({ maxBytes: 5_000 })
    for (let value = 0; value < 1_000; value++) {
      clock += 10
      outbox.append({ samples: [reading(value)] })
    }
    const kept = new Set(values(outbox))
    const { dropped, bytes } = outbox.depth()
    expect(kept.has(999)).toBe(true)
    expect(dropped).toBe(1_000 - kept.size)
    expect(bytes).toBeLessThan(5_000 + 200)
    const told = gaps(outbox)
    expect(told.length).toBeLessThan(dropped / 10)
    expect(told.reduce((sum, gap) => sum + (gap.lost ?? 0), 0)).toBe(dropped)
    const instants = Array.from({ length: 1_000 }, (_, value) => 1_000_010 + value * 10)
    const inGap = instants.map((at) => told.some(({ from, to }) => at >= from && at < to))
    expect(inGap).toEqual(instants.map((_, value) => !kept.has(value)))
  })

  test('counts right when an acknowledgement comes for what was dropped meanwhile, or comes twice', async () => {
    await using outbox = open({ maxAgeMs: 1_000 })
    for (const value of [1, 2, 3]) outbox.append({ samples: [reading(value)] })
    clock += 2_000
    outbox.append({ samples: [reading(4)] })
    const before = outbox.depth()
    outbox.acknowledge(1, 3)
    expect(outbox.depth()).toEqual(before)
    expect(outbox.isEmpty()).toBe(false)
    const numbers = outbox.peek(0, 10).map(({ number }) => number)
    outbox.acknowledge(numbers[0] ?? 0, numbers.at(-1) ?? 0)
    outbox.acknowledge(numbers[0] ?? 0, numbers.at(-1) ?? 0)
    expect(outbox.depth()).toMatchObject({ batches: 0, samples: 0, bytes: 0 })
    expect(outbox.isEmpty()).toBe(true)
  })

  test('drops what is older than the age limit', async () => {
    await using outbox = open({ maxAgeMs: 1_000 })
    outbox.append({ samples: [reading(1)] })
    clock += 2_000
    outbox.append({ samples: [reading(2)] })
    expect(values(outbox)).toEqual([2])
    expect(outbox.depth().dropped).toBe(1)
  })

  test('a clock that jumps ahead makes nothing older: what waited stays, what comes ages from there', async () => {
    let monoMs = 0
    using _ = vi.spyOn(performance, 'now').mockImplementation(() => monoMs)
    const HOUR_MS = 3_600_000
    await using outbox = open({ maxAgeMs: 48 * HOUR_MS })
    const pass = (ms: number) => {
      clock += ms
      monoMs += ms
    }
    outbox.append({ samples: [reading(1)] })
    pass(HOUR_MS)
    // A battery that died, or one word of a host whose clock is wrong: it is the year 2100.
    clock += 74 * 365 * 24 * HOUR_MS
    for (const value of [2, 3]) outbox.append({ samples: [reading(value)] })
    pass(12 * HOUR_MS)
    outbox.append({ samples: [reading(4)] })
    expect(values(outbox)).toEqual([1, 2, 3, 4])
    expect(outbox.depth().dropped).toBe(0)
    // Time goes on, and everything has its age by it.
    for (let hours = 13; hours < 49; hours++) {
      pass(HOUR_MS)
      outbox.append({ samples: [] })
    }
    expect(values(outbox)).toEqual([2, 3, 4])
  })

  test('never drops a gap that is itself waiting to be told', async () => {
    {
      await using outbox = open()
      outbox.append({ samples: [reading(1)] })
    }
    clock += 5_000
    await using outbox = open({ maxAgeMs: 1_000 })
    clock += 2_000
    outbox.append({ samples: [reading(2)] })
    expect(
      gaps(outbox)
        .map(({ reason }) => reason)
        .sort(),
    ).toEqual(['gateway-down', 'outbox-full'])
  })
})

describe('a damaged file', () => {
  const corruptParts = () => readdirSync(folder).filter((name) => name.includes('.corrupt-'))

  test('that is no database is set aside, kept, and told as a gap; appending goes on', async () => {
    writeFileSync(join(folder, 'outbox.db'), 'not a database at all '.repeat(500))
    await using outbox = open()
    expect(corruptParts()).toHaveLength(1)
    expect(gaps(outbox).map(({ reason }) => reason)).toEqual(['corrupt'])
    outbox.append({ samples: [reading(1)] })
    expect(values(outbox)).toEqual([1])
  })

  test('whose header names no known format is set aside, instead of keeping the gateway down', async () => {
    {
      await using outbox = open()
      outbox.append({ samples: [reading(1)] })
    }
    const { openSync, writeSync, closeSync } = await import('node:fs')
    const handle = openSync(join(folder, 'outbox.db'), 'r+')
    // The schema format number, 1 to 4 (SQLite file format, 1.3.9).
    writeSync(handle, Buffer.alloc(4, 0x5a), 0, 4, 44)
    closeSync(handle)
    await using outbox = open()
    expect(corruptParts()).toHaveLength(1)
    expect(gaps(outbox).some(({ reason }) => reason === 'corrupt')).toBe(true)
  })

  test('with an overwritten page is set aside', async () => {
    {
      await using outbox = open()
      for (let value = 0; value < 2_000; value++) outbox.append({ samples: [reading(value)] })
    }
    const file = join(folder, 'outbox.db')
    const size = statSync(file).size
    const { openSync, writeSync, closeSync } = await import('node:fs')
    const handle = openSync(file, 'r+')
    writeSync(handle, Buffer.alloc(size - 4096, 0xa5), 0, size - 4096, 4096)
    closeSync(handle)
    await using outbox = open()
    expect(corruptParts().length).toBeGreaterThan(0)
    expect(gaps(outbox).some(({ reason }) => reason === 'corrupt')).toBe(true)
  })

  test('one flipped bit inside one batch costs that batch only, and is told', async () => {
    await using outbox = open()
    for (const value of [1, 2, 3]) outbox.append({ samples: [reading(value)] })
    const other = new DatabaseSync(join(folder, 'outbox.db'))
    const { body } = other.prepare('SELECT body FROM batch WHERE number = 2').get() as {
      body: Uint8Array
    }
    body[6]! ^= 1
    other.prepare('UPDATE batch SET body = ? WHERE number = 2').run(body)
    other.close()
    expect(values(outbox)).toEqual([1, 3])
    expect(gaps(outbox)).toEqual([
      { gateway: 'gw1', from: clock, to: clock + 1, reason: 'corrupt', lost: 1 },
    ])
    expect(outbox.depth()).toMatchObject({ samples: 2, dropped: 1 })
  })
})

test('a folder that does not exist is a Fault with the file in it', () => {
  expect(() => open({ file: join(folder, 'none', 'outbox.db') })).toThrow(
    expect.objectContaining({ code: 'outbox.unwritable' }),
  )
})

test('a power cut image (database and torn WAL copied in mid-write) opens with a prefix of what was written', async () => {
  await using outbox = open()
  for (let value = 0; value < 200; value++) outbox.append({ samples: [reading(value)] })
  const file = join(folder, 'outbox.db')
  for (const cut of [0, 1, 33, 4_000, 9_999]) {
    const image = join(folder, `image-${cut}.db`)
    copyFileSync(file, image)
    copyFileSync(`${file}-wal`, `${image}-wal`)
    truncateSync(`${image}-wal`, Math.max(0, statSync(`${file}-wal`).size - cut))
    await using cutBox = open({ file: image })
    const found = values(cutBox)
    expect(found).toEqual(Array.from({ length: found.length }, (_, value) => value))
    expect(found.length).toBeGreaterThan(190 - cut / 100)
    expect(existsSync(image)).toBe(true)
  }
})

test('kill -9 at random points, 12 rounds: every integer whose append returned is there once, with one gap a round', async () => {
  const file = join(folder, 'killed.db')
  const fixture = fileURLToPath(new URL('./append.fixture.ts', import.meta.url))
  const returned: number[] = []
  const ROUNDS = 12
  for (let round = 0; round < ROUNDS; round++) {
    // A killed append may be durable without having returned: the next round leaves one number out.
    const first = (returned.at(-1) ?? -2) + 2
    const child = spawn(process.execPath, [fixture, file, String(first)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const enough = first + 1 + Math.floor(Math.random() * 40)
    let text = ''
    await new Promise<void>((resolve) => {
      child.stdout.on('data', (part: Buffer) => {
        text += part
        if (Number(text.trim().split('\n').at(-1)) >= enough) child.kill('SIGKILL')
      })
      child.once('close', () => resolve())
    })
    // The last line may be torn by the kill.
    returned.push(...text.slice(0, text.lastIndexOf('\n')).split('\n').map(Number))
  }
  await using outbox = openOutbox({
    file,
    maxBytes: 50_000_000,
    maxAgeMs: 86_400_000,
    gateway: 'gw1',
  })
  const found = values(outbox)
  expect(new Set(found).size).toBe(found.length)
  const there = new Set(found)
  expect(returned.filter((value) => !there.has(value))).toEqual([])
  expect(gaps(outbox).every(({ reason }) => reason === 'gateway-down')).toBe(true)
  expect(gaps(outbox).length).toBeGreaterThanOrEqual(ROUNDS - 1)
  expect(gaps(outbox).length).toBeLessThanOrEqual(ROUNDS)
})
