/** The RTU slave as a raw socket sees it, and the functions only newer devices have. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { answerPdu } from './modbus-pdu.ts'
import { crcOf, encodeRtu, openRtuTcpServer, type RtuSlaveOptions } from './modbus-rtu-slave.ts'
import { createModbusMemory } from './modbus-server.ts'

const stack: AsyncDisposable[] = []
const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const item of stack.splice(0).reverse()) await item[Symbol.asyncDispose]()
})

async function openPair(options: Partial<RtuSlaveOptions> = {}) {
  const memory = createModbusMemory({ holding: [[0, 8]] })
  const server = await openRtuTcpServer({ units: { 1: memory }, ...options })
  stack.push(server)
  const socket = connect(server.port, '127.0.0.1')
  sockets.push(socket)
  await once(socket, 'connect')
  return { memory, server, socket }
}

async function receive(socket: Socket, bytes: number): Promise<Buffer> {
  let all = Buffer.alloc(0)
  while (all.length < bytes) all = Buffer.concat([all, (await once(socket, 'data'))[0] as Buffer])
  return all
}

const ask = (...pdu: number[]) => encodeRtu(1, Buffer.from(pdu))

describe('frames', () => {
  it('carry the checksum of the specification, low byte first', () => {
    expect(crcOf(Buffer.of(0x02, 0x07))).toBe(0x1241)
    expect(ask(3, 0, 0, 0, 10).toString('hex')).toBe('01030000000ac5cd')
  })

  it('are answered in pieces and in rows, but not with a wrong checksum or for another unit', async () => {
    const { memory, server, socket } = await openPair()
    memory.setUint16('holding', 1, 0x1234)
    const wrong = ask(3, 0, 0, 0, 1)
    wrong[7] = (wrong[7] ?? 0) ^ 1
    socket.write(wrong)
    socket.write(encodeRtu(9, Buffer.of(3, 0, 0, 0, 1)))
    const good = Buffer.concat([ask(3, 0, 1, 0, 1), ask(6, 0, 2, 0, 5)])
    socket.write(good.subarray(0, 3))
    socket.write(good.subarray(3))
    const answer = await receive(socket, 15)
    expect(answer.subarray(0, 5).toString('hex')).toBe('0103021234')
    expect(answer.subarray(7).equals(ask(6, 0, 2, 0, 5))).toBe(true)
    expect(server.requests()).toBe(3)
  })

  it('come back in the order they were asked for, even when the first is late', async () => {
    const { socket } = await openPair({
      behave: ({ address }) => (address === 0 ? { delayMs: 60 } : undefined),
    })
    socket.write(Buffer.concat([ask(6, 0, 0, 0, 1), ask(6, 0, 1, 0, 2)]))
    const answer = await receive(socket, 16)
    expect([answer[3], answer[11]]).toEqual([0, 1])
  })
})

describe('functions', () => {
  const memory = createModbusMemory({ holding: [[0, 4]] })
  const answer = (...pdu: number[]) => answerPdu(memory, 1, Buffer.from(pdu)).pdu.toString('hex')

  it('22 sets and clears bits as the example of the specification does', () => {
    memory.set('holding', 0, 0x12)
    expect(answer(22, 0, 0, 0, 0xf2, 0, 0x25)).toBe('16000000f20025')
    expect(memory.get('holding', 0)).toBe(0x17)
    expect(answer(22, 0, 9, 0, 0, 0, 0)).toBe('9602')
  })

  it('23 writes before it reads, and refuses a byte count that does not fit', () => {
    expect(answer(23, 0, 0, 0, 2, 0, 1, 0, 1, 2, 0xab, 0xcd)).toBe('17040017abcd')
    expect(answer(23, 0, 0, 0, 2, 0, 1, 0, 1, 3, 0xab, 0xcd)).toBe('9703')
    expect(answer(23, 0, 3, 0, 2, 0, 1, 0, 1, 2, 0xab, 0xcd)).toBe('9702')
  })

  it('8 gives the same bytes back, and knows no other diagnosis', () => {
    expect(answer(8, 0, 0, 0xbe, 0xef)).toBe('080000beef')
    expect(answer(8, 0, 1, 0, 0)).toBe('8801')
  })
})
