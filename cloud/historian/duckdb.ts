/** The embedded historian: one DuckDB file, columns, durable at each write. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { Fault } from '../../protocol/kit/fault.ts'
import type { Log } from '../../protocol/kit/log.ts'
import type { Sample, TagId } from '../../protocol/model.ts'
import { type Admission, admit, type Kind } from './admission.ts'
import { openFile, type Series } from './duckdb-file.ts'
import { readGrid, readNewest, readRange, readRaw } from './duckdb-read.ts'
import { type Batch, commitBatch, type Row } from './duckdb-write.ts'
import type { Historian, RetentionPolicy, WriteResult } from './historian.ts'
import { createQueue } from './queue.ts'

export interface DuckdbOptions {
  /** Made when it is not there; one process may have it open. */
  file: string
  log?: Log
  /** The clock that "too far ahead" is measured by. */
  now?: () => number
}

/** What is in memory about the file, and the two connections to it. */
interface State {
  writer: DuckDBConnection
  reader: DuckDBConnection
  series: Map<TagId, Series>
  pins: Map<TagId, Kind>
  /** The newest sample of a series, once it was written or asked for. */
  newest: Map<TagId, Sample>
}

/** Opens the file; writes go one after another, reads beside them see whole batches only. */
export async function openDuckdbHistorian(options: DuckdbOptions): Promise<Historian> {
  const { instance, writer, series } = await openFile(options.file)
  const state: State = {
    writer,
    reader: await instance.connect(),
    series: new Map(series.map((one) => [one.tag, one])),
    pins: new Map(series.flatMap(({ tag, kind }) => (kind ? [[tag, kind] as const] : []))),
    newest: new Map(),
  }
  const now = options.now ?? Date.now
  const serialise = createQueue()
  const reads = new Set<Promise<unknown>>()
  const read = <T>(task: () => Promise<T>): Promise<T> => {
    const running = orUnavailable(task)
    reads.add(running)
    return running.finally(() => reads.delete(running))
  }
  const find = (tag: TagId) => state.series.get(tag)
  options.log?.info({ file: options.file, series: series.length }, 'historian open')
  return {
    write: (samples) => serialise(() => write(state, samples, now())),
    range: async (query) => {
      const one = find(query.tag)
      if (!one || query.to <= query.from) return []
      return await read(() => readRange(state.reader, one, query))
    },
    raw: async (tag, from, to, limit) => {
      const one = find(tag)
      return one ? await read(() => readRaw(state.reader, one, { from, to, limit })) : []
    },
    latest: (tags) => read(() => latest(state, tags)),
    scan: (query) => read(() => readGrid(state.reader, query.tags.map(find), query)),
    retain: (policy, at) => serialise(() => retain(state, policy, at)),
    [Symbol.asyncDispose]: () =>
      serialise.close(async () => {
        await Promise.allSettled(reads)
        state.reader.closeSync()
        state.writer.closeSync()
        instance.closeSync()
      }),
  }
}

/** What DuckDB throws, as the one fault a caller can act on. */
async function orUnavailable<T>(task: () => Promise<T>): Promise<T> {
  try {
    return await task()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new Fault('historian.unavailable', { reason }, { cause })
  }
}

async function write(state: State, samples: readonly Sample[], now: number): Promise<WriteResult> {
  const admission = admit(samples, state.pins, now)
  const { rejected } = admission
  if (admission.samples.length === 0) return { committed: 0, rejected }
  const planned = planBatch(state, admission)
  await orUnavailable(() => commitBatch(state.writer, planned.batch))
  for (const one of planned.touched) state.series.set(one.tag, one)
  for (const [tag, kind] of admission.pinned) state.pins.set(tag, kind)
  for (const [tag, sample] of planned.newest) state.newest.set(tag, sample)
  return { committed: samples.length - rejected.length, rejected }
}

/** Decides what is new and what must be compared with the table; memory changes only after the commit. */
function planBatch(state: State, admission: Admission) {
  const touched = new Map<TagId, Series>()
  const newest = new Map<TagId, Sample>()
  const created: Series[] = []
  const pinned: Series[] = []
  const fresh: Row[] = []
  const late: Row[] = []
  for (const sample of admission.samples) {
    let series = touched.get(sample.tag)
    const stored = state.series.get(sample.tag)
    if (!series) {
      const kind = stored?.kind ?? admission.pinned.get(sample.tag)
      const id = stored?.id ?? state.series.size + created.length + 1
      series = { id, tag: sample.tag, kind, mark: stored?.mark ?? Number.NEGATIVE_INFINITY }
      touched.set(sample.tag, series)
      if (!stored) created.push(series)
      else if (stored.kind !== kind) pinned.push(series)
    }
    const isFresh = sample.at > (stored?.mark ?? Number.NEGATIVE_INFINITY)
    if (isFresh) fresh.push({ series, sample })
    else late.push({ series, sample })
    if (sample.at > series.mark) {
      series.mark = sample.at
      newest.set(sample.tag, sample)
    }
  }
  const batch: Batch = { created, pinned, fresh, late }
  return { batch, touched: touched.values(), newest }
}

async function latest(state: State, tags: readonly TagId[]): Promise<Sample[]> {
  const missing = tags.flatMap((tag) => {
    const series = state.newest.has(tag) ? undefined : state.series.get(tag)
    return series ? [series] : []
  })
  for (const [tag, sample] of await readNewest(state.reader, missing)) {
    // A write may have come in between, and it is newer.
    if (!state.newest.has(tag)) state.newest.set(tag, sample)
  }
  return tags.flatMap((tag) => state.newest.get(tag) ?? [])
}

async function retain(state: State, { maxAgeMs }: RetentionPolicy, now: number): Promise<number> {
  const horizon = now - maxAgeMs
  const result = await orUnavailable(() =>
    state.writer.run('delete from sample where at_ms < ?', [BigInt(horizon)]),
  )
  for (const [tag, sample] of state.newest) if (sample.at < horizon) state.newest.delete(tag)
  return result.rowsChanged
}
