/** The Modbus driver against a Modbus server that can misbehave. */
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { quality } from '../../../protocol/model.ts'
import type { ModbusRequest } from '../../../simulators/kit/modbus-pdu.ts'
import {
  createModbusMemory,
  encodeAdu,
  type ModbusBehaviour,
  openModbusServer,
} from '../../../simulators/kit/modbus-server.ts'
import { runConformance } from '../conformance.ts'
import { createModbus, createTag, holding, level } from './bench-tags.ts'
import { openModbusBench } from './conformance-bench.fixture.ts'

const never = () => new AbortController().signal

runConformance('modbus', () =>
  openModbusBench(createModbus, (memory) => openModbusServer({ units: { 1: memory } })),
)

describe('F17: refusals', () => {
  test('one hole among a hundred registers leaves ninety-nine good, is left in peace, and heals', async () => {
    const memory = createModbusMemory({
      holding: [
        [0, 57],
        [58, 42],
      ],
    })
    for (let i = 0; i < 100; i++) if (i !== 57) memory.setUint16('holding', i, i * 3)
    await using server = await openModbusServer({ units: { 1: memory } })
    await using connection = await createModbus(server.port).connect(never())
    const tags = Array.from({ length: 100 }, (_, i) => createTag(`R${i}`, 'UInt16', holding(i)))
    const first = await connection.read(tags, never())
    expect(first[57]).toMatchObject({ value: null, quality: quality.bad, status: 2 })
    expect(first.filter((it, i) => it.quality === quality.good && it.value === i * 3).length).toBe(
      99,
    )
    const before = server.requests()
    const second = await connection.read(tags, never())
    expect(second[57]?.status).toBe(2)
    // Around the hole: two blocks, and at most one look whether it has healed.
    expect(server.requests() - before).toBeLessThanOrEqual(3)
    memory.holding.set(57, 4711)
    await expect
      .poll(async () => (await connection.read(tags, never()))[57]?.value, { timeout: 10_000 })
      .toBe(4711)
    await connection.read(tags, never())
    const healed = server.requests()
    await connection.read(tags, never())
    expect(server.requests() - healed).toBe(1)
  })

  test('a device that refused everything while it started is whole again at the first look', async () => {
    const memory = createModbusMemory({ holding: [[0, 300]] })
    let isStarting = true
    const behave = (): ModbusBehaviour => (isStarting ? { exception: 2 } : undefined)
    await using server = await openModbusServer({ units: { 1: memory }, behave })
    await using connection = await createModbus(server.port).connect(never())
    const tags = Array.from({ length: 300 }, (_, i) => createTag(`R${i}`, 'UInt16', holding(i)))
    const goodOf = async () =>
      (await connection.read(tags, never())).filter((it) => it.quality === quality.good).length
    expect(await goodOf()).toBe(0)
    isStarting = false
    // The first wait of a hole is 50 ms, the second, of those that were asked again in a slow first read, twice that.
    await sleep(400)
    expect(await goodOf()).toBe(300)
    expect(connection.counters().holes).toBe(0)
    const asked = server.requests()
    expect(await goodOf()).toBe(300)
    expect(server.requests() - asked).toBe(3)
  })

  test('a gap that may not be read over is remembered', async () => {
    const memory = createModbusMemory({
      holding: [
        [0, 2],
        [6, 2],
      ],
    })
    await using server = await openModbusServer({ units: { 1: memory } })
    await using connection = await createModbus(server.port).connect(never())
    const tags = [0, 1, 6, 7].map((i) => createTag(`R${i}`, 'UInt16', holding(i)))
    const samples = await connection.read(tags, never())
    expect(samples.every((it) => it.quality === quality.good)).toBe(true)
    const before = server.requests()
    await connection.read(tags, never())
    expect(server.requests() - before).toBe(2)
  })

  test('a unit behind the gateway that is down (11) is bad, left in peace, and the others go on', async () => {
    const memory = createModbusMemory({ holding: [[0, 4]] })
    const units: Record<number, typeof memory> = { 1: memory }
    await using server = await openModbusServer({ units })
    const driver = createModbus(server.port, { holeRetryMs: 300 })
    await using connection = await driver.connect(never())
    const tags = [2, 1].map((unit) => createTag(`U${unit}`, 'UInt16', holding(0, { unitId: unit })))
    const samples = await connection.read(tags, never())
    expect(samples[0]).toMatchObject({ quality: quality.bad, status: 11 })
    expect(samples[1]?.quality).toBe(quality.good)
    units[2] = memory
    await expect
      .poll(async () => (await connection.read(tags, never()))[0]?.quality, { timeout: 10_000 })
      .toBe(quality.good)
  })

  for (const exception of [5, 6]) {
    test(`busy (${exception}) is no bad address: the unit is left in peace for a moment, then all is good`, async () => {
      const memory = createModbusMemory({ holding: [[0, 100]] })
      let isBusy = true
      const behave = (): ModbusBehaviour => (isBusy ? { exception } : undefined)
      await using server = await openModbusServer({ units: { 1: memory }, behave })
      const driver = createModbus(server.port, { busyRetryMs: 200 })
      await using connection = await driver.connect(never())
      const far = createTag('Far', 'UInt16', holding(90))
      const samples = await connection.read([level, far], never())
      expect(samples).toMatchObject([{ status: exception }, { status: exception, value: null }])
      await connection.read([level, far], never())
      // Two blocks, asked for twice; a busy device is not asked four times.
      expect(server.requests()).toBe(1)
      expect(connection.counters()).toMatchObject({ busy: 1, holes: 0 })
      isBusy = false
      await expect
        .poll(async () => (await connection.read([level], never()))[0]?.quality, {
          timeout: 10_000,
        })
        .toBe(quality.good)
    })
  }

  test('a device without the function of a table (1) is not asked for smaller pieces of it', async () => {
    const memory = createModbusMemory({ holding: [[0, 100]], input: [[0, 4]] })
    const behave = ({ fn }: ModbusRequest): ModbusBehaviour =>
      fn === 3 ? { exception: 1 } : undefined
    await using server = await openModbusServer({ units: { 1: memory }, behave })
    await using connection = await createModbus(server.port).connect(never())
    const tags = Array.from({ length: 50 }, (_, i) => createTag(`R${i}`, 'UInt16', holding(i)))
    const input = createTag('In', 'UInt16', { table: 'input', address: 0 })
    const samples = await connection.read([...tags, input], never())
    expect(samples.slice(0, 50).every((it) => it.status === 1)).toBe(true)
    expect(samples[50]?.quality).toBe(quality.good)
    expect(server.requests()).toBe(2)
  })

  for (const exception of [2, 3]) {
    test(`a device that refuses 125 registers (${exception}) but answers 60 is learned, and nothing is bad meanwhile`, async () => {
      const memory = createModbusMemory({ holding: [[0, 125]] })
      for (let i = 0; i < 125; i++) memory.setUint16('holding', i, i)
      const behave = ({ quantity }: ModbusRequest): ModbusBehaviour =>
        quantity > 60 ? { exception } : undefined
      await using server = await openModbusServer({ units: { 1: memory }, behave })
      await using connection = await createModbus(server.port).connect(never())
      const tags = Array.from({ length: 125 }, (_, i) => createTag(`R${i}`, 'UInt16', holding(i)))
      for (let round = 0; round < 12; round++) {
        const samples = await connection.read(tags, never())
        expect(samples.map((it) => it.value)).toEqual(tags.map((_, i) => i))
      }
      expect(connection.counters().learnedLimits).toEqual([
        { unit: 1, kind: 'registers', limit: 60 },
      ])
      const before = server.requests()
      await connection.read(tags, never())
      expect(server.requests() - before).toBe(3)
    })
  }
})

