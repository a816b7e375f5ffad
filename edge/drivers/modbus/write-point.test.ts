/** Writing to a Modbus device: function codes, round trip, refusals. */
import { describe, expect, test } from 'vitest'
import { quality, type Tag } from '../../../protocol/model.ts'
import type { ModbusRequest } from '../../../simulators/kit/modbus-pdu.ts'
import {
  createModbusMemory,
  encodeAdu,
  type ModbusBehaviour,
  openModbusServer,
} from '../../../simulators/kit/modbus-server.ts'
import { createModbus, createTag, flow, holding, level, running, total } from './bench-tags.ts'

const never = () => new AbortController().signal

describe('writing', () => {
  const memory = createModbusMemory({ holding: [[0, 20]], coils: [[0, 8]], input: [[0, 4]] })

  for (const writeMultiple of [false, true]) {
    test(`a value written is the value read (writeMultiple: ${writeMultiple})`, async () => {
      const seen: number[] = []
      const behave = (it: ModbusRequest) => void seen.push(it.fn)
      await using server = await openModbusServer({ units: { 1: memory }, behave })
      const driver = createModbus(server.port, { writeMultiple })
      await using connection = await driver.connect(never())
      const pairs = [
        [level, 4242],
        [flow, -2.5],
        [total, 4_000_000_000],
        [running, true],
        [createTag('Big', 'Int64', holding(12, { byteOrder: 'DCBA' })), -9_007_199_254_740_993n],
        [createTag('Text', 'String', holding(16, { registers: 4 })), 'AB-12'],
      ] as const
      for (const [tag, value] of pairs) await connection.write?.(tag, value, never())
      const codes = writeMultiple ? [16, 16, 16, 15, 16, 16] : [6, 16, 16, 5, 16, 16]
      expect(seen).toEqual(codes)
      const samples = await connection.read(
        pairs.map(([tag]) => tag),
        never(),
      )
      expect(samples.map((it) => it.value)).toEqual(pairs.map(([, value]) => value))
    })
  }

  test('what cannot be written is refused with its reason, and the line stays', async () => {
    await using server = await openModbusServer({ units: { 1: memory } })
    await using connection = await createModbus(server.port).connect(never())
    const write = (tag: Tag, value: number | boolean) => connection.write?.(tag, value, never())
    const input = createTag('In', 'UInt16', { table: 'input', address: 0 })
    const wide = createTag('Wide', 'UInt32', holding(0, { encoding: 'uint32', bits: [4, 8] }))
    const absent = createTag('Absent', 'UInt16', holding(900))
    await expect(write(input, 1)).rejects.toMatchObject({ code: 'driver.not-writable' })
    await expect(write(wide, 1)).rejects.toMatchObject({ code: 'driver.not-writable' })
    await expect(write(level, 70_000)).rejects.toMatchObject({ code: 'driver.bad-value' })
    await expect(write(absent, 1)).rejects.toMatchObject({ code: 'driver.refused' })
    expect(await connection.read([level], never())).toMatchObject([{ quality: quality.good }])
  })

  test('bits of a register are set by function 22 alone, in the byte order of the device', async () => {
    const seen: number[] = []
    const behave = ({ fn }: ModbusRequest) => void seen.push(fn)
    await using server = await openModbusServer({ units: { 1: memory }, behave })
    await using connection = await createModbus(server.port).connect(never())
    memory.setUint16('holding', 0, 0xf0f0)
    memory.setUint16('holding', 1, 0xf0f0)
    const bit = createTag('Bit', 'Boolean', holding(0, { bit: 3 }))
    const swapped = createTag('Swapped', 'Boolean', holding(1, { bit: 3, byteOrder: 'BADC' }))
    const words = { 0: 'off', 1: 'hand', 2: 'auto' }
    const mode = createTag('Mode', 'String', holding(0, { bits: [12, 4], enum: words }))
    await connection.write?.(bit, true, never())
    expect(memory.get('holding', 0)).toBe(0xf0f8)
    await connection.write?.(swapped, true, never())
    expect(memory.get('holding', 1)).toBe(0xf8f0)
    await connection.write?.(mode, 'auto', never())
    expect(memory.get('holding', 0)).toBe(0x20f8)
    await connection.write?.(bit, false, never())
    expect(memory.get('holding', 0)).toBe(0x20f0)
    expect(seen).toEqual([22, 22, 22, 22])
    const broken = connection.write?.(mode, 'fast', never())
    await expect(broken).rejects.toMatchObject({ code: 'driver.bad-value' })
  })

  test('a device without function 22 is told from one that refuses, and its register is never rewritten', async () => {
    const seen: number[] = []
    const behave = ({ fn }: ModbusRequest): ModbusBehaviour => {
      seen.push(fn)
      return fn === 22 ? { exception: 1 } : undefined
    }
    await using server = await openModbusServer({ units: { 1: memory }, behave })
    await using connection = await createModbus(server.port).connect(never())
    const bit = createTag('Bit', 'Boolean', holding(0, { bit: 3 }))
    for (let i = 0; i < 2; i++) {
      await expect(connection.write?.(bit, true, never())).rejects.toMatchObject({
        code: 'driver.not-writable',
        message: expect.stringMatching(/function 22 .* would undo a change/),
      })
    }
    expect(seen).toEqual([22])
  })

  test('function 6 that is not there gives way to 16, once and for all, and back', async () => {
    for (const [without, writeMultiple, expected] of [
      [6, false, [6, 16, 16]],
      [16, true, [16, 6, 6]],
    ] as const) {
      const seen: number[] = []
      const behave = ({ fn }: ModbusRequest): ModbusBehaviour => {
        seen.push(fn)
        return fn === without ? { exception: 1 } : undefined
      }
      await using server = await openModbusServer({ units: { 1: memory }, behave })
      const driver = createModbus(server.port, { writeMultiple })
      await using connection = await driver.connect(never())
      await connection.write?.(level, 7, never())
      await connection.write?.(level, 8, never())
      expect([memory.get('holding', 0), seen]).toEqual([8, expected])
    }
  })

  test('function 23 reads back what it wrote, and a device that kept another value is refused', async () => {
    const seen: number[] = []
    let isStubborn = false
    const behave = ({ fn, transaction, unit }: ModbusRequest): ModbusBehaviour => {
      seen.push(fn)
      if (!isStubborn) return undefined
      return { raw: encodeAdu(transaction, unit, Buffer.of(23, 4, 0, 0, 0, 1)) }
    }
    await using server = await openModbusServer({ units: { 1: memory }, behave })
    const driver = createModbus(server.port, { writeReadBack: true })
    await using connection = await driver.connect(never())
    await connection.write?.(total, 123_456, never())
    expect(memory.getUint32('holding', 10)).toBe(123_456)
    isStubborn = true
    await expect(connection.write?.(total, 5, never())).rejects.toMatchObject({
      code: 'driver.refused',
      message: expect.stringContaining('kept 00000001 instead of 00000005'),
    })
    expect(seen).toEqual([23, 23])
  })

  test('busy is a fault of its own, which a retry can mend', async () => {
    const behave = (): ModbusBehaviour => ({ exception: 6 })
    await using server = await openModbusServer({ units: { 1: memory }, behave })
    await using connection = await createModbus(server.port).connect(never())
    await expect(connection.write?.(level, 1, never())).rejects.toMatchObject({
      code: 'driver.busy',
    })
  })
})
