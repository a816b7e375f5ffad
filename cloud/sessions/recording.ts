/** Reads a recording back: checks the hash chain, says where it breaks, and turns the lines into exchanges and events. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import type { RecordedExchange, RecordingView } from '../../protocol/api.ts'
import { FIRST_HASH, hashLine, type RecordEntry } from './recorder.ts'

/** Exchanges shown at most; the file and the HAR have them all. */
const MAX_SHOWN = 10_000

/** An exchange as its line in the file has it; headers are redacted. */
export interface ExchangeEntry extends RecordEntry {
  kind: 'exchange'
  id: number
  method: string
  path: string
  /** 0: no answer came. */
  status: number
  durationMs: number
  requestBytes: number
  responseBytes: number
  requestBody: string | null
  responseBody: string | null
  requestHeaders: Record<string, string>
  responseHeaders: Record<string, string>
}

export interface Recording {
  intact: boolean
  /** The first line (from 1) that is altered, missing or out of order. */
  brokenAt?: number
  /** Of the whole file; null when there is none. */
  sha256: string | null
  entries: RecordEntry[]
}

/** Reads the file; one that is missing is not intact. Lines after a break are still shown. */
export async function readRecording(file: string): Promise<Recording> {
  const whole = createHash('sha256')
  const entries: RecordEntry[] = []
  const input = createReadStream(file)
  input.on('data', (chunk) => whole.update(chunk))
  let previous = FIRST_HASH
  let brokenAt: number | undefined
  let count = 0
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      const entry = parseLine(line)
      if (entry?.previous !== previous || entry.seq !== count) brokenAt ??= count + 1
      if (entry) entries.push(entry)
      previous = hashLine(line)
      count++
    }
  } catch {
    return { intact: false, brokenAt: 1, sha256: null, entries }
  }
  if (count === 0) brokenAt = 1
  return { intact: brokenAt === undefined, brokenAt, sha256: whole.digest('hex'), entries }
}

function parseLine(line: string): RecordEntry | undefined {
  try {
    const value: unknown = JSON.parse(line)
    const isEntry = typeof value === 'object' && value !== null && 'kind' in value && 'at' in value
    return isEntry ? (value as RecordEntry) : undefined
  } catch {
    return undefined
  }
}

/** True for the line of a finished exchange. */
export function isExchange(entry: RecordEntry): entry is ExchangeEntry {
  return entry.kind === 'exchange'
}

/** The exchanges in order; a request that never finished (a crash) is one with status 0. */
export function exchangesOf(entries: readonly RecordEntry[]): RecordedExchange[] {
  const finished = new Set(entries.filter(isExchange).map(({ id }) => id))
  return entries
    .flatMap((entry) => {
      if (isExchange(entry)) return [exchangeView(entry)]
      return entry.kind === 'request' && !finished.has(Number(entry.id)) ? [unanswered(entry)] : []
    })
    .slice(0, MAX_SHOWN)
}

function exchangeView(entry: ExchangeEntry): RecordedExchange {
  const { at, method, path, status, durationMs } = entry
  const { requestBytes, responseBytes, requestBody, responseBody } = entry
  return {
    at,
    method,
    path,
    status,
    durationMs,
    requestBytes,
    responseBytes,
    requestBody,
    responseBody,
  }
}

function unanswered(entry: RecordEntry): RecordedExchange {
  return {
    at: entry.at,
    method: String(entry.method),
    path: String(entry.path),
    status: 0,
    durationMs: 0,
    requestBytes: 0,
    responseBytes: 0,
    requestBody: null,
    responseBody: null,
  }
}

/** Everything else that happened, in words. */
export function eventsOf(entries: readonly RecordEntry[]): RecordingView['events'] {
  return entries
    .filter(({ kind }) => !['exchange', 'request', 'bytes'].includes(kind))
    .map(({ at, kind, text }) => ({ at, kind, text: String(text ?? '') }))
    .slice(0, MAX_SHOWN)
}
