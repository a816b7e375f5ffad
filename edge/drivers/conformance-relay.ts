/** A TCP relay between a driver and its simulator that can hold replies back, release them late, or cut the line. */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface Relay extends AsyncDisposable {
  readonly port: number
  /** Connections of the driver that are open now. */
  open(): number
  /** From now on the device's bytes are kept; the driver's still go through. */
  hold(): void
  /** Lets the kept bytes go, late. */
  release(): void
  /** Cuts every line and listens no more. */
  cut(): Promise<void>
  /** Listens again, on the same port. */
  restore(): Promise<void>
}

interface Pair {
  near: Socket
  far: Socket
  kept: Buffer[]
}

/** Opens a relay to a port on the loopback. */
export async function openRelay(target: number): Promise<Relay> {
  const pairs = new Set<Pair>()
  let isHeld = false
  const server = createServer({ noDelay: true }, (near) => {
    const far = connect({ port: target, host: '127.0.0.1', noDelay: true })
    const pair: Pair = { near, far, kept: [] }
    pairs.add(pair)
    near.on('data', (chunk) => far.write(chunk))
    far.on('data', (chunk) => (isHeld ? pair.kept.push(chunk) : near.write(chunk)))
    const end = () => {
      pairs.delete(pair)
      near.destroy()
      far.destroy()
    }
    for (const socket of [near, far]) socket.on('error', end).on('close', end)
  })
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
  const cut = async () => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    for (const { near, far } of pairs) {
      near.destroy()
      far.destroy()
    }
    await closed
  }
  const port = await listen(0)
  return {
    port,
    open: () => pairs.size,
    hold() {
      isHeld = true
    },
    release() {
      isHeld = false
      for (const { near, kept } of pairs) for (const chunk of kept.splice(0)) near.write(chunk)
    },
    cut,
    async restore() {
      await listen(port)
    },
    [Symbol.asyncDispose]: cut,
  }
}
