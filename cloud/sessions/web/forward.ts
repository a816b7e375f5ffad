/** Forwards one HTTP request of the browser to the machine, and records both. */
import { type ClientRequest, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { isFault } from '../../../protocol/kit/fault.ts'
import type { LiveSession } from '../live-session.ts'
import { redactHeaders, redactPath } from '../redact.ts'
import { type ProxyPlace, requestHeaders, responseHeaders } from './headers.ts'
import { createTap, type Tap } from './tap.ts'
import { agentOf, openSocket } from './tunnel-agent.ts'
import { type SayingCode, say } from './words.ts'

/** From the last byte of the request to the first of the answer. */
const ANSWER_TIMEOUT_MS = 60_000
/** Methods that only look (RFC 9110 9.2.1). */
export const safeMethods: readonly string[] = ['GET', 'HEAD', 'OPTIONS']

export interface Exchange {
  live: LiveSession
  place: ProxyPlace
  request: IncomingMessage
  response: ServerResponse
}

/** Never rejects: what goes wrong is said to the browser and written into the recording. */
export async function forwardHttp(exchange: Exchange): Promise<void> {
  const { live, request: incoming } = exchange
  const id = live.nextExchange()
  const at = Date.now()
  const startedAt = performance.now()
  const [method, path] = [incoming.method ?? 'GET', redactPath(incoming.url ?? '/')]
  const sent = createTap(incoming.headers['content-type'] ?? '', live.touch)
  live.touch()
  let answer: Answer = { status: 0 }
  try {
    // Before anything reaches the machine: a request that cannot be recorded is not made.
    await live.record({ kind: 'request', at, id, method, path })
    const outgoing = await openRequest(exchange)
    live.track(outgoing)
    answer = await relay(exchange, outgoing, sent)
  } catch (error) {
    say(exchange.response, sayingOf(error), exchange.place.frameAncestors)
  }
  const entry = {
    kind: 'exchange',
    at,
    id,
    method,
    path,
    status: answer.status,
    durationMs: Math.round((performance.now() - startedAt) * 10) / 10,
    requestBytes: sent.bytes(),
    responseBytes: answer.body?.bytes() ?? 0,
    requestBody: sent.bytes() > 0 ? sent.text() : null,
    responseBody: answer.body?.text() ?? null,
    requestHeaders: redactHeaders(incoming.headers),
    responseHeaders: redactHeaders(answer.headers ?? {}),
    cutOff: answer.cutOff,
  }
  // A failure here ends the session by the recorder's own call.
  await live.record(entry).catch(() => undefined)
}

interface Answer {
  status: number
  headers?: IncomingMessage['headers']
  body?: Tap
  /** The answer did not come to its end. */
  cutOff?: boolean
}

async function openRequest({ live, place, request: incoming }: Exchange): Promise<ClientRequest> {
  const method = incoming.method ?? 'GET'
  const options = {
    method,
    path: incoming.url,
    headers: requestHeaders(incoming.headers, place),
    host: place.target,
    setHost: false,
  }
  if (safeMethods.includes(method)) return request({ ...options, agent: agentOf(live) })
  // What changes the machine never goes over a pooled stream: a stale one could make it happen twice or never.
  const socket = await openSocket(live)
  return request({ ...options, agent: undefined, createConnection: () => socket })
}

async function relay(
  { live, place, request: incoming, response }: Exchange,
  outgoing: ClientRequest,
  sent: Tap,
): Promise<Answer> {
  // Whoever gives up first: the other is told.
  response.once('close', () => outgoing.destroy())
  const answered = answerOf(outgoing)
  const upload = pipeline(incoming, sent.stream, outgoing).catch(() => undefined)
  const reply = await answered
  const body = createTap(reply.headers['content-type'] ?? '', live.touch)
  const answer: Answer = { status: reply.statusCode ?? 0, headers: reply.headers, body }
  reply.on('error', () => reply.destroy())
  response.writeHead(answer.status, responseHeaders(reply.headers, place))
  try {
    await pipeline(reply, body.stream, response)
    await upload
  } catch {
    answer.cutOff = true
    response.destroy()
  }
  return answer
}

/** The machine's answer; rejects when there is none, or one that is not to be passed on. */
async function answerOf(outgoing: ClientRequest): Promise<IncomingMessage> {
  return await new Promise((resolve, reject) => {
    const late = setTimeout(() => outgoing.destroy(new LateAnswer()), ANSWER_TIMEOUT_MS)
    outgoing.once('close', () => {
      clearTimeout(late)
      reject(new Error('closed'))
    })
    outgoing.once('response', (reply) => {
      clearTimeout(late)
      resolve(reply)
    })
    // A 101 that nobody asked for.
    outgoing.once('upgrade', (_reply, socket) => {
      socket.destroy()
      reject(new Error('upgrade'))
    })
    outgoing.on('error', reject)
  })
}

class LateAnswer extends Error {}

/** Which words fit this failure. */
export function sayingOf(error: unknown): SayingCode {
  if (error instanceof LateAnswer) return 'too-late'
  if (isFault(error, 'recorder.failed')) return 'not-recorded'
  if (isFault(error, 'session.not-allowed')) return 'ended'
  if (isFault(error, 'tunnel.refused')) {
    return error.detail.refusal === 'target-unreachable' ? 'unreachable' : 'refused'
  }
  if (isFault(error, 'tunnel.down')) return 'unreachable'
  return 'bad-answer'
}
