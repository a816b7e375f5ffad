/** Instants, durations and values as people read them, by Intl, in the site's time zone. */
import type { SampleView } from '../../../protocol/api.ts'

export type InstantStyle = 'time' | 'minute' | 'day' | 'date' | 'moment' | 'full'
const styles = {
  time: { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' },
  minute: { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  day: { month: 'short', day: 'numeric' },
  date: { year: 'numeric', month: 'short', day: 'numeric' },
  moment: { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  full: {
    year: 'numeric',
    month: 'short',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'short',
  },
} as const satisfies Record<InstantStyle, Intl.DateTimeFormatOptions>

export interface Place {
  language: string
  timeZone: string | undefined
}

/** Formats Unix ms in the place's language and time zone. */
export function formatInstant(at: number, style: InstantStyle, place: Place): string {
  const key = `${style} ${place.language} ${place.timeZone}`
  const known = formatters.get(key)
  if (known) return known.format(at)
  // Plain English dates read differently on the two sides of an ocean; day before month in words does not.
  const locale = place.language === 'en' ? 'en-GB' : place.language
  const made = new Intl.DateTimeFormat(locale, {
    ...styles[style],
    timeZone: place.timeZone,
  })
  formatters.set(key, made)
  return made.format(at)
}
/** Creating an Intl formatter is slow, and charts ask for hundreds of labels a second. */
const formatters = new Map<string, Intl.DateTimeFormat>()

const units = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
] as const

/** A duration in its two largest units, e.g. "3 min 20 sec" or "3 分 20 秒". */
export function formatDuration(ms: number, language: string): string {
  let rest = Math.max(0, Math.round(ms / 1000) * 1000)
  const parts: string[] = []
  for (const [unit, size] of units) {
    const count = Math.floor(rest / size)
    rest -= count * size
    if (count === 0 && !(unit === 'second' && parts.length === 0)) continue
    parts.push(
      new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'short' }).format(count),
    )
    if (parts.length === 2) break
  }
  return parts.join(' ')
}

/** The time from one row to the next: below a second as a part of it. */
export function formatPeriod(ms: number, language: string): string {
  if (ms >= 1000) return formatDuration(ms, language)
  const options = { style: 'unit', unit: 'second', unitDisplay: 'short' } as const
  return new Intl.NumberFormat(language, { ...options, maximumFractionDigits: 3 }).format(ms / 1000)
}

/** A number in at most four significant digits, without changing large integers. */
export function formatNumber(value: number, language: string): string {
  const options: Intl.NumberFormatOptions =
    Number.isInteger(value) || Math.abs(value) >= 1000
      ? { maximumFractionDigits: 1 }
      : { maximumSignificantDigits: 4 }
  return new Intl.NumberFormat(language, options).format(value)
}

/** A process value as text; `—` where there is none. Integers sent as strings stay exact. */
export function formatValue(value: SampleView['value'] | undefined, language: string): string {
  if (value === null || value === undefined) return '—'
  return typeof value === 'number' ? formatNumber(value, language) : String(value)
}

/** Bytes in kB with one digit. */
export function formatBytes(bytes: number, language: string): string {
  const kilo = bytes >= 1000
  return new Intl.NumberFormat(language, {
    style: 'unit',
    unit: kilo ? 'kilobyte' : 'byte',
    unitDisplay: 'short',
    maximumFractionDigits: kilo ? 1 : 0,
  }).format(kilo ? bytes / 1000 : bytes)
}

/** A share of 1 as percent. */
export function formatShare(share: number, language: string): string {
  const maximumFractionDigits = share < 0.01 ? 2 : share < 0.1 || share > 0.9 ? 1 : 0
  return new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits }).format(share)
}

const weekMs = 604_800_000

/** A long stretch in whole weeks, a shorter one like any duration. */
export function formatSpan(ms: number, language: string): string {
  if (ms < 2 * weekMs) return formatDuration(ms, language)
  const options = { style: 'unit', unit: 'week', unitDisplay: 'long' } as const
  return new Intl.NumberFormat(language, options).format(Math.round(ms / weekMs))
}
