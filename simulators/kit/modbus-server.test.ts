/** The Modbus server as a raw socket sees it: bytes out, bytes in. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import type { ModbusWrite } from './modbus-pdu.ts'
import {
  createModbusMemory,
  encodeAdu,
  type ModbusServerOptions,
  openModbusServer,
} from './modbus-server.ts'

const stack: AsyncDisposable[] = []
const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  for (const item of stack.splice(0).reverse()) await item[Symbol.asyncDispose]()
})

async function openPair(options: Partial<ModbusServerOptions> = {}) {
  const memory = createModbusMemory({
    holding: [
      [0, 4],
      [10, 2],
    ],
    input: [[0, 2]],
    coils: [[0, 12]],
  })
  const server = await openModbusServer({ units: { 1: memory }, ...options })
  stack.push(server)
  const socket = connect(server.port, '127.0.0.1')
  sockets.push(socket)
  await once(socket, 'connect')
  return { memory, server, socket }
}

const ask = (transaction: number, pdu: number[], unit = 1) =>
  encodeAdu(transaction, unit, Buffer.from(pdu))

async function receive(socket: Socket, bytes: number): Promise<Buffer> {
  let all = Buffer.alloc(0)
  while (all.length < bytes) all = Buffer.concat([all, (await once(socket, 'data'))[0] as Buffer])
  return all
}

describe('memory', () => {
  it.each([
    ['ABCD', [0x41, 0x42], [0x43, 0x44]],
    ['CDAB', [0x43, 0x44], [0x41, 0x42]],
    ['BADC', [0x42, 0x41], [0x44, 0x43]],
    ['DCBA', [0x44, 0x43], [0x42, 0x41]],
  ] as const)('puts the bytes of 0x41424344 in the order %s', (order, first, second) => {
    const memory = createModbusMemory({ holding: [[0, 2]] })
    memory.setUint32('holding', 0, 0x41424344, order)
    expect(memory.get('holding', 0)).toBe((first[0] << 8) | first[1])
    expect(memory.get('holding', 1)).toBe((second[0] << 8) | second[1])
    expect(memory.getUint32('holding', 0, order)).toBe(0x41424344)
  })

  it('gives signed numbers and floats back as they were put in', () => {
    const memory = createModbusMemory({ input: [[0, 4]] })
    memory.setInt16('input', 0, -5)
    memory.setFloat32('input', 1, -12.5, 'BADC')
    expect(memory.getInt16('input', 0)).toBe(-5)
    expect(memory.getUint16('input', 0)).toBe(65531)
    expect(memory.getFloat32('input', 1, 'BADC')).toBe(-12.5)
    expect(() => memory.get('input', 4)).toThrow(RangeError)
  })
})

describe('requests', () => {
  it('FC 3 answers the block with the transaction of the request', async () => {
    const { memory, server, socket } = await openPair()
    memory.setUint16('holding', 1, 0x1234)
    socket.write(ask(0xbeef, [3, 0, 0, 0, 2]))
    expect((await receive(socket, 13)).toString('hex')).toBe('beef000000070103040000' + '1234')
    expect(server.requests()).toBe(1)
  })

  it('a block that touches a hole answers exception 2, a block beside it is read', async () => {
    const { socket } = await openPair()
    socket.write(ask(1, [3, 0, 3, 0, 2]))
    expect((await receive(socket, 9)).subarray(7).toString('hex')).toBe('8302')
    socket.write(ask(2, [3, 0, 10, 0, 2]))
    expect((await receive(socket, 13)).subarray(7).toString('hex')).toBe('030400000000')
  })

  it('FC 1, 5 and 15 pack coils from the lowest bit on', async () => {
    const writes: ModbusWrite[] = []
    const { memory, socket } = await openPair({ onWrite: (event) => writes.push(event) })
    socket.write(ask(1, [5, 0, 0, 0xff, 0]))
    await receive(socket, 12)
    socket.write(ask(2, [15, 0, 8, 0, 3, 1, 0b101]))
    await receive(socket, 12)
    socket.write(ask(3, [1, 0, 0, 0, 12]))
    expect((await receive(socket, 11)).subarray(7).toString('hex')).toBe('01020105')
    expect(memory.getBit('coils', 10)).toBe(true)
    expect(writes.map((write) => write.values)).toEqual([[1], [1, 0, 1]])
  })

  it('FC 6 and 16 write registers; a wrong byte count answers exception 3 and changes nothing', async () => {
    const { memory, socket } = await openPair()
    socket.write(ask(1, [6, 0, 0, 0, 7]))
    await receive(socket, 12)
    socket.write(ask(2, [16, 0, 1, 0, 2, 4, 0, 8, 0, 9]))
    await receive(socket, 12)
    socket.write(ask(3, [16, 0, 1, 0, 2, 3, 0, 1, 0]))
    expect((await receive(socket, 9)).subarray(7).toString('hex')).toBe('9003')
    expect([0, 1, 2].map((address) => memory.get('holding', address))).toEqual([7, 8, 9])
  })

  it('an unknown function answers exception 1, an unknown unit exception 11', async () => {
    const { socket } = await openPair()
    socket.write(ask(1, [43, 14, 1, 0]))
    expect((await receive(socket, 9)).subarray(7).toString('hex')).toBe('ab01')
    socket.write(ask(2, [3, 0, 0, 0, 1], 9))
    expect((await receive(socket, 9)).subarray(6).toString('hex')).toBe('09830b')
  })

  it('answers requests that come in pieces and several in one packet', async () => {
    const { socket } = await openPair()
    const bytes = Buffer.concat([ask(1, [3, 0, 0, 0, 1]), ask(2, [3, 0, 1, 0, 1])])
    socket.write(bytes.subarray(0, 5))
    await new Promise((resolve) => setTimeout(resolve, 20))
    socket.write(bytes.subarray(5))
    const answer = await receive(socket, 22)
    expect([answer.readUInt16BE(0), answer.readUInt16BE(11)]).toEqual([1, 2])
  })

  it('cuts off a peer that does not speak Modbus', async () => {
    const { socket } = await openPair()
    socket.write('GET / HTTP/1.1\r\n\r\n')
    await once(socket, 'close')
  })
})

describe('misbehaviour', () => {
  it('stays silent, answers late out of order, or sends any bytes, as it is told', async () => {
    const { server, socket } = await openPair({
      behave: ({ address, transaction }) => {
        if (address === 0) return 'silent'
        if (address === 1) return { delayMs: 100 }
        if (address === 2) return { raw: encodeAdu(transaction, 7, Buffer.from([3, 2, 0, 1])) }
        return address === 3 ? { exception: 6 } : undefined
      },
    })
    for (const address of [0, 1, 2, 3]) socket.write(ask(address + 1, [3, 0, address, 0, 1]))
    const answer = await receive(socket, 11 + 9 + 11)
    expect(answer.subarray(0, 11).toString('hex')).toBe('0003000000050703020001')
    expect(answer.subarray(11, 20).toString('hex')).toBe('000400000003018306')
    expect(answer.readUInt16BE(20)).toBe(2)
    expect(server.requests()).toBe(4)
  })

  it('drops connections and goes on listening', async () => {
    const { server, socket } = await openPair()
    server.dropConnections()
    await once(socket, 'close')
    const again = connect(server.port, '127.0.0.1')
    sockets.push(again)
    again.write(ask(5, [3, 0, 0, 0, 1]))
    expect((await receive(again, 11)).readUInt16BE(0)).toBe(5)
    expect(server.connections()).toBe(2)
  })
})
