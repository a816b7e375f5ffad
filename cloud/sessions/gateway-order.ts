/** A request with a body to a gateway over its tunnel, and the JSON it answers. */
import { type ClientHttp2Session, type ClientHttp2Stream, constants } from 'node:http2'
import { Fault } from '../../protocol/kit/fault.ts'

export interface GatewayOrder {
  method: 'GET' | 'POST'
  path: string
  /** Sent as JSON. */
  body?: unknown
  timeoutMs: number
  /** A longer answer is cut off and counts as none. */
  maxBytes: number
}

/** The answer's JSON. Throws Fault 'tunnel.down' without an answer, 'tunnel.refused' for any status but 200. */
export async function sendOrder(
  session: ClientHttp2Session,
  gateway: string,
  order: GatewayOrder,
): Promise<unknown> {
  const text = order.body === undefined ? undefined : JSON.stringify(order.body)
  const stream = open(session, gateway, { order, hasBody: text !== undefined })
  stream.on('error', () => stream.destroy())
  if (text !== undefined) stream.end(text)
  const late = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), order.timeoutMs)
  try {
    const { status, body } = await readAnswer(stream, order.maxBytes)
    if (status === undefined || body === undefined) throw new Fault('tunnel.down', { gateway })
    if (status !== 200) {
      throw new Fault('tunnel.refused', { gateway, reason: `it answered ${status}` })
    }
    return parse(body, gateway)
  } finally {
    clearTimeout(late)
    if (!stream.closed) stream.close(constants.NGHTTP2_CANCEL)
  }
}

function open(
  session: ClientHttp2Session,
  gateway: string,
  { order, hasBody }: { order: GatewayOrder; hasBody: boolean },
): ClientHttp2Stream {
  const headers = { ':method': order.method, ':path': order.path }
  try {
    return session.request(headers, { endStream: !hasBody })
  } catch (cause) {
    throw new Fault('tunnel.down', { gateway }, { cause })
  }
}

/** Both undefined: the stream ended before its answer did. */
function readAnswer(
  stream: ClientHttp2Stream,
  maxBytes: number,
): Promise<{ status?: number; body?: string }> {
  return new Promise((resolve) => {
    let status: number | undefined
    const parts: Buffer[] = []
    let length = 0
    stream.once('response', (headers) => {
      status = Number(headers[':status'])
    })
    stream.on('data', (part: Buffer) => {
      length += part.length
      if (length > maxBytes) stream.close(constants.NGHTTP2_CANCEL)
      else parts.push(part)
    })
    stream.once('end', () => {
      if (length <= maxBytes) resolve({ status, body: Buffer.concat(parts).toString('utf8') })
    })
    stream.once('close', () => resolve({}))
  })
}

function parse(text: string, gateway: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new Fault('tunnel.refused', { gateway, reason: 'its answer is no JSON' }, { cause })
  }
}
