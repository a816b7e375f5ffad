/** The InfluxDB historian: the common suite on a real influxd, and what servers answer when they refuse. */
import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { isFault } from '../../protocol/kit/fault.ts'
import { describeHistorian } from './conformance.ts'
import { sample, T0, tag } from './conformance-samples.ts'
import type { Historian } from './historian.ts'
import { openInfluxHistorian } from './influx.ts'
import { encodeTagValue, formatLiteral } from './influx-names.ts'
import { hasInfluxd, INFLUXD_HINT, type Influxd, openInfluxd } from './test-influxd.ts'

const present = hasInfluxd()
let influxd: Influxd
let front: Front
beforeAll(async () => {
  if (present) influxd = await openInfluxd()
})
afterAll(async () => await influxd?.[Symbol.asyncDispose]())

interface Front {
  url: string
  requests: string[]
  close(): void
}
/** Answers itself, or gives undefined to pass the request on to influxd. */
type Answer = (
  request: IncomingMessage,
  bytes: number,
) => { status: number; headers?: Record<string, string>; body?: string } | undefined

/** A server before influxd that refuses when told, and knows the v2 paths that 1.6 lacks. */
async function openFront(answer: Answer): Promise<Front> {
  const requests: string[] = []
  const server = createServer(async (request: IncomingMessage, response: ServerResponse) => {
    const body = Buffer.concat(await request.toArray())
    requests.push(`${request.method} ${request.url} ${request.headers.authorization ?? ''}`.trim())
    const own = answer(request, body.length)
    if (own) {
      response.writeHead(own.status, own.headers).end(own.body)
      return
    }
    const path = (request.url ?? '').replace(/^\/api\/v2\/write\?org=\w*&bucket=/, '/write?db=')
    const { 'content-type': type = '', 'content-encoding': encoding = '' } = request.headers
    const headers = { 'content-type': type, 'content-encoding': encoding }
    const inner = await fetch(influxd.url + path, { method: request.method, body, headers })
    response.writeHead(inner.status, { 'content-type': inner.headers.get('content-type') ?? '' })
    response.end(Buffer.from(await inner.arrayBuffer()))
  })
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address() as { port: number }
  front = {
    url: `http://127.0.0.1:${address.port}`,
    requests,
    close: () => server.close().closeAllConnections(),
  }
  return front
}

async function openBehind(answer: Answer, more: object = {}): Promise<Historian> {
  const { url } = await openFront(answer)
  const database = await influxd.createDatabase()
  return await openInfluxHistorian({ url, database, api: 'v1', ...more })
}

describe.skipIf(!present)(`on a real influxd (${INFLUXD_HINT})`, () => {
  describeHistorian('InfluxDB', async () =>
    openInfluxHistorian({ url: influxd.url, database: await influxd.createDatabase(), api: 'v1' }),
  )

  it('learns the types again from what is stored', async () => {
    const options = {
      url: influxd.url,
      database: await influxd.createDatabase(),
      api: 'v1',
    } as const
    await (await openInfluxHistorian(options)).write([sample('a', 0, true), sample('b', 0, 1n)])
    const later = await openInfluxHistorian(options)
    const result = await later.write([sample('a', 1, 1), sample('b', 1, 'x'), sample('b', 2, 2n)])
    expect(result.rejected.map((one) => one.sample.tag)).toEqual([tag('a'), tag('b')])
    expect(result.committed).toBe(1)
  })

  it('isolates what the server itself refuses by halving, and stores the rest', async () => {
    const options = {
      url: influxd.url,
      database: await influxd.createDatabase(),
      api: 'v1',
    } as const
    const body = `sample,site=plant,gateway=gw-1,device=press,tag=taken value="text" ${T0}000000`
    await fetch(`${influxd.url}/write?db=${options.database}`, { method: 'POST', body })
    const historian = await openInfluxHistorian(options)
    const others = Array.from({ length: 20 }, (_, n) => sample('t', n, `${n}`))
    const bad = [sample('x', 1, 1), sample('y', 1, 2)]
    const result = await historian.write([
      ...others.slice(0, 7),
      bad[0]!,
      ...others.slice(7),
      bad[1]!,
    ])
    expect(result.committed).toBe(20)
    expect(result.rejected.map((one) => one.sample)).toEqual(bad)
    expect(result.rejected[0]?.reason).toMatch(/field type conflict/)
    expect(await historian.raw(tag('t'), 0, T0 + 99, 99)).toHaveLength(20)
  })

  it('a database that is not there is refused, not retried', async () => {
    const historian = await openInfluxHistorian({ url: influxd.url, database: 'nobody', api: 'v1' })
    const error = await historian.write([sample('a', 0, 1)]).catch((caught) => caught)
    expect(isFault(error, 'historian.refused') && error.message).toMatch(/database not found/)
  })
})

