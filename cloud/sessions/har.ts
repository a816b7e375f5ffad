/** A recording as HAR 1.2, so that a browser's developer tools can open it. */
import type { SessionView } from '../../protocol/api.ts'
import { type ExchangeEntry, isExchange, type Recording } from './recording.ts'

/** HAR 1.2 (http://www.softwareishard.com/blog/har-12-spec/); unknown sizes and times are -1 as it demands. */
export function createHar(recording: Recording, session: SessionView): object {
  return {
    log: {
      version: '1.2',
      creator: { name: 'Mimamori', version: '0.1.0' },
      comment: `Session ${session.id} at ${session.site}/${session.gateway}/${session.target} by ${session.person.name}; sha-256 ${recording.sha256}; hash chain ${recording.intact ? 'intact' : `broken at line ${recording.brokenAt}`}`,
      pages: [],
      entries: recording.entries
        .filter(isExchange)
        .map((exchange) => formatEntry(exchange, session.target)),
    },
  }
}

function formatEntry(exchange: ExchangeEntry, target: string): object {
  const url = new URL(`http://${target}${exchange.path}`)
  const body = exchange.requestBody
  return {
    startedDateTime: new Date(exchange.at).toISOString(),
    time: exchange.durationMs,
    request: {
      method: exchange.method,
      url: url.href,
      httpVersion: 'HTTP/1.1',
      cookies: [],
      headers: listOf(exchange.requestHeaders),
      queryString: [...url.searchParams].map(([name, value]) => ({ name, value })),
      ...(body === null
        ? {}
        : { postData: { mimeType: exchange.requestHeaders['content-type'] ?? '', text: body } }),
      headersSize: -1,
      bodySize: exchange.requestBytes,
    },
    response: {
      status: exchange.status,
      statusText: '',
      httpVersion: 'HTTP/1.1',
      cookies: [],
      headers: listOf(exchange.responseHeaders),
      content: {
        size: exchange.responseBytes,
        mimeType: exchange.responseHeaders['content-type'] ?? '',
        ...(exchange.responseBody === null ? {} : { text: exchange.responseBody }),
      },
      redirectURL: exchange.responseHeaders.location ?? '',
      headersSize: -1,
      bodySize: exchange.responseBytes,
    },
    cache: {},
    timings: { send: 0, wait: exchange.durationMs, receive: 0 },
  }
}

function listOf(headers: Readonly<Record<string, string>>): { name: string; value: string }[] {
  return Object.entries(headers).map(([name, value]) => ({ name, value }))
}
