/** The web side of a simulated machine: its HMI page, live state, commands, and faults from this computer only. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** "The answer is no" is a value, with the words the operator reads. */
export type CommandResult = { done: true } | { done: false; reason: string }

export interface ControlOptions {
  host?: string
  /** 0 takes a free one. */
  port?: number
  /** The HMI's HTML; a machine without one answers 404 on `/`. */
  page?: string
  /** What `GET state` answers, as JSON. */
  state(): object
  /** What `POST command/<name>` does. */
  commands: Readonly<Record<string, () => CommandResult>>
  /** Names that `POST simulator/fault` accepts. */
  faults: readonly string[]
  inject(fault: string): void
}

export interface ControlServer extends AsyncDisposable {
  readonly port: number
  /** `http://host:port/` */
  readonly url: string
}

/** Larger bodies are refused: a fault's name is short. */
const MAX_BODY_BYTES = 4096
/** No script, style or picture from anywhere else; framing stays allowed, HMIs are looked at in frames. */
const PAGE_POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:"

interface Answer {
  status: number
  body: object | string
  headers?: Record<string, string>
}

/** Opens the web server; rejects with the system's error when the port is taken. */
export async function openControl(options: ControlOptions): Promise<ControlServer> {
  const { host = '127.0.0.1', port = 0 } = options
  const server = createServer((request, response) => {
    answerRequest(options, request)
      .catch((error: unknown) => ({ status: 500, body: { problem: String(error) } }))
      .then((answer) => send(response, answer))
  })
  server.listen(port, host)
  await once(server, 'listening')
  const actual = (server.address() as AddressInfo).port
  return {
    port: actual,
    url: `http://${host}:${actual}/`,
    async [Symbol.asyncDispose]() {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function answerRequest(options: ControlOptions, request: IncomingMessage): Promise<Answer> {
  const path = new URL(request.url ?? '/', 'http://machine').pathname
  if (path === '/' && options.page !== undefined) {
    return onlyGet(request, () => ({ status: 200, body: options.page ?? '' }))
  }
  if (path === '/state') return onlyGet(request, () => ({ status: 200, body: options.state() }))
  if (path === '/simulator/fault') return await answerFault(options, request)
  const command = /^\/command\/([a-z-]+)$/.exec(path)?.[1] ?? ''
  if (!Object.hasOwn(options.commands, command)) return problem(404, `There is nothing at ${path}.`)
  if (request.method !== 'POST') return notAllowed('POST')
  const result = options.commands[command]?.()
  if (result && !result.done) return problem(409, result.reason)
  return { status: 200, body: options.state() }
}

function onlyGet(request: IncomingMessage, answer: () => Answer): Answer {
  return request.method === 'GET' || request.method === 'HEAD' ? answer() : notAllowed('GET, HEAD')
}

function notAllowed(allow: string): Answer {
  return { ...problem(405, `Only ${allow} is possible here.`), headers: { allow } }
}

function problem(status: number, words: string): Answer {
  return { status, body: { problem: words } }
}

/** A fault is the experimenter's doing, not the operator's: nobody on another computer may cause one. */
async function answerFault(options: ControlOptions, request: IncomingMessage): Promise<Answer> {
  if (!isLoopback(request)) return problem(403, 'Faults are injected from this computer only.')
  if (request.method !== 'POST') return notAllowed('POST')
  if (!request.headers['content-type']?.startsWith('application/json')) {
    return problem(415, 'The body must be application/json.')
  }
  const body = await readBody(request)
  if (body === undefined) return problem(413, `The body is larger than ${MAX_BODY_BYTES} bytes.`)
  const fault = parseFault(body)
  if (fault === undefined || !options.faults.includes(fault)) {
    const words = `The body must be {"fault":"NAME"} with one of: ${options.faults.join(', ')}.`
    return { status: 400, body: { problem: words, faults: options.faults } }
  }
  options.inject(fault)
  return { status: 200, body: { fault } }
}

/** The Host header too: a web page that points its own name at 127.0.0.1 gets no further. */
function isLoopback(request: IncomingMessage): boolean {
  const remote = request.socket.remoteAddress ?? ''
  const host = (request.headers.host ?? '').replace(/:\d+$/, '')
  return (
    /^(127\.|::1$|::ffff:127\.)/.test(remote) &&
    /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(host)
  )
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size <= MAX_BODY_BYTES) chunks.push(chunk)
  }
  return size > MAX_BODY_BYTES ? undefined : Buffer.concat(chunks).toString('utf8')
}

function parseFault(body: string): string | undefined {
  try {
    const fault = JSON.parse(body)?.fault
    return typeof fault === 'string' ? fault : undefined
  } catch {
    return undefined
  }
}

function send(response: ServerResponse, { status, body, headers }: Answer): void {
  const isPage = typeof body === 'string'
  response.writeHead(status, {
    'content-type': isPage ? 'text/html; charset=utf-8' : 'application/json',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(isPage ? { 'content-security-policy': PAGE_POLICY } : {}),
    ...headers,
  })
  response.end(response.req.method === 'HEAD' ? undefined : isPage ? body : JSON.stringify(body))
}
