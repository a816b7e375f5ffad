/** One connection of the tunnel from within: an HTTP/2 server whose only client is the cloud, and who answers what. */
import {
  type IncomingHttpHeaders,
  performServerHandshake,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2'
import type { TLSSocket } from 'node:tls'
import { NEWS_PATH } from '../../protocol/tunnel/news.ts'
import {
  CONSENT_PATH,
  SESSION_MEMORY_MB,
  SESSION_WINDOW_BYTES,
  SESSIONS_PATH,
  TUNNEL_SETTINGS,
} from '../../protocol/tunnel/wire.ts'
import { answerControl, type ControlOptions } from './control-request.ts'
import type { Dialer } from './dialer.ts'
import type { NewsDesk } from './news.ts'

export interface LineServices {
  dialer: Dialer
  /** Answers the requests that are about no session. */
  control?: ControlOptions
  /** Takes the stream on which the cloud listens for news. */
  news?: Pick<NewsDesk, 'attach'>
}

/** Starts HTTP/2 on a socket that the cloud has taken in. */
export function serveLine(
  socket: TLSSocket,
  { dialer, control, news }: LineServices,
): ServerHttp2Session {
  const session = performServerHandshake(socket, {
    settings: TUNNEL_SETTINGS,
    maxSessionMemory: SESSION_MEMORY_MB,
  })
  session.setLocalWindowSize(SESSION_WINDOW_BYTES)
  session.on('error', () => session.destroy())
  session.on('stream', (stream, headers) => {
    if (isOfSession(headers)) answer(stream, headers, dialer)
    else if (news && headers[':method'] === 'GET' && headers[':path'] === NEWS_PATH) {
      news.attach(stream)
    } else if (control) void answerControl(stream, headers, control)
    else answer(stream, headers, dialer)
  })
  return session
}

function answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, dialer: Dialer): void {
  if (headers[':method'] === 'CONNECT') {
    void dialer.serve(stream, headers)
    return
  }
  stream.on('error', () => stream.destroy())
  const { method, session, rest } = parseSessionPath(headers)
  if (method === 'POST' && rest === CONSENT_PATH) {
    void dialer.ask(stream, headers, session)
    stream.resume()
    return
  }
  const isEnd = method === 'DELETE' && session !== '' && rest === ''
  if (isEnd) dialer.endSession(session)
  stream.respond({ ':status': isEnd ? 204 : 404 }, { endStream: true })
  stream.resume()
}

function isOfSession(headers: IncomingHttpHeaders): boolean {
  return headers[':method'] === 'CONNECT' || (headers[':path'] ?? '').startsWith(SESSIONS_PATH)
}

/** `/sessions/<id>` and what follows it. */
function parseSessionPath(headers: IncomingHttpHeaders) {
  const path = headers[':path'] ?? ''
  const tail = path.startsWith(SESSIONS_PATH) ? path.slice(SESSIONS_PATH.length) : ''
  const [session = ''] = tail.split('/', 1)
  return { method: headers[':method'], session, rest: tail.slice(session.length) }
}
