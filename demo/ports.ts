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

/** Finds `count` different free ports. */
export async function findFreePorts(count: number): Promise<number[]> {
  const servers: Server[] = []
  try {
    for (let i = 0; i < count; i++) servers.push(await listen(0))
    return servers.map((server) => {
      const address = server.address()
      return typeof address === 'object' && address ? address.port : 0
    })
  } finally {
    await Promise.all(servers.map((s) => new Promise((resolve) => s.close(resolve))))
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
