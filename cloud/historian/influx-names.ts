/** How samples are named in InfluxDB, and how names are written so that none can be more than a name. */
import { Point } from '@influxdata/influxdb-client'
import { parseTagId, type Sample, type TagId } from '../../protocol/model.ts'

export const MEASUREMENT = 'sample'
/** Tags of the measurement; together they are the tag id. */
export const TAG_KEYS = ['site', 'gateway', 'device', 'tag'] as const
/**
 * value: every number, booleans as 0 and 1, 64-bit integers as the nearest double — what a chart draws.
 * exact: the digits of a 64-bit integer. flag: a boolean. text: a string. One field never has two types.
 */
export const FIELDS = ['value', 'exact', 'flag', 'text', 'quality', 'status'] as const

/**
 * Tag values as they are stored. Line protocol cannot escape a backslash in a tag, so it becomes `%5C`,
 * and a `%5C` or `%25` that was there before keeps apart from it.
 */
export function encodeTagValue(text: string): string {
  return text.replaceAll(/%(?=25|5C)|\\/g, (found) => (found === '%' ? '%25' : '%5C'))
}

/** The four tag values of a tag id, as stored. */
export function encodeTag(tag: TagId): [string, string, string, string] {
  const path = parseTagId(tag) ?? { site: '', gateway: '', device: '', name: tag }
  const parts = [path.site, path.gateway, path.device, path.name].map(encodeTagValue)
  return parts as [string, string, string, string]
}

/** An InfluxQL condition that holds for this tag only. */
export function formatTagCondition(tag: TagId): string {
  const values = encodeTag(tag)
  return TAG_KEYS.map((key, n) => `"${key}" = ${formatLiteral(values[n] ?? '')}`).join(' AND ')
}

/** A text as an InfluxQL string: what is inside cannot end it. */
export function formatLiteral(text: string): string {
  const escaped = text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', '\\n')
  return `'${escaped}'`
}

/** One line of line protocol, in milliseconds. */
export function formatLine({ tag, at, value, quality, status }: Sample): string {
  const point = new Point(MEASUREMENT).timestamp(String(at)).intField('quality', quality)
  const values = encodeTag(tag)
  for (const [n, key] of TAG_KEYS.entries()) point.tag(key, values[n] ?? '')
  if (status !== undefined) point.intField('status', status)
  if (typeof value === 'string') point.stringField('text', value)
  else if (value !== null) point.floatField('value', Number(value))
  if (typeof value === 'bigint') point.stringField('exact', String(value))
  if (typeof value === 'boolean') point.booleanField('flag', value)
  return point.toLineProtocol({ convertTime: (time) => String(time) }) ?? ''
}
