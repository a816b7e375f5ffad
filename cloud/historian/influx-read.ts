/** The questions an InfluxDB historian answers, in the InfluxQL that 1.x, 2 and 3 share. */
import { type Quality, quality, type Sample, type TagId, type Value } from '../../protocol/model.ts'
import { worstQuality } from './admission.ts'
import { createGrid } from './grid.ts'
import type { Bucket, Grid, RangeQuery, ScanQuery } from './historian.ts'
import { encodeTag, FIELDS, formatTagCondition, MEASUREMENT, TAG_KEYS } from './influx-names.ts'
import type { InfluxSeries, InfluxWire } from './influx-wire.ts'

/** Tags in one query: the condition grows with each. */
const MAX_TAGS = 50
const FROM = `FROM "${MEASUREMENT}"`
const ALL_FIELDS = FIELDS.map((name) => `"${name}"`).join(', ')
const ALL_TAGS = TAG_KEYS.map((name) => `"${name}"`).join(', ')

type Cell = InfluxSeries['values'][number][number]

/** min/mean/max of what is not bad, and the worst quality of everything, per bucket. */
export async function readRange(wire: InfluxWire, query: RangeQuery): Promise<Bucket[]> {
  const { tag, from, to, points } = query
  if (to <= from) return []
  const step = Math.max(1, Math.ceil((to - from) / Math.max(1, points)))
  const where = `WHERE ${formatTagCondition(tag)} AND time >= ${from}ms AND time < ${to}ms`
  const group = formatBuckets(step, from)
  const values = 'min("value"), mean("value"), max("value")'
  const [numbers, counts] = await wire.query([
    `SELECT ${values} ${FROM} ${where} AND "quality" > ${quality.bad} ${group}`,
    `SELECT count("quality"), min("quality"), max("quality") ${FROM} ${where} ${group}`,
  ])
  const byTime = new Map(numbers?.[0]?.values.map((row) => [row[0], row]))
  return (counts?.[0]?.values ?? []).map(([at, count, lowest, highest]) => {
    const [, min, mean, max] = byTime.get(at ?? null) ?? []
    return {
      at: Number(at),
      min: parseNumber(min),
      mean: parseNumber(mean),
      max: parseNumber(max),
      count: Number(count),
      quality: worstQuality(Number(lowest), Number(highest)),
    }
  })
}

/** Raw samples of one tag in order of time. */
export async function readRaw(
  wire: InfluxWire,
  tag: TagId,
  { from, to, limit }: { from: number; to: number; limit: number },
): Promise<Sample[]> {
  const where = `WHERE ${formatTagCondition(tag)} AND time >= ${from}ms AND time < ${to}ms`
  const [series] = await wire.query([
    `SELECT ${ALL_FIELDS} ${FROM} ${where} ORDER BY time ASC LIMIT ${limit}`,
  ])
  return (series?.[0]?.values ?? []).map((row) => parseRow(tag, row))
}

/** The newest sample (or the newest that has a value) of each tag that has one. */
export async function readNewest(
  wire: InfluxWire,
  tags: readonly TagId[],
  { withValue = false } = {},
): Promise<Map<TagId, Sample>> {
  const found = new Map<TagId, Sample>()
  const fields = withValue ? '"value", "exact", "flag", "text"' : ALL_FIELDS
  for (let start = 0; start < tags.length; start += MAX_TAGS) {
    const part = tags.slice(start, start + MAX_TAGS)
    const byKey = new Map(part.map((tag) => [JSON.stringify(encodeTag(tag)), tag]))
    const where = part.map((tag) => `(${formatTagCondition(tag)})`).join(' OR ')
    const [series] = await wire.query([
      `SELECT ${fields} ${FROM} WHERE ${where} GROUP BY ${ALL_TAGS} ORDER BY time DESC LIMIT 1`,
    ])
    for (const { tags: named = {}, values } of series ?? []) {
      const tag = byKey.get(JSON.stringify(TAG_KEYS.map((key) => named[key])))
      if (tag !== undefined && values[0]) found.set(tag, parseRow(tag, values[0]))
    }
  }
  return found
}

/** The newest good value within one step before each row of the grid. */
export async function readGrid(wire: InfluxWire, query: ScanQuery): Promise<Grid> {
  const grid = createGrid(query)
  const { tags, from, stepMs } = query
  const until = grid.at.at(-1)
  if (until === undefined || tags.length === 0) return grid
  // InfluxDB's buckets begin inclusive and end exclusive; ours the other way round: one millisecond later.
  const group = formatBuckets(stepMs, from + 1)
  const time = `time > ${from - stepMs}ms AND time <= ${until}ms`
  const answers = await wire.query(
    tags.map((tag) => {
      const where = `WHERE ${formatTagCondition(tag)} AND ${time} AND "quality" = ${quality.good}`
      return `SELECT last("value") ${FROM} ${where} ${group}`
    }),
  )
  for (const [n, series] of answers.entries()) {
    for (const [at, value] of series[0]?.values ?? []) {
      const row = (Number(at) - from + stepMs - 1) / stepMs
      const column = grid.values[n]
      if (column && value !== null) column[row] = Number(value)
    }
  }
  return grid
}

/** Buckets of `step` ms, one of which begins at `origin`; empty ones are left out. */
function formatBuckets(step: number, origin: number): string {
  return `GROUP BY time(${step}ms, ${origin % step}ms) fill(none)`
}

function parseNumber(cell: Cell | undefined): number | null {
  return cell === null || cell === undefined ? null : Number(cell)
}

function parseRow(tag: TagId, row: readonly Cell[]): Sample {
  const [at, value, exact, flag, text, code, status] = row
  const sample: Sample = {
    tag,
    at: Number(at),
    value: parseValue({ value, exact, flag, text }),
    quality: Number(code) as Quality,
  }
  return parseNumber(status) === null ? sample : { ...sample, status: Number(status) }
}

function parseValue(
  cells: Record<'value' | 'exact' | 'flag' | 'text', Cell | undefined>,
): Value | null {
  if (typeof cells.text === 'string') return cells.text
  if (typeof cells.exact === 'string') return BigInt(cells.exact)
  if (typeof cells.flag === 'boolean') return cells.flag
  return parseNumber(cells.value)
}
