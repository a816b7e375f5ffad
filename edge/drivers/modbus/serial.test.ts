/** Modbus RTU on a serial port: a pair of pseudo terminals, the driver on one, a slave of our own on the other. */
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { quality } from '../../../protocol/model.ts'
import type { ModbusRequest } from '../../../simulators/kit/modbus-pdu.ts'
import {
  encodeRtu,
  type RtuSlaveOptions,
  serveRtu,
} from '../../../simulators/kit/modbus-rtu-slave.ts'
import { createModbusMemory, type ModbusBehaviour } from '../../../simulators/kit/modbus-server.ts'
import { createSerial, createTag, flow, holding, level, running, total } from './bench-tags.ts'
import { hasSocat, openPtyPair, SOCAT_HINT } from './pty-pair.fixture.ts'

const never = () => new AbortController().signal

async function openScene(options: Partial<RtuSlaveOptions> = {}) {
  await using stack = new AsyncDisposableStack()
  const memory = createModbusMemory({ holding: [[0, 125]], coils: [[0, 8]] })
  const pair = stack.use(await openPtyPair())
  const slave = stack.use(serveRtu(pair.far, { units: { 1: memory }, ...options }))
  const rest = stack.move()
  return { memory, pair, slave, [Symbol.asyncDispose]: () => rest.disposeAsync() }
}

describe.skipIf(!hasSocat)(`on a serial port (${SOCAT_HINT})`, () => {
  test('values, a hole, a write, and the longest block there is', async () => {
    await using scene = await openScene()
    scene.memory.setUint16('holding', 0, 4711)
    scene.memory.setFloat32('holding', 4, -1.25, 'CDAB')
    scene.memory.setUint32('holding', 10, 3_000_000_000)
    scene.memory.setBit('coils', 3, true)
    const format = { baudRate: 19_200, parity: 'even', stopBits: 2 }
    await using connection = await createSerial(scene.pair.near, format).connect(never())
    const absent = createTag('Absent', 'UInt16', holding(500))
    const last = createTag('Last', 'UInt16', holding(124))
    await connection.write?.(last, 65_535, never())
    const tags = [level, flow, absent, total, running, last]
    const samples = await connection.read(tags, never())
    const values = samples.map((it) => it.value)
    expect(values).toEqual([4711, -1.25, null, 3_000_000_000, true, 65_535])
    expect(samples[2]).toMatchObject({ quality: quality.bad, status: 2 })
    const all = Array.from({ length: 125 }, (_, i) => createTag(`R${i}`, 'UInt16', holding(i)))
    const before = scene.slave.requests()
    const block = await connection.read(all, never())
    expect([block[0]?.value, block[124]?.value]).toEqual([4711, 65_535])
    expect(scene.slave.requests() - before).toBe(1)
  })

  test('a port that is not there, or is in use, is a fault that a retry can mend', async () => {
    await using scene = await openScene()
    const absent = createSerial(`${scene.pair.near}-absent`).connect(never())
    await expect(absent).rejects.toMatchObject({ code: 'driver.disconnected' })
    const driver = createSerial(scene.pair.near)
    {
      await using _first = await driver.connect(never())
      await expect(driver.connect(never())).rejects.toMatchObject({ code: 'driver.disconnected' })
    }
    // Disposing has closed it: it can be opened again at once.
    await using again = await driver.connect(never())
    expect(await again.read([level], never())).toMatchObject([{ quality: quality.good }])
  })

  test('silence is driver.timeout, and its late answer is no value of the port opened again', async () => {
    const memory = createModbusMemory({ holding: [[0, 4]] })
    memory.setUint16('holding', 0, 111)
    memory.setUint16('holding', 1, 222)
    let isHung = true
    const behave = ({ fn }: ModbusRequest): ModbusBehaviour => {
      if (fn !== 3 || !isHung) return undefined
      isHung = false
      return { delayMs: 900 }
    }
    await using scene = await openScene({ units: { 1: memory }, behave })
    const driver = createSerial(scene.pair.near, { timeoutMs: 600 })
    {
      await using first = await driver.connect(never())
      await expect(first.read([level], never())).rejects.toMatchObject({ code: 'driver.timeout' })
    }
    await using second = await driver.connect(never())
    const other = createTag('Other', 'UInt16', holding(1))
    expect((await second.read([other], never()))[0]?.value).toBe(222)
  })

  test("what lay in the port before it was opened is nobody's answer", async () => {
    await using scene = await openScene()
    scene.memory.setUint16('holding', 0, 222)
    const old = encodeRtu(1, Buffer.of(3, 2, 0, 111))
    await using port = await open(scene.pair.near, constants.O_RDONLY | constants.O_NOCTTY)
    scene.pair.far.write(Buffer.concat([Buffer.of(0), old]))
    // When the byte before it is here, it is in the port itself.
    await port.read(Buffer.alloc(1), 0, 1)
    await using connection = await createSerial(scene.pair.near).connect(never())
    expect((await connection.read([level], never()))[0]?.value).toBe(222)
  })

  test('a cable pulled while reading is driver.disconnected', async () => {
    await using scene = await openScene({ behave: () => 'silent' })
    const driver = createSerial(scene.pair.near, { timeoutMs: 10_000 })
    await using connection = await driver.connect(never())
    const reading = connection.read([level], never())
    const failed = expect(reading).rejects.toMatchObject({ code: 'driver.disconnected' })
    await scene.pair.cut()
    await failed
  })

  test('an abort and a dispose settle what is in flight and free the port', async () => {
    await using scene = await openScene({ behave: ({ fn }) => (fn === 3 ? 'silent' : undefined) })
    const driver = createSerial(scene.pair.near)
    const stop = new AbortController()
    {
      await using connection = await driver.connect(never())
      const reading = connection.read([level], stop.signal)
      setTimeout(() => stop.abort(new Error('enough')), 100)
      await expect(reading).rejects.toThrow('enough')
    }
    const connection = await driver.connect(never())
    const reading = connection.read([level], never()).then(
      () => 'values',
      () => 'rejected',
    )
    await connection[Symbol.asyncDispose]()
    expect(await reading).toBe('rejected')
    await using again = await driver.connect(never())
    expect(await again.read([running], never())).toMatchObject([{ quality: quality.good }])
  })
})
