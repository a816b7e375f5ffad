/** The historian on InfluxDB 1.x, 2 or 3: line protocol in, InfluxQL out. */
import type { Log } from '../../protocol/kit/log.ts'
import type { Sample, TagId } from '../../protocol/model.ts'
import { admit, isPlainTag, type Kind } from './admission.ts'
import type { Historian, WriteResult } from './historian.ts'
import { formatLine, MEASUREMENT } from './influx-names.ts'
import { readGrid, readNewest, readRange, readRaw } from './influx-read.ts'
import { createWire, type InfluxOptions, type InfluxWire, MAX_LINES } from './influx-wire.ts'
import { createQueue } from './queue.ts'

export interface InfluxHistorianOptions extends InfluxOptions {
  log?: Log
  /** The clock that "too far ahead" is measured by. */
  now?: () => number
}

interface State {
  wire: InfluxWire
  /** The type of each tag that has shown one; tags not in `known` have not been looked up yet. */
  pins: Map<TagId, Kind>
  known: Set<TagId>
}

/** Asks the server nothing yet: it may come up later than we do. */
export async function openInfluxHistorian(options: InfluxHistorianOptions): Promise<Historian> {
  const wire = createWire(options)
  const state: State = { wire, pins: new Map(), known: new Set() }
  const now = options.now ?? Date.now
  const serialise = createQueue()
  options.log?.info({ url: options.url, database: options.database }, 'historian open')
  return {
    write: (samples) => serialise(() => write(state, samples, now())),
    range: (query) => readRange(wire, query),
    raw: (tag, from, to, limit) => readRaw(wire, tag, { from, to, limit }),
    latest: async (tags) => {
      const newest = await readNewest(wire, tags)
      return tags.flatMap((tag) => newest.get(tag) ?? [])
    },
    scan: (query) => readGrid(wire, query),
    retain: ({ maxAgeMs }, at) => serialise(() => deleteBefore(wire, at - maxAgeMs)),
    [Symbol.asyncDispose]: () => serialise.close(async () => undefined),
  }
}

async function write(state: State, samples: readonly Sample[], now: number): Promise<WriteResult> {
  await learnPins(state, samples)
  const { samples: admitted, rejected, pinned } = admit(samples, state.pins, now)
  for (let start = 0; start < admitted.length; start += MAX_LINES) {
    const part = admitted.slice(start, start + MAX_LINES)
    rejected.push(...(await send(state.wire, part)))
  }
  const lost = new Set(rejected.map((one) => one.sample))
  for (const sample of admitted) {
    const kind = lost.has(sample) ? undefined : pinned.get(sample.tag)
    if (kind !== undefined) state.pins.set(sample.tag, kind)
  }
  return { committed: samples.length - rejected.length, rejected }
}

/** Sends; on a refusal of the content halves it until what is refused stands alone. A resend changes nothing. */
async function send(
  wire: InfluxWire,
  samples: readonly Sample[],
): Promise<WriteResult['rejected']> {
  const reason = await wire.write(samples.map(formatLine))
  if (reason === undefined) return []
  const [first] = samples
  if (samples.length === 1 && first) return [{ sample: first, reason }]
  const half = Math.ceil(samples.length / 2)
  const rejected = await send(wire, samples.slice(0, half))
  rejected.push(...(await send(wire, samples.slice(half))))
  return rejected
}

/** What was written before this process began pins types too: ask once per tag. */
async function learnPins(state: State, samples: readonly Sample[]): Promise<void> {
  const unknown = new Set<TagId>()
  for (const { tag } of samples) if (!state.known.has(tag) && isPlainTag(tag)) unknown.add(tag)
  if (unknown.size === 0) return
  const tags = [...unknown]
  for (const [tag, { value }] of await readNewest(state.wire, tags, { withValue: true })) {
    if (value !== null) state.pins.set(tag, typeof value as Kind)
  }
  for (const tag of tags) state.known.add(tag)
}

async function deleteBefore(wire: InfluxWire, at: number): Promise<number> {
  const count = `SELECT count("quality") FROM "${MEASUREMENT}" WHERE time < ${at}ms`
  const [series] = await wire.query([count])
  await wire.deleteBefore(MEASUREMENT, at)
  return Number(series?.[0]?.values[0]?.[1] ?? 0)
}
