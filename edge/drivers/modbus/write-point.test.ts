/** Writing to a Modbus device: function codes, round trip, refusals. */
import { describe, expect, test } from 'vitest'
import { quality, type Tag } from '../../../protocol/model.ts'
import type { ModbusRequest } from '../../../simulators/kit/modbus-pdu.ts'
import { createModbusMemory, openModbusServer } from '../../../simulators/kit/modbus-server.ts'
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
    const bit = createTag('Bit', 'Boolean', holding(0, { bit: 3 }))
    const absent = createTag('Absent', 'UInt16', holding(900))
    await expect(write(input, 1)).rejects.toMatchObject({ code: 'driver.not-writable' })
    await expect(write(bit, true)).rejects.toMatchObject({ code: 'driver.not-writable' })
    await expect(write(level, 70_000)).rejects.toMatchObject({ code: 'driver.bad-value' })
    await expect(write(absent, 1)).rejects.toMatchObject({ code: 'driver.refused' })
    expect(await connection.read([level], never())).toMatchObject([{ quality: quality.good }])
  })
})
