/** A Modbus TCP device to load a gateway with, in a process of its own, on plain sockets: every register changes every 10 ms. */
import { createServer, type Socket } from 'node:net'
import type { ModbusLoadStats } from './load.ts'

/** Of the MBAP header: transaction, protocol, length, unit. */
const HEADER = 7
const READ_HOLDING = 3
const REQUEST_BYTES = 12
const CHANGE_MS = 10

const delayMs = Number(process.argv[2] ?? 0)
let stats = emptyStats()

function emptyStats(): ModbusLoadStats {
  return { requests: 0, registers: 0, arrivals: {} }
}

function answer(socket: Socket, request: Buffer): void {
  const unit = request.readUInt8(6)
  const address = request.readUInt16BE(8)
  const quantity = request.readUInt16BE(10)
  if (request.readUInt8(7) !== READ_HOLDING || quantity < 1 || quantity > 125) {
    socket.destroy()
    return
  }
  stats.requests += 1
  stats.registers += quantity
  // The first block of a poll tells when the poll began.
  if (address === 0) {
    const seen = stats.arrivals[unit] ?? []
    stats.arrivals[unit] = seen
    seen.push(performance.now())
  }
  const reply = Buffer.allocUnsafe(HEADER + 2 + quantity * 2)
  request.copy(reply, 0, 0, 4)
  reply.writeUInt16BE(3 + quantity * 2, 4)
  reply.writeUInt8(unit, 6)
  reply.writeUInt8(READ_HOLDING, 7)
  reply.writeUInt8(quantity * 2, 8)
  fill(reply, address, quantity)
  if (delayMs === 0) socket.write(reply)
  else setTimeout(() => socket.destroyed || socket.write(reply), delayMs)
}

function fill(reply: Buffer, address: number, quantity: number): void {
  const tick = Math.floor(performance.now() / CHANGE_MS)
  for (let index = 0; index < quantity; index++) {
    const value = (address + index + tick) & 0xffff
    reply[HEADER + 2 + index * 2] = value >> 8
    reply[HEADER + 3 + index * 2] = value & 0xff
  }
}

const server = createServer({ noDelay: true }, (socket) => {
  let pending: Buffer = Buffer.alloc(0)
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: Buffer) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk])
    while (pending.length >= REQUEST_BYTES) {
      answer(socket, pending.subarray(0, REQUEST_BYTES))
      pending = pending.subarray(REQUEST_BYTES)
    }
  })
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.send?.({ ready: { port: typeof address === 'object' ? address?.port : 0 } })
})
process.on('message', () => {
  process.send?.({ reply: stats })
  stats = emptyStats()
})
process.on('disconnect', () => process.exit(0))
