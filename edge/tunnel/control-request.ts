/** A control request of the cloud over the tunnel that has a body: read whole within a bound, answered as JSON. */
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'

/** Answers a request, or undefined when there is nobody at this path. */
export type AnswerControl = (request: {
  method: string
  path: string
  body: string
}) => Promise<{ status: number; body?: unknown }> | undefined

export interface ControlOptions {
  answer: AnswerControl
  maxBytes: number
}

/** Never rejects; a request that is too long, or whose work fails, gets its status and no body. */
export async function answerControl(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  { answer, maxBytes }: ControlOptions,
): Promise<void> {
  stream.on('error', () => stream.destroy())
  const status = (code: number) => {
    if (stream.destroyed || stream.headersSent) return
    stream.respond({ ':status': code }, { endStream: true })
    stream.resume()
  }
  try {
    const body = await readBody(stream, maxBytes)
    if (body === undefined) return status(413)
    const method = headers[':method'] ?? ''
    const answered = await answer({ method, path: headers[':path'] ?? '', body })
    if (answered?.body === undefined) return status(answered?.status ?? 404)
    if (stream.destroyed) return
    stream.respond({ ':status': answered.status, 'content-type': 'application/json' })
    stream.end(JSON.stringify(answered.body))
  } catch {
    status(500)
  }
}

/** Undefined: it is longer than allowed. */
async function readBody(stream: ServerHttp2Stream, maxBytes: number): Promise<string | undefined> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of stream as AsyncIterable<Buffer>) {
    length += part.length
    if (length > maxBytes) return undefined
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}
