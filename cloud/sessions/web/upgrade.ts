/** Forwards a WebSocket (or any other upgrade) of the browser to the machine, and records the raw bytes both ways. */
import { type IncomingMessage, type OutgoingHttpHeaders, request } from 'node:http'
import type { Duplex } from 'node:stream'
import type { LiveSession } from '../live-session.ts'
import { redactPath } from '../redact.ts'
import { sayingOf } from './forward.ts'
import { type ProxyPlace, requestHeaders } from './headers.ts'
import { openSocket } from './tunnel-agent.ts'
import { sayRaw } from './words.ts'

/** Bytes of one upgraded connection kept in the recording; beyond it they are only counted. */
const RECORDED_BYTES = 1024 * 1024

export interface Upgrade {
  live: LiveSession
  place: ProxyPlace
  request: IncomingMessage
  socket: Duplex
  head: Buffer
}

/** Never rejects. */
export async function forwardUpgrade(upgrade: Upgrade): Promise<void> {
  const { live, request: incoming, socket } = upgrade
  const id = live.nextExchange()
  const path = redactPath(incoming.url ?? '/')
  const event = (kind: string, text: string) => live.record({ kind, at: Date.now(), id, text })
  live.touch()
  try {
    await event('websocket-asked', path)
    const { reply, machine, head } = await dial(upgrade)
    live.track(socket)
    await event('websocket-opened', path)
    socket.write(formatSwitch(reply))
    const counts = await join(upgrade, { machine, head, id })
    await event('websocket-closed', `${path}: ${counts.up} bytes up, ${counts.down} bytes down`)
  } catch (error) {
    if (socket.writable) sayRaw(socket, sayingOf(error))
    await event('websocket-refused', path).catch(() => undefined)
  }
}

async function dial({ live, place, request: incoming }: Upgrade) {
  const stream = await openSocket(live)
  const outgoing = request({
    method: incoming.method,
    path: incoming.url,
    headers: {
      ...requestHeaders(incoming.headers, place),
      connection: 'Upgrade',
      upgrade: incoming.headers.upgrade,
    } satisfies OutgoingHttpHeaders,
    host: place.target,
    setHost: false,
    createConnection: () => stream,
  })
  return await new Promise<{ reply: IncomingMessage; machine: Duplex; head: Buffer }>(
    (resolve, reject) => {
      outgoing.once('upgrade', (reply, machine, head) => resolve({ reply, machine, head }))
      outgoing.once('response', (reply) => {
        reply.destroy()
        reject(new Error(`the machine answered ${reply.statusCode}`))
      })
      outgoing.once('close', () => reject(new Error('closed')))
      outgoing.on('error', reject)
      outgoing.end()
    },
  )
}

/** The 101, header by header as it came: the parser has seen to it that no line end is in any of them. */
function formatSwitch({ rawHeaders }: IncomingMessage): string {
  const lines: string[] = []
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    if (/^set-cookie$/i.test(rawHeaders[index] ?? '')) continue
    lines.push(`${rawHeaders[index]}: ${rawHeaders[index + 1]}`)
  }
  return `HTTP/1.1 101 Switching Protocols\r\n${lines.join('\r\n')}\r\n\r\n`
}

async function join(
  { live, socket, head: fromBrowser }: Upgrade,
  { machine, head, id }: { machine: Duplex; head: Buffer; id: number },
): Promise<{ up: number; down: number }> {
  const counts = { up: 0, down: 0 }
  const tap = (direction: 'up' | 'down') => (chunk: Buffer) => {
    live.touch()
    counts[direction] += chunk.length
    if (counts.up + counts.down > RECORDED_BYTES) return
    const data = chunk.toString('base64')
    // A failing recorder ends the session by its own call.
    live.record({ kind: 'bytes', at: Date.now(), id, direction, data }).catch(() => undefined)
  }
  if (fromBrowser.length > 0) socket.unshift(fromBrowser)
  if (head.length > 0) machine.unshift(head)
  const closed = new Promise<void>((resolve) => {
    machine.once('close', () => resolve(void socket.destroy()))
    socket.once('close', () => resolve(void machine.destroy()))
  })
  machine.on('error', () => machine.destroy())
  socket.on('error', () => socket.destroy())
  socket.on('data', tap('up')).pipe(machine)
  machine.on('data', tap('down')).pipe(socket)
  await closed
  return counts
}
