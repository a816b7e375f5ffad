/** A process that stood still (stopped, starved of the processor) finds an old answer in its socket: no value of now. */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { Value as Schema } from 'typebox/value'
import { expect, test } from 'vitest'
import type { Tag } from '../../protocol/model.ts'
import type { Driver } from './driver.ts'
import * as escpos from './escpos/escpos.ts'
import { createModbus, level } from './modbus/bench-tags.ts'
import { crc16 } from './modbus/rtu-frame.ts'

const never = () => new AbortController().signal
const TIMEOUT_MS = 300

/** On a thread of its own; while the first flag is 0 it waits with its answer, and raises the second. */
const DEVICE = `
const { createServer } = require('node:net')
const { parentPort, workerData: { flag, reply, echoed } } = require('node:worker_threads')
const server = createServer((socket) => {
  socket.on('error', () => undefined)
  socket.on('data', (request) => {
    Atomics.store(flag, 1, 1)
    Atomics.wait(flag, 0, 0)
    socket.write(Buffer.concat([request.subarray(0, echoed), reply]))
  })
})
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))
`

/** Its answer: so many bytes of the request, and these. */
async function openDevice(answer: { echoed: number; reply: Uint8Array }) {
  const flag = new Int32Array(new SharedArrayBuffer(8))
  Atomics.store(flag, 0, 1)
  const worker = new Worker(DEVICE, { eval: true, workerData: { flag, ...answer } })
  const [port] = await once(worker, 'message')
  return {
    port: port as number,
    hold() {
      Atomics.store(flag, 1, 0)
      Atomics.store(flag, 0, 0)
    },
    async asked() {
      while (Atomics.load(flag, 1) === 0) await sleep(1)
    },
    answer() {
      Atomics.store(flag, 0, 1)
      Atomics.notify(flag, 0)
    },
    [Symbol.asyncDispose]: async () => void (await worker.terminate()),
  }
}

/** Nothing of this process runs meanwhile. */
function standStill(forMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, forMs)
}

const pdu = Buffer.from([1, 3, 2, 0x12, 0x67])
const checksum = Buffer.alloc(2)
checksum.writeUInt16LE(crc16(pdu))
const online: Tag = {
  id: 's/g/d/Online',
  name: 'Online',
  type: 'Boolean',
  address: { field: 'online' },
}

interface Case {
  tag: Tag
  answer: { echoed: number; reply: Uint8Array }
  create(port: number): Driver
}

const timeoutMs = TIMEOUT_MS
const cases: Record<string, Case> = {
  'Modbus TCP': {
    tag: level,
    // Of the request its transaction id.
    answer: { echoed: 2, reply: Buffer.concat([Buffer.from([0, 0, 0, pdu.length]), pdu]) },
    create: (port) => createModbus(port, { timeoutMs }),
  },
  'Modbus RTU over TCP': {
    tag: level,
    answer: { echoed: 0, reply: Buffer.concat([pdu, checksum]) },
    create: (port) => createModbus(port, { transport: 'rtu-over-tcp', timeoutMs }),
  },
  'ESC/POS': {
    tag: online,
    answer: { echoed: 0, reply: Buffer.of(0x12) },
    create(port) {
      const given = Schema.Default(escpos.optionsSchema, { host: '127.0.0.1', port, timeoutMs })
      const options = Schema.Parse(escpos.optionsSchema, given)
      return escpos.createDriver(options, { device: 'd', stateDir: '/nowhere' })
    },
  },
}

for (const [name, { tag, answer, create }] of Object.entries(cases)) {
  test(`${name}: an answer that waited for us while we stood still is a timeout`, async () => {
    await using device = await openDevice(answer)
    await using connection = await create(device.port).connect(never())
    device.hold()
    const outcome = connection.read([tag], never()).then(
      ([sample]) => sample?.value,
      (error) => error.code,
    )
    await device.asked()
    device.answer()
    standStill(3 * TIMEOUT_MS)
    expect(await outcome).toBe('driver.timeout')
  })
}
