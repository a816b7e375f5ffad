/** A small machine for session tests: a weighing scale with a web page, that can tell who is connected to it. */
import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import type { SitePolicy } from './harness.ts'

export interface Scale extends AsyncDisposable {
  readonly port: number
  /** What it was asked, `METHOD path`. */
  readonly asked: string[]
  /** Connections that are open at this moment. */
  readonly sockets: ReadonlySet<Socket>
  /** Its line in the site's policy file. */
  allowIn(policy: SitePolicy): void
}

/** `/` answers a page; `/weights` goes on for ever; anything else is a command that is done. */
export async function openScale(): Promise<Scale> {
  const asked: string[] = []
  const sockets = new Set<Socket>()
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    if (request.url === '/weights') response.write('12.5 kg\n')
    else response.end(request.url === '/' ? '<h1>Scale</h1>' : 'done')
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    ...{ port, asked, sockets },
    allowIn: ({ targets }) =>
      void targets.push({
        ...{ id: 'scale-hmi', kind: 'web', title: 'Weighing scale', host: '127.0.0.1', port },
        ...{ consent: 'request', rights: ['view', 'control'], maxMinutes: 30 },
      }),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

export interface Seen {
  status: number
  headers: IncomingMessage['headers']
  body: string
}

/** A browser that has the HMI's origin open: the host name of one session, and its cookie. */
export interface Browser {
  readonly host: string
  get(path: string): Promise<Seen>
  post(path: string): Promise<Seen>
  /** An answer that never ends; resolves with its first bytes and the promise of its end. */
  follow(path: string): Promise<{ first: string; closed: Promise<unknown> }>
}

/** Goes to the address the console gave, trades its ticket for the cookie, and stays on that origin. */
export async function openBrowser(url: string): Promise<Browser> {
  const { host, port, pathname, search } = new URL(url)
  let cookie = ''
  // Real browsers resolve *.localhost to the loopback by themselves; Node asks the system, which may not.
  const send = (method: string, path: string): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const headers = { host, cookie, ...(method !== 'GET' && { origin: `http://${host}` }) }
      httpRequest({ host: '127.0.0.1', port, method, path, headers, agent: false })
        .once('response', resolve)
        .once('error', reject)
        .end()
    })
  const see = async (method: string, path: string): Promise<Seen> => {
    const answer = await send(method, path)
    return { status: answer.statusCode ?? 0, headers: answer.headers, body: await text(answer) }
  }
  const entry = await see('GET', pathname + search)
  if (entry.status !== 303) throw new Error(`the ticket was refused: ${entry.body}`)
  cookie = entry.headers['set-cookie']?.[0]?.split(';')[0] ?? ''
  return {
    host,
    get: (path) => see('GET', path),
    post: (path) => see('POST', path),
    async follow(path) {
      const answer = await send('GET', path)
      answer.on('error', () => undefined)
      const closed = new Promise((resolve) => answer.once('close', resolve))
      const [first] = (await once(answer, 'data')) as [Buffer]
      return { first: first.toString(), closed }
    },
  }
}