describe('F16, F18: replies that answer something else', () => {
  const memory = createModbusMemory({ holding: [[0, 20]] })
  const good = Buffer.from([3, 2, 0x11, 0x11])
  const cases: Record<string, (request: ModbusRequest) => Buffer> = {
    'another transaction': (it) => encodeAdu(it.transaction + 1, it.unit, good),
    'another unit': (it) => encodeAdu(it.transaction, it.unit + 1, good),
    'another function': (it) => encodeAdu(it.transaction, it.unit, Buffer.from([4, 2, 0x11, 0x11])),
    'an exception of another unit': (it) =>
      encodeAdu(it.transaction, it.unit + 1, Buffer.from([0x83, 2])),
    'a byte count that does not match': (it) =>
      encodeAdu(it.transaction, it.unit, Buffer.from([3, 4, 0x11, 0x11])),
    'too many registers': (it) =>
      encodeAdu(it.transaction, it.unit, Buffer.from([3, 4, 0x11, 0x11, 0x22, 0x22])),
    'another protocol': (it) => {
      const adu = encodeAdu(it.transaction, it.unit, good)
      adu.writeUInt16BE(7, 2)
      return adu
    },
    'the answer twice': (it) => {
      const adu = encodeAdu(it.transaction, it.unit, good)
      return Buffer.concat([adu, adu])
    },
    'garbage in front': (it) =>
      Buffer.concat([Buffer.of(0xff), encodeAdu(it.transaction, it.unit, good)]),
    'a reply cut short': (it) => encodeAdu(it.transaction, it.unit, good).subarray(0, -1),
    'a length of nothing': (it) => {
      const adu = encodeAdu(it.transaction, it.unit, good)
      adu.writeUInt16BE(0, 4)
      return adu
    },
    'a length without end': (it) => {
      const adu = encodeAdu(it.transaction, it.unit, good)
      adu.writeUInt16BE(60_000, 4)
      return adu
    },
  }
  for (const [name, encode] of Object.entries(cases)) {
    test(`${name}: a fault or a true value, and the line is given up`, async () => {
      let isEvil = true
      const behave = (it: ModbusRequest) => (isEvil ? { raw: encode(it) } : undefined)
      await using server = await openModbusServer({ units: { 1: memory }, behave })
      await using connection = await createModbus(server.port).connect(never())
      memory.setUint16('holding', 0, 0x1111)
      const first = await connection.read([level], never()).catch((error) => error.code)
      const code = name === 'a reply cut short' ? 'driver.timeout' : 'driver.foreign-reply'
      if (name !== 'the answer twice') expect(first).toBe(code)
      isEvil = false
      memory.setUint16('holding', 0, 0x2222)
      const after = connection.read([level], never())
      // What only ended too early costs its socket; the next request goes over another one.
      if (name === 'a reply cut short') expect((await after)[0]?.value).toBe(0x2222)
      else {
        await expect(after).rejects.toMatchObject({
          code: expect.stringMatching(/^driver\.(disconnected|foreign-reply)$/),
        })
      }
    })
  }

  test('a late reply whose transaction id comes round again after 256 requests is never a value', async () => {
    let isFirst = true
    const behave = (): ModbusBehaviour => {
      if (!isFirst) return undefined
      isFirst = false
      return { delayMs: 1_600 }
    }
    await using server = await openModbusServer({ units: { 1: memory }, behave })
    const driver = createModbus(server.port, { timeoutMs: 1_500 })
    memory.setUint16('holding', 0, 1)
    await using connection = await driver.connect(never())
    await expect(connection.read([level], never())).rejects.toMatchObject({
      code: 'driver.timeout',
    })
    // The same socket would re-use the id of the unanswered request; it is gone, and another one in its place.
    for (let i = 2; i < 600; i++) {
      memory.setUint16('holding', 0, i)
      const [sample] = await connection.read([level], never())
      expect(sample?.value).toBe(i)
    }
    expect(server.connections()).toBe(2)
  })

  test('two groups reading at once share the line without mixing their answers', async () => {
    await using server = await openModbusServer({
      units: { 1: memory },
      behave: () => ({ delayMs: 5 }),
    })
    await using connection = await createModbus(server.port).connect(never())
    const tags = Array.from({ length: 10 }, (_, i) => createTag(`R${i}`, 'UInt16', holding(i * 2)))
    for (let i = 0; i < 10; i++) memory.setUint16('holding', i * 2, 1000 + i)
    const reads = await Promise.all(tags.map((tag) => connection.read([tag], never())))
    expect(reads.map(([it]) => it?.value)).toEqual(tags.map((_, i) => 1000 + i))
  })

  test('an answer to a request that has not been sent yet is never a value, though it guesses the next id', async () => {
    const wide = createModbusMemory({ holding: [[0, 400]] })
    const behave = (it: ModbusRequest) => {
      const answerOf = (id: number, value: number) =>
        encodeAdu(id, it.unit, Buffer.concat([Buffer.from([3, 250]), Buffer.alloc(250, value)]))
      const next = it.transaction + 1
      return { raw: Buffer.concat([answerOf(it.transaction, 1), answerOf(next, 0xee)]) }
    }
    await using server = await openModbusServer({ units: { 1: wide }, behave })
    await using connection = await createModbus(server.port).connect(never())
    const tags = Array.from({ length: 250 }, (_, i) => createTag(`R${i}`, 'UInt16', holding(i)))
    await expect(connection.read(tags, never())).rejects.toMatchObject({
      code: 'driver.foreign-reply',
    })
    expect(server.requests()).toBe(1)
  })

  test('nor is it when only its head comes that early, and its tail after the request', async () => {
    const wide = createModbusMemory({ holding: [[0, 400]] })
    const behave = (it: ModbusRequest) => {
      const answerOf = (id: number, value: number) =>
        encodeAdu(id, it.unit, Buffer.concat([Buffer.from([3, 250]), Buffer.alloc(250, value)]))
      const early = answerOf(2, 0xee)
      if (it.transaction > 1) return { raw: early.subarray(100) }
      return { raw: Buffer.concat([answerOf(1, 1), early.subarray(0, 100)]) }
    }
    await using server = await openModbusServer({ units: { 1: wide }, behave })
    await using connection = await createModbus(server.port).connect(never())
    const tags = Array.from({ length: 250 }, (_, i) => createTag(`R${i}`, 'UInt16', holding(i)))
    await expect(connection.read(tags, never())).rejects.toMatchObject({
      code: 'driver.foreign-reply',
    })
  })

  test('a long list gives way to a short one between two of its requests', async () => {
    const wide = createModbusMemory({ holding: [[0, 2500]] })
    const behave = () => ({ delayMs: 5 })
    await using server = await openModbusServer({ units: { 1: wide }, behave })
    await using connection = await createModbus(server.port).connect(never())
    const tags = Array.from({ length: 2500 }, (_, i) => createTag(`R${i}`, 'UInt16', holding(i)))
    for (let i = 0; i < 2500; i++) wide.setUint16('holding', i, i)
    const ended: string[] = []
    const long = connection.read(tags, never()).finally(() => ended.push('long'))
    await expect.poll(() => server.requests(), { timeout: 10_000, interval: 1 }).toBeGreaterThan(0)
    const short = connection.read([level], never()).finally(() => ended.push('short'))
    const [all] = await Promise.all([long, short])
    expect(ended).toEqual(['short', 'long'])
    expect(all.map(({ value }) => value)).toEqual(tags.map((_, i) => i))
    expect(server.requests()).toBe(21)
  })

  test('a refusal in the middle of a list costs no second look at it', async () => {
    const wide = createModbusMemory({ holding: [[0, 500]] })
    let asked = 0
    const behave = (): ModbusBehaviour => (++asked === 2 ? { exception: 4 } : undefined)
    await using server = await openModbusServer({ units: { 1: wide }, behave })
    await using connection = await createModbus(server.port).connect(never())
    const tags = Array.from({ length: 500 }, (_, i) => createTag(`R${i}`, 'UInt16', holding(i)))
    const samples = await connection.read(tags, never())
    const bad = samples.flatMap((it, i) => (it.quality === quality.good ? [] : [i]))
    expect(bad).toEqual(Array.from({ length: 125 }, (_, i) => 125 + i))
    expect(samples[125]?.status).toBe(4)
    expect(server.requests()).toBe(4)
    expect(connection.counters()).toMatchObject({ requests: 4, exceptions: 1 })
  })
})
