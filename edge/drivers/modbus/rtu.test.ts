/** Modbus RTU over TCP: the same promises as over Modbus TCP, without transaction ids. */
import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { quality, type Tag } from '../../../protocol/model.ts'
import type { ModbusRequest } from '../../../simulators/kit/modbus-pdu.ts'
import { encodeRtu, openRtuTcpServer } from '../../../simulators/kit/modbus-rtu-slave.ts'
import { createModbusMemory, type ModbusBehaviour } from '../../../simulators/kit/modbus-server.ts'
import { runConformance } from '../conformance.ts'
import type { Connection } from '../driver.ts'
import { createRtuOverTcp, createTag, flow, holding, level, running, total } from './bench-tags.ts'
import { openModbusBench } from './conformance-bench.fixture.ts'

const never = () => new AbortController().signal

runConformance('modbus rtu-over-tcp', () =>
  openModbusBench(createRtuOverTcp, (memory) => openRtuTcpServer({ units: { 1: memory } })),
)

test('a device server that closes after a rest is connected to again and read, without a fault', async () => {
  const memory = createModbusMemory({ holding: [[0, 20]] })
  await using server = await openRtuTcpServer({ units: { 1: memory } })
  await using connection = await createRtuOverTcp(server.port).connect(never())
  for (let poll = 1; poll <= 3; poll++) {
    memory.setUint16('holding', 0, poll)
    const [sample] = await connection.read([level], never())
    expect(sample?.value).toBe(poll)
    server.dropConnections()
    // Both ends live in this process: ours hears of it in one of the next turns of its loop, however long they take.
    for (let turn = 0; turn < 100; turn++) await setImmediate()
  }
  const closed = await createRtuOverTcp(server.port).connect(never())
  server.dropConnections()
  await closed[Symbol.asyncDispose]()
  await expect(closed.read([level], never())).rejects.toMatchObject({ code: 'driver.disconnected' })
})

const frame = (it: ModbusRequest, ...pdu: number[]) => encodeRtu(it.unit, Uint8Array.from(pdu))
const corrupt = (bytes: Buffer) => {
  bytes[3] = (bytes[3] ?? 0) ^ 1
  return bytes
}

/** While noise is still under way a fault is right, a wrong value never: the first value there is. */
async function firstValue(connection: Connection, tag: Tag): Promise<unknown> {
  for (let i = 0; i < 60; i++) {
    const samples = await connection.read([tag], never()).catch(() => [])
    const value = samples[0]?.value ?? null
    if (value !== null) return value
  }
  return 'none'
}

describe.concurrent('F18: replies that answer something else', () => {
  const cases: Record<string, (request: ModbusRequest) => Buffer> = {
    'a wrong checksum': (it) => corrupt(frame(it, 3, 2, 0x11, 0x11)),
    'another unit': (it) => encodeRtu(it.unit + 1, Uint8Array.of(3, 2, 0x11, 0x11)),
    'another function': (it) => frame(it, 4, 2, 0x11, 0x11),
    'an exception of another unit': (it) => encodeRtu(it.unit + 1, Uint8Array.of(0x83, 2)),
    'an exception of another function': (it) => frame(it, 0x84, 2),
    'a byte count that does not match': (it) => frame(it, 3, 4, 0x11, 0x11),
    'too many registers': (it) => frame(it, 3, 4, 0x11, 0x11, 0x22, 0x22),
    'a reply cut short': (it) => frame(it, 3, 2, 0x11, 0x11).subarray(0, -1),
    'garbage in front': (it) => Buffer.concat([Buffer.of(0, 0xff), frame(it, 3, 2, 0x11, 0x11)]),
    'the answer twice': (it) =>
      Buffer.concat([frame(it, 3, 2, 0x11, 0x11), frame(it, 3, 2, 0x11, 0x11)]),
    'bytes without end': () => Buffer.alloc(5000, 1),
  }
  for (const [name, encode] of Object.entries(cases)) {
    test(`${name}: no value, and the next answer is the true one`, async () => {
      const memory = createModbusMemory({ holding: [[0, 20]] })
      let isEvil = true
      const behave = (it: ModbusRequest) =>
        isEvil && it.fn === 3 ? { raw: encode(it) } : undefined
      await using server = await openRtuTcpServer({ units: { 1: memory }, behave })
      const driver = createRtuOverTcp(server.port, { timeoutMs: 150 })
      await using connection = await driver.connect(never())
      await expect(connection.read([level], never())).rejects.toMatchObject({
        code: 'driver.foreign-reply',
      })
      isEvil = false
      memory.setUint16('holding', 0, 0x2222)
      expect(await firstValue(connection, level)).toBe(0x2222)
    })
  }

  test('one garbled reply on a noisy bus costs no sample: it is asked for again', async () => {
    const memory = createModbusMemory({ holding: [[0, 20]] })
    let asked = 0
    const behave = (it: ModbusRequest): ModbusBehaviour =>
      it.fn === 3 && asked++ === 1 ? { raw: corrupt(frame(it, 3, 2, 0x11, 0x11)) } : undefined
    await using server = await openRtuTcpServer({ units: { 1: memory }, behave })
    await using connection = await createRtuOverTcp(server.port).connect(never())
    for (let i = 0; i < 3; i++) {
      expect(await connection.read([level], never())).toMatchObject([{ quality: quality.good }])
    }
    expect(connection.counters()).toMatchObject({ lost: 1 })
  })
})