describe.skipIf(!present)(`behind a server that refuses (${INFLUXD_HINT})`, () => {
  afterEach(() => front.close())

  it.each([401, 403, 404])('%i stops for good', async (status) => {
    const historian = await openBehind((request) => (isWrite(request) ? { status } : undefined))
    const error = await historian.write([sample('a', 0, 1)]).catch((caught) => caught)
    expect(isFault(error, 'historian.refused') && error.detail.status).toBe(status)
  })

  it.each([429, 500, 503])(
    '%i can be tried again, and then everything is stored once',
    async (status) => {
      let failures = 1
      const historian = await openBehind((request) =>
        isWrite(request) && failures-- > 0 ? { status } : undefined,
      )
      const batch = [sample('a', 0, 1), sample('a', 1, 2)]
      const error = await historian.write(batch).catch((caught) => caught)
      expect(isFault(error, 'historian.unavailable')).toBe(true)
      expect(await historian.write(batch)).toEqual({ committed: 2, rejected: [] })
      expect(await historian.raw(tag('a'), 0, T0 + 9, 9)).toHaveLength(2)
    },
  )

  it('Retry-After keeps us from asking again before its time', async () => {
    const historian = await openBehind((request) =>
      isWrite(request) ? { status: 503, headers: { 'retry-after': '100' } } : undefined,
    )
    const error = await historian.write([sample('a', 0, 1)]).catch((caught) => caught)
    expect(isFault(error, 'historian.unavailable') && error.detail.retryAfterMs).toBeGreaterThan(
      90_000,
    )
    const writes = () => front.requests.filter((line) => line.includes('/write')).length
    expect(writes()).toBe(1)
    const again = await historian.write([sample('a', 0, 1)]).catch((caught) => caught)
    expect(isFault(again, 'historian.unavailable')).toBe(true)
    expect(writes()).toBe(1)
  })

  it('413 is halved until it fits', async () => {
    const historian = await openBehind((request, bytes) =>
      isWrite(request) && bytes > 400 ? { status: 413 } : undefined,
    )
    // Random, so that compression does not make it fit.
    const batch = Array.from({ length: 40 }, (_, n) =>
      sample('a', n, randomBytes(60).toString('hex')),
    )
    expect(await historian.write(batch)).toEqual({ committed: 40, rejected: [] })
    expect(await historian.raw(tag('a'), 0, T0 + 99, 99)).toHaveLength(40)
    expect(front.requests.filter((line) => line.includes('/write')).length).toBeGreaterThan(5)
  })

  it('nobody there is unavailable, for reads too', async () => {
    const historian = await openBehind(() => undefined)
    front.close()
    const calls = [
      () => historian.write([sample('a', 0, 1)]),
      () => historian.latest([tag('a')]),
      () => historian.range({ tag: tag('a'), from: T0, to: T0 + 1, points: 1 }),
    ]
    for (const call of calls) {
      const error = await call().catch((caught) => caught)
      expect(isFault(error, 'historian.unavailable')).toBe(true)
    }
  })

  it('speaks version 2: its write path, its token and its delete', async () => {
    const isDelete = (request: IncomingMessage) => request.url?.startsWith('/api/v2/delete')
    const answer: Answer = (request) => (isDelete(request) ? { status: 204 } : undefined)
    const historian = await openBehind(answer, { api: 'v2', org: 'acme', token: 'secret' })
    expect(await historian.write([sample('a', 0, 5)])).toEqual({ committed: 1, rejected: [] })
    expect(await historian.raw(tag('a'), 0, T0 + 9, 9)).toEqual([sample('a', 0, 5)])
    expect(await historian.retain({ maxAgeMs: 0 }, T0 + 1)).toBe(1)
    const database = /bucket=(\w+)/.exec(front.requests.join())?.[1]
    expect(front.requests).toContain(
      `POST /api/v2/write?org=acme&bucket=${database}&precision=ms Token secret`,
    )
    expect(front.requests).toContain(`POST /api/v2/delete?org=acme&bucket=${database} Token secret`)
  })

  it('speaks version 1 with a name and a password', async () => {
    const historian = await openBehind(() => undefined, { username: 'me', password: 'it' })
    await historian.write([sample('a', 0, 5)])
    expect(front.requests.every((line) => line.endsWith(' Basic bWU6aXQ='))).toBe(true)
  })
})

function isWrite(request: IncomingMessage): boolean {
  return request.url?.includes('/write') ?? false
}

describe('names in InfluxDB', () => {
  it('stay apart when a backslash is stored as %5C', () => {
    const names = ['a\\b', 'a%5Cb', 'a%255Cb', 'a%b', 'a%25b', '%', '\\', '\\%5C', '%\\', '%%5C']
    expect(new Set(names.map(encodeTagValue)).size).toBe(names.length)
    expect(encodeTagValue('Valve %')).toBe('Valve %')
  })

  it('cannot end the literal they stand in', () => {
    expect(formatLiteral("a'; DROP DATABASE x; --\\")).toBe("'a\\'; DROP DATABASE x; --\\\\'")
    expect(formatLiteral('two\nlines')).toBe("'two\\nlines'")
  })
})
