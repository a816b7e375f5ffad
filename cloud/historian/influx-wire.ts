/** Requests to InfluxDB 1.x, 2 and 3: writes and queries, and what each refusal means. */
import { HttpError, InfluxDB, type WriteApi } from '@influxdata/influxdb-client'
import { Fault } from '../../protocol/kit/fault.ts'

export interface InfluxOptions {
  /** http://host:8086 */
  url: string
  /** The bucket in InfluxDB 2 and 3. */
  database: string
  /** InfluxDB 2 only. */
  org?: string
  /** InfluxDB 2 and 3. */
  token?: string
  /** InfluxDB 1.x with authentication. */
  username?: string
  password?: string
  /** v1: `/write`. v2: `/api/v2/write`, which 2 and 3 have (and 1.8). Queries go to `/query` in all of them. */
  api: 'v1' | 'v2'
}

/** Lines of one request; 5,000 is what InfluxData recommends. */
export const MAX_LINES = 5_000
/** Far above MAX_LINES of our lines: the client must never send by itself, for such a batch nobody awaits. */
const MAX_BATCH_BYTES = 500_000_000
/** A query over months on a slow disk; beyond it the console has given up anyway. */
const TIMEOUT_MS = 30_000
/** Bodies above this are worth compressing. */
const GZIP_BYTES = 1_000
/** Refused for what is in the body: malformed, too large, wrong field type, beyond the retention. */
const POISON: ReadonlySet<number> = new Set([400, 413, 422])
/** Refused for who we are or where we write: no retry mends it. */
const REFUSED: ReadonlySet<number> = new Set([401, 403, 404])

/** Rows of one series, as `/query` answers them. */
export interface InfluxSeries {
  tags?: Record<string, string>
  columns: string[]
  values: (string | number | boolean | null)[][]
}

export interface InfluxWire {
  /** Undefined when stored; else the reason why something in these lines cannot be. Throws a Fault otherwise. */
  write(lines: string[]): Promise<string | undefined>
  /** The answers of several InfluxQL statements, in their order. */
  query(statements: readonly string[]): Promise<InfluxSeries[][]>
  /** Deletes the measurement's points before the instant (Unix ms). */
  deleteBefore(measurement: string, at: number): Promise<void>
}

interface QueryAnswer {
  results?: { series?: InfluxSeries[]; error?: string }[]
}

/** What every request needs. */
interface Context {
  options: InfluxOptions
  client: InfluxDB
  /** Unix ms until which the server asked not to be asked. */
  pause: { until: number }
}

/** Nothing is sent before the first call. */
export function createWire(options: InfluxOptions): InfluxWire {
  const { url, token } = options
  const client = new InfluxDB({ url, token, timeout: TIMEOUT_MS, headers: createHeaders(options) })
  const context: Context = { options, client, pause: { until: 0 } }
  const writer = createWriter(context)
  return {
    write: (lines) => sendLines(context, writer, lines),
    query: (statements) => sendQuery(context, statements),
    deleteBefore: async (measurement, at) => {
      if (options.api === 'v2') await sendDelete(context, measurement, at)
      else await sendQuery(context, [`DELETE FROM "${measurement}" WHERE time < ${at}ms`])
    },
  }
}

function createWriter({ client, options }: Context): WriteApi {
  const writer = client.getWriteApi(options.org ?? '', options.database, 'ms', {
    // The client's own retry buffer is lost with the process: the caller keeps what is not acknowledged.
    maxRetries: 0,
    batchSize: MAX_LINES + 1,
    maxBatchBytes: MAX_BATCH_BYTES,
    flushInterval: 0,
    gzipThreshold: GZIP_BYTES,
    // Answering keeps the client from printing the error itself.
    writeFailed: (error) => Promise.reject(error),
  })
  if (options.api === 'v1') {
    writer.path = `/write?db=${encodeURIComponent(options.database)}&precision=ms`
  }
  return writer
}

async function sendLines(
  context: Context,
  writer: WriteApi,
  lines: string[],
): Promise<string | undefined> {
  const { until } = context.pause
  if (Date.now() < until) throw createUnavailable('it asked us to wait', until)
  writer.writeRecords(lines)
  try {
    await writer.flush()
    return undefined
  } catch (error) {
    if (error instanceof HttpError && POISON.has(error.statusCode)) return readReason(error)
    return fail(context, error)
  }
}

async function sendQuery(
  context: Context,
  statements: readonly string[],
): Promise<InfluxSeries[][]> {
  const { client, options } = context
  const body = new URLSearchParams({ db: options.database, epoch: 'ms', q: statements.join('; ') })
  const headers = {
    'content-type': 'application/x-www-form-urlencoded',
    accept: 'application/json',
  }
  const answer: QueryAnswer = await client.transport
    .request('/query', body.toString(), { method: 'POST', headers })
    .catch((error) => fail(context, error))
  return statements.map((_, n) => readResult(options, answer, n))
}

async function sendDelete(context: Context, measurement: string, at: number): Promise<void> {
  const { client, options } = context
  const where = new URLSearchParams({ org: options.org ?? '', bucket: options.database })
  const range = { start: new Date(0).toISOString(), stop: new Date(at).toISOString() }
  const body = { ...range, predicate: `_measurement="${measurement}"` }
  await client.transport
    .request(`/api/v2/delete?${where}`, body, {
      method: 'POST',
      headers: { accept: 'application/json' },
    })
    .catch((error) => fail(context, error))
}

function createHeaders({ username, password }: InfluxOptions): Record<string, string> {
  if (username === undefined) return {}
  const credentials = Buffer.from(`${username}:${password ?? ''}`).toString('base64')
  return { authorization: `Basic ${credentials}` }
}

function readResult(options: InfluxOptions, answer: QueryAnswer, n: number): InfluxSeries[] {
  const result = answer.results?.[n]
  if (result?.error === undefined) return result?.series ?? []
  // A missing database is answered with 200 and a text.
  throw new Fault('historian.refused', { url: options.url, status: 200, reason: result.error })
}

/** Every failure that is not about the lines becomes a Fault: refused for good, or not available now. */
function fail({ options, pause }: Context, error: unknown): never {
  const { url } = options
  const reason = error instanceof Error ? readReason(error) : String(error)
  if (error instanceof HttpError) {
    const status = error.statusCode
    if (REFUSED.has(status) || POISON.has(status)) {
      throw new Fault('historian.refused', { url, status, reason }, { cause: error })
    }
    // RFC 9110 10.2.3: seconds, or a date; the client parses neither as such.
    pause.until = readRetryAfter(error.headers?.['retry-after'])
  }
  throw createUnavailable(reason, pause.until, error)
}

function createUnavailable(reason: string, until: number, cause?: unknown): Fault {
  const retryAfterMs = Math.max(0, until - Date.now())
  return new Fault('historian.unavailable', { reason, retryAfterMs }, { cause })
}

function readRetryAfter(header: string | string[] | undefined): number {
  const text = String(header ?? '')
  const at = /^\d+$/.test(text) ? Date.now() + Number(text) * 1_000 : Date.parse(text)
  return Number.isNaN(at) ? 0 : at
}

function readReason(error: Error): string {
  const body: unknown = error instanceof HttpError ? error.json : undefined
  const told =
    body !== null && typeof body === 'object' && 'error' in body ? String(body.error) : ''
  return told || error.message || 'no answer'
}
