/** What the gateway tells the cloud unasked, on the stream that the cloud keeps open for it. */
import type { ServerHttp2Stream } from 'node:http2'
import type { GatewayNews } from '../../protocol/tunnel/news.ts'

/** Unread by the cloud: it has stopped listening, and news of yesterday are none. */
const MAX_UNREAD_BYTES = 64 * 1024

export interface NewsDesk {
  /** The cloud listens here from now on; an older stream gets no more news. */
  attach(stream: ServerHttp2Stream): void
  /** False: nobody listens. */
  tell(news: GatewayNews): boolean
  /** Resolves when somebody listens, at once when somebody does; false: the signal aborted first. */
  untilHeard(signal: AbortSignal): Promise<boolean>
}

export function createNewsDesk(): NewsDesk {
  const streams: ServerHttp2Stream[] = []
  const waiting = new Set<() => void>()
  return {
    attach(stream) {
      stream.on('error', () => stream.destroy())
      stream.once('close', () => streams.splice(streams.indexOf(stream), 1))
      stream.respond({ ':status': 200, 'content-type': 'application/x-ndjson' })
      stream.resume()
      streams.push(stream)
      for (const wake of waiting) wake()
    },
    tell(news) {
      const stream = streams.at(-1)
      if (!stream || stream.writableLength > MAX_UNREAD_BYTES) return false
      stream.write(`${JSON.stringify(news)}\n`)
      return true
    },
    async untilHeard(signal) {
      if (streams.length > 0) return true
      if (signal.aborted) return false
      const { promise, resolve } = Promise.withResolvers<void>()
      waiting.add(resolve)
      signal.addEventListener('abort', () => resolve(), { once: true })
      await promise
      waiting.delete(resolve)
      return !signal.aborted
    },
  }
}
