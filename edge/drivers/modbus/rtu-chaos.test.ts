/** Whatever a device does with the bytes it owes, as long as it does it in order: no register is read as another. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { ModbusRequest } from '../../../simulators/kit/modbus-pdu.ts'
import { encodeRtu, openRtuTcpServer } from '../../../simulators/kit/modbus-rtu-slave.ts'
import { createModbusMemory, type ModbusBehaviour } from '../../../simulators/kit/modbus-server.ts'
import { createRtuOverTcp, createTag, holding } from './bench-tags.ts'

const RUNS = 24
const STEPS = 14
const TIMEOUT_MS = 60
const tags = [0, 1].map((address) => createTag(`R${address}`, 'UInt16', holding(address)))
const values = [111, 222]

type Deed = 'answer' | 'silent' | 'late' | 'garbage' | 'short' | 'crc' | 'unit' | 'refuse' | 'busy'

/** What the device does with the n-th request, and whether the driver takes a new connection before the n-th read. */
const scenario = fc.record({
  deeds: fc.array(
    fc.record({
      deed: fc.oneof(
        { weight: 4, arbitrary: fc.constant<Deed>('answer') },
        { weight: 4, arbitrary: fc.constant<Deed>('late') },
        {
          weight: 5,
          arbitrary: fc.constantFrom<Deed>(
            'silent',
            'garbage',
            'short',
            'crc',
            'unit',
            'refuse',
            'busy',
          ),
        },
      ),
      delayMs: fc.integer({ min: 1, max: 2 * TIMEOUT_MS }),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 12 }),
    }),
    { minLength: 6, maxLength: 30 },
  ),
  reconnects: fc.array(fc.boolean(), { minLength: STEPS, maxLength: STEPS }),
  knowsEcho: fc.boolean(),
})
type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never

function createDevice({ deeds, knowsEcho }: Scenario) {
  let turn = 0
  return (it: ModbusRequest): ModbusBehaviour => {
    const next = deeds[turn++ % deeds.length]
    if (!next) return undefined
    const wrong = (unit: number) => encodeRtu(unit, Uint8Array.of(3, 2, 0, 99))
    switch (next.deed) {
      case 'silent':
        return 'silent'
      case 'late':
        return { delayMs: next.delayMs }
      case 'garbage':
        return { raw: Buffer.from(next.bytes) }
      case 'short':
        return { raw: wrong(it.unit).subarray(0, 1 + (next.delayMs % 6)) }
      case 'crc':
        return { raw: corrupt(wrong(it.unit), next.bytes[0] ?? 1) }
      case 'unit':
        return { raw: wrong(it.unit + 1) }
      case 'refuse':
        return { exception: 4 }
      case 'busy':
        return { exception: 6 }
      default:
        return it.fn === 8 && !knowsEcho ? { exception: 1 } : undefined
    }
  }
}

/** One byte of the checksum, always changed. */
function corrupt(frame: Buffer, noise: number): Buffer {
  frame[5] = (frame[5] ?? 0) ^ (noise | 1)
  return frame
}

/** Every value read of register 0 and 1, in order. */
async function play(it: Scenario): Promise<{ right: number; wrong: unknown[] }> {
  const memory = createModbusMemory({ holding: [[0, 2]] })
  for (const [address, value] of values.entries()) memory.setUint16('holding', address, value)
  await using server = await openRtuTcpServer({ units: { 1: memory }, behave: createDevice(it) })
  const options = { timeoutMs: TIMEOUT_MS, busyRetryMs: 10 }
  const driver = createRtuOverTcp(server.port, options)
  const never = new AbortController().signal
  const seen = { right: 0, wrong: [] as unknown[] }
  /** Its deadline is as short as that of a request: a busy machine may need more than one try. */
  const connect = async () => {
    for (;;) {
      const made = await driver.connect(never).catch(() => undefined)
      if (made) return made
    }
  }
  let connection = await connect()
  for (const [step, isNew] of it.reconnects.entries()) {
    if (isNew) {
      await connection[Symbol.asyncDispose]()
      connection = await connect()
    }
    const at = step % 2
    const samples = await connection.read(tags.slice(at, at + 1), never).catch(() => [])
    for (const { value } of samples) {
      if (value === values[at]) seen.right++
      else if (value !== null) seen.wrong.push([step, value])
    }
  }
  await connection[Symbol.asyncDispose]()
  return seen
}

test('F16, F18: two dozen random devices that hang, mumble and answer late give no wrong value', async () => {
  const seed = Math.floor(Math.random() * 0x7fff_ffff)
  const scenarios = fc.sample(scenario, { numRuns: RUNS, seed })
  const results = await Promise.all(scenarios.map(play))
  // To see a failure again, put this seed in place of the random one.
  expect({ seed, wrong: results.flatMap(({ wrong }) => wrong) }).toEqual({ seed, wrong: [] })
  expect(results.reduce((sum, { right }) => sum + right, 0)).toBeGreaterThan(RUNS)
})