describe('F16: late replies', () => {
  const memory = createModbusMemory({ holding: [[0, 20]] })
  const other = createTag('Other', 'UInt16', holding(1))

  test('a reply of the same shape that comes while another register is read is never its value', async () => {
    memory.setUint16('holding', 0, 111)
    memory.setUint16('holding', 1, 222)
    let isHung = true
    const behave = ({ fn }: ModbusRequest): ModbusBehaviour => {
      if (fn !== 3 || !isHung) return undefined
      isHung = false
      return { delayMs: 320 }
    }
    await using server = await openRtuTcpServer({ units: { 1: memory }, behave })
    const driver = createRtuOverTcp(server.port, { timeoutMs: 300 })
    await using connection = await driver.connect(never())
    await expect(connection.read([level], never())).rejects.toMatchObject({
      code: 'driver.timeout',
    })
    expect(await firstValue(connection, other)).toBe(222)
  })

  test('a late reply that comes through the next connection is not its value either', async () => {
    // A device server hands what the bus says late to whoever is connected then, in front of all else.
    let isFirst = true
    let late: Buffer = Buffer.alloc(0)
    const behave = (it: ModbusRequest): ModbusBehaviour => {
      if (isFirst) {
        isFirst = false
        late = frame(it, 3, 2, 0, 111)
        return 'silent'
      }
      const before = late
      late = Buffer.alloc(0)
      if (it.fn === 8) return { raw: Buffer.concat([before, frame(it, 0x88, 1)]) }
      return before.length > 0 ? { raw: before } : undefined
    }
    await using server = await openRtuTcpServer({ units: { 1: memory }, behave })
    const driver = createRtuOverTcp(server.port, { timeoutMs: 150 })
    {
      await using first = await driver.connect(never())
      await expect(first.read([level], never())).rejects.toMatchObject({ code: 'driver.timeout' })
    }
    memory.setUint16('holding', 1, 222)
    await using second = await driver.connect(never())
    expect(await firstValue(second, other)).toBe(222)
  })

  test('a device that hangs and then answers all at once never gives a wrong register', async () => {
    memory.setUint16('holding', 0, 111)
    memory.setUint16('holding', 1, 222)
    let delayMs = 0
    const behave = (): ModbusBehaviour => (delayMs > 0 ? { delayMs } : undefined)
    await using server = await openRtuTcpServer({ units: { 1: memory }, behave })
    await using connection = await createRtuOverTcp(server.port, { timeoutMs: 60 }).connect(never())
    const seen = { right: 0, wrong: 0 }
    for (let i = 0; i < 24; i++) {
      delayMs = i % 4 === 1 ? 130 : i % 4 === 2 ? 70 : 0
      const [tag, value] = i % 2 ? ([level, 111] as const) : ([other, 222] as const)
      const samples = await connection.read([tag], never()).catch(() => [])
      for (const it of samples) {
        if (it.value === value) seen.right++
        else if (it.value !== null) seen.wrong++
      }
    }
    expect(seen.wrong).toBe(0)
    expect(seen.right).toBeGreaterThan(0)
  })

  test('a device that ignores function 8 is asked again once it has been silent for long', async () => {
    memory.setUint16('holding', 0, 111)
    let isHung = true
    const behave = ({ fn }: ModbusRequest): ModbusBehaviour =>
      fn === 8 || isHung ? 'silent' : undefined
    await using server = await openRtuTcpServer({ units: { 1: memory }, behave })
    const driver = createRtuOverTcp(server.port, { timeoutMs: 60 })
    await using connection = await driver.connect(never())
    const read = () => connection.read([level], never()).catch((error) => [{ value: error.code }])
    expect(await read()).toEqual([{ value: 'driver.timeout' }])
    isHung = false
    expect(await read()).toEqual([{ value: 'driver.timeout' }])
    await expect.poll(async () => (await read())[0]?.value, { timeout: 10_000 }).toBe(111)
  })
})

