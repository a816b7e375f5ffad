/** Reads what a gateway tells unasked: one stream kept open over its tunnel, one JSON object a line. */
import { type ClientHttp2Session, type ClientHttp2Stream, constants } from 'node:http2'
import { Check } from 'typebox/value'
import { GatewayNews, MAX_NEWS_LINE, NEWS_PATH } from '../../protocol/tunnel/news.ts'

export interface NewsReader {
  /** The gateway is done telling over this connection. */
  close(): void
}

/** One after the other: while `take` works, the gateway's next line waits. `take` must not reject. */
export function readNews(
  session: ClientHttp2Session,
  take: (news: GatewayNews) => Promise<void>,
): NewsReader {
  const stream = session.request({ ':method': 'GET', ':path': NEWS_PATH }, { endStream: true })
  stream.on('error', () => stream.destroy())
  const close = () => stream.close(constants.NGHTTP2_CANCEL)
  // Any other status is of a gateway that knows no news.
  stream.once('response', (headers) => {
    if (headers[':status'] !== 200) close()
    else void readLines(stream, take).catch(close)
  })
  return { close }
}

async function readLines(
  stream: ClientHttp2Stream,
  take: (news: GatewayNews) => Promise<void>,
): Promise<void> {
  let rest = ''
  stream.setEncoding('utf8')
  for await (const part of stream as AsyncIterable<string>) {
    const lines = (rest + part).split('\n')
    rest = lines.pop() ?? ''
    if (Math.max(rest.length, ...lines.map(({ length }) => length)) > MAX_NEWS_LINE) break
    for (const line of lines) {
      const news = parseNews(line)
      if (news) await take(news)
    }
  }
  stream.close(constants.NGHTTP2_CANCEL)
}

/** Undefined for what this version does not know. */
function parseNews(line: string): GatewayNews | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return Check(GatewayNews, value) ? value : undefined
  } catch {
    return undefined
  }
}
