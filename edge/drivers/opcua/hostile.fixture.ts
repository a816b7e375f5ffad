/** A TCP server that speaks just enough OPC UA to be hostile: it answers a HELLO and then does as told. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

export interface Hostile extends AsyncDisposable {
  readonly port: number
  open(): number
  /** The most that were open at a time. */
  peak(): number
  /** Bytes it got rid of. */
  sent(): number
}

/** `behave` is called with each message type the client sends (`HEL`, `OPN`, `MSG`). */
export async function openHostile(
  behave: (type: string, write: (bytes: Buffer) => void, socket: Socket) => void,
): Promise<Hostile> {
  const sockets = new Set<Socket>()
  let peak = 0
  let sent = 0
  const server = createServer((socket) => {
    sockets.add(socket)
    peak = Math.max(peak, sockets.size)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    const write = (bytes: Buffer) => {
      if (socket.destroyed) return
      sent += bytes.length
      socket.write(bytes)
    }
    socket.on('data', (bytes) => behave(bytes.toString('latin1', 0, 3), write, socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    open: () => sockets.size,
    peak: () => peak,
    sent: () => sent,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

/** ACK of Part 6, 7.1.2.4, with limits that are none: the server speaks of itself there. */
export function createAck(): Buffer {
  const ack = Buffer.alloc(28)
  ack.write('ACKF')
  ack.writeUInt32LE(28, 4)
  for (let at = 12; at < 28; at += 4) ack.writeUInt32LE(0xffffffff, at)
  return ack
}

/** One chunk of an OpenSecureChannel answer without security (Part 6, 6.7.2), its body given. */
export function createChunk(isFinal: boolean, sequence: number, body: Buffer): Buffer {
  const policy = 'http://opcfoundation.org/UA/SecurityPolicy#None'
  const header = Buffer.alloc(12 + 4 + policy.length + 8 + 8)
  header.write(isFinal ? 'OPNF' : 'OPNC')
  header.writeUInt32LE(header.length + body.length, 4)
  header.writeUInt32LE(1, 8)
  let at = header.writeUInt32LE(policy.length, 12)
  at += header.write(policy, at)
  at = header.writeInt32LE(-1, at)
  at = header.writeInt32LE(-1, at)
  at = header.writeUInt32LE(sequence, at)
  header.writeUInt32LE(1, at)
  return Buffer.concat([header, body])
}