describe('a bus of several units', () => {
  const memory = createModbusMemory({ holding: [[0, 4]] })
  const unitTag = (unitId: number) => createTag(`U${unitId}`, 'UInt16', holding(0, { unitId }))

  test('a dead unit is bad with status 11, the others stay good, and it comes back', async () => {
    const units: Record<number, typeof memory> = { 1: memory, 3: memory }
    await using server = await openRtuTcpServer({ units })
    const driver = createRtuOverTcp(server.port, { timeoutMs: 100 })
    await using connection = await driver.connect(never())
    const tags = [2, 1, 3].map(unitTag)
    for (let i = 0; i < 3; i++) {
      const samples = await connection.read(tags, never())
      expect(samples[0]).toMatchObject({ quality: quality.bad, status: 11 })
      expect(samples.slice(1).every((it) => it.quality === quality.good)).toBe(true)
    }
    units[2] = memory
    await expect
      .poll(async () => (await connection.read(tags, never()))[0]?.quality, { timeout: 10_000 })
      .toBe(quality.good)
  })

  test('a group of dead units does not take the line from a group that is answered', async () => {
    await using server = await openRtuTcpServer({ units: { 1: memory } })
    const driver = createRtuOverTcp(server.port, { timeoutMs: 100 })
    await using connection = await driver.connect(never())
    const [dead, alive] = await Promise.all([
      connection.read([unitTag(2)], never()),
      connection.read([unitTag(1)], never()),
    ])
    expect(dead).toMatchObject([{ quality: quality.bad, status: 11 }])
    expect(alive).toMatchObject([{ quality: quality.good }])
  })

  test('nobody answers: the line is gone, so that the link above may open it again', async () => {
    await using server = await openRtuTcpServer({ units: {} })
    const driver = createRtuOverTcp(server.port, { timeoutMs: 60 })
    await using connection = await driver.connect(never())
    const reading = connection.read([unitTag(1), unitTag(2)], never())
    await expect(reading).rejects.toMatchObject({ code: 'driver.timeout' })
  })

  test('a long reply of a slow bus has its time on the wire beside the timeout', async () => {
    const wide = createModbusMemory({ holding: [[0, 125]] })
    const behave = (): ModbusBehaviour => ({ delayMs: 250 })
    await using server = await openRtuTcpServer({ units: { 1: wide }, behave })
    const driver = createRtuOverTcp(server.port, { timeoutMs: 100, baudRate: 2400 })
    await using connection = await driver.connect(never())
    const last = createTag('Last', 'String', holding(5, { registers: 120 }))
    expect(await connection.read([last], never())).toMatchObject([{ quality: quality.good }])
  })

  test('turnaroundMs is a rest before every request', async () => {
    const times: number[] = []
    const behave = (): ModbusBehaviour => void times.push(performance.now())
    await using server = await openRtuTcpServer({ units: { 1: memory }, behave })
    await using connection = await createRtuOverTcp(server.port, { turnaroundMs: 60 }).connect(
      never(),
    )
    for (let i = 0; i < 3; i++) await connection.read([unitTag(1)], never())
    const gaps = times.slice(1).map((at, i) => at - (times[i] ?? 0))
    expect(gaps).toHaveLength(2)
    // A timer may be a millisecond early; the rest itself may only be longer.
    for (const gap of gaps) expect(gap).toBeGreaterThan(58)
  })

  test('unit 0 is a broadcast: never read, never written', async () => {
    await using server = await openRtuTcpServer({ units: { 1: memory } })
    await using connection = await createRtuOverTcp(server.port).connect(never())
    expect(await connection.read([unitTag(0)], never())).toMatchObject([{ quality: quality.bad }])
    await expect(connection.write?.(unitTag(0), 1, never())).rejects.toMatchObject({
      code: 'driver.not-writable',
      message: expect.stringContaining('broadcast'),
    })
    expect(server.requests()).toBe(0)
  })

  test('every function writes and reads over RTU too', async () => {
    const wide = createModbusMemory({ holding: [[0, 20]], coils: [[0, 8]] })
    await using server = await openRtuTcpServer({ units: { 1: wide } })
    for (const more of [{}, { writeMultiple: true }, { writeReadBack: true }]) {
      const driver = createRtuOverTcp(server.port, more)
      await using connection = await driver.connect(never())
      const bit = createTag('Bit', 'Boolean', holding(14, { bit: 15 }))
      const pairs = [
        [level, 4242],
        [flow, -2.5],
        [total, 4_000_000_000],
        [running, true],
        [bit, true],
      ] as const
      for (const [tag, value] of pairs) await connection.write?.(tag, value, never())
      const tags = pairs.map(([tag]) => tag)
      const samples = await connection.read(tags, never())
      expect(samples.map((it) => it.value)).toEqual(pairs.map(([, value]) => value))
      for (const [tag] of pairs.slice(0, 1)) await connection.write?.(tag, 0, never())
    }
  })
})
