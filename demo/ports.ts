/** Free TCP ports on the loopback, and a clear word when a wished one is taken. */
import { createServer, type Server } from 'node:net'
import { Fault } from '../protocol/kit/fault.ts'

async function listen(port: number): Promise<Server> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host: '127.0.0.1', exclusive: true }, resolve)
  })
  return server
}

/** Below what systems give to outgoing connections (Linux from 32768, others from 49152): nobody else takes one by chance. */
const FIRST_PORT = 20_000
const PORTS = 10_000

/** Finds `count` different free ports, from a random one on: what starts beside us looks elsewhere. */
export async function findFreePorts(count: number): Promise<number[]> {
  const servers: Server[] = []
  const ports: number[] = []
  const start = Math.floor(Math.random() * PORTS)
  try {
    for (let i = 0; ports.length < count; i++) {
      const port = FIRST_PORT + ((start + i) % PORTS)
      try {
        servers.push(await listen(port))
        ports.push(port)
      } catch (error) {
        if (i >= PORTS) throw error
      }
    }
    return ports
  } finally {
    await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  }
}

/** Throws Fault 'port.taken' when nobody could listen there. */
export async function checkPortFree(port: number, flag: string): Promise<void> {
  try {
    const server = await listen(port)
    await new Promise((resolve) => server.close(resolve))
  } catch (error) {
    throw new Fault('port.taken', { port, flag }, { cause: error })
  }
}
