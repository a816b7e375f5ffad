/** The device that the conformance suite reads, whatever carries Modbus to it. */
import type { ModbusMemory } from '../../../simulators/kit/modbus-memory.ts'
import { createModbusMemory } from '../../../simulators/kit/modbus-server.ts'
import type { Bench } from '../conformance.ts'
import { createTag, flow, holding, level, running, total } from './bench-tags.ts'

/** Opens the server with a memory that `change` turns on by one step. */
export async function openModbusBench(
  createDriver: Bench['createDriver'],
  open: (memory: ModbusMemory) => Promise<AsyncDisposable & { port: number }>,
): Promise<Bench> {
  const memory = createModbusMemory({ holding: [[0, 20]], coils: [[0, 8]] })
  const server = await open(memory)
  let turn = 0
  const change = () => {
    turn++
    memory.setUint16('holding', 0, 100 + turn)
    memory.setFloat32('holding', 4, 1.5 + turn, 'CDAB')
    memory.setUint32('holding', 10, 3_000_000_000 + turn)
    memory.setBit('coils', 3, turn % 2 === 1)
  }
  change()
  return {
    port: server.port,
    createDriver,
    tags: [level, flow, total, running],
    values: () => [100 + turn, 1.5 + turn, 3_000_000_000 + turn, turn % 2 === 1],
    change,
    badTag: createTag('Absent', 'UInt16', holding(500)),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}
