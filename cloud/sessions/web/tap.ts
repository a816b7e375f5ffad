/** A stream that passes everything on, counts it, and keeps the beginning for the recording. */
import { Transform } from 'node:stream'
import { isTextType, redactBody } from '../redact.ts'

/** Enough for a form, a page or a JSON answer; what is cut off is still counted. */
const BODY_CAP_BYTES = 64 * 1024

export interface Tap {
  stream: Transform
  bytes(): number
  /** The redacted beginning; null when it is not text. */
  text(): string | null
}

/** `type` is the body's Content-Type, `touch` is called for every chunk. */
export function createTap(type: string, touch: () => void): Tap {
  const isText = isTextType(type)
  const chunks: Buffer[] = []
  let bytes = 0
  let kept = 0
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length
      touch()
      if (isText && kept < BODY_CAP_BYTES) {
        const part = chunk.subarray(0, BODY_CAP_BYTES - kept)
        kept += part.length
        chunks.push(part)
      }
      done(null, chunk)
    },
  })
  return {
    stream,
    bytes: () => bytes,
    text: () => (isText ? redactBody(Buffer.concat(chunks).toString('utf8'), type) : null),
  }
}
