/** A listening TCP socket that counts its connections and can be closed with all of them. */
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'

export interface TcpServerOptions {
  host?: string
  /** 0 takes a free one. */
  port?: number
  onConnection(socket: Socket): void
}

export interface TcpServer extends AsyncDisposable {
  readonly port: number
  /** Open right now. */
  readonly sockets: ReadonlySet<Socket>
  /** Accepted since the start. */
  connections(): number
  /** Destroys every open connection; listening goes on. */
  dropConnections(): void
}

/** Listens; rejects with the system's error (`EADDRINUSE`, ...) when it cannot. */
export async function openTcpServer(options: TcpServerOptions): Promise<TcpServer> {
  const { host = '127.0.0.1', port = 0, onConnection } = options
  const sockets = new Set<Socket>()
  let accepted = 0
  const server = createServer({ noDelay: true }, (socket) => {
    accepted++
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    // A peer that resets its connection is everyday life for a device.
    socket.on('error', () => socket.destroy())
    onConnection(socket)
  })
  server.listen(port, host)
  await once(server, 'listening')
  const dropConnections = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    connections: () => accepted,
    dropConnections,
    async [Symbol.asyncDispose]() {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      dropConnections()
      await closed
    },
  }
}
