/** One table of a foreign file read key by key: what nobody asked for is reported as left. */
import type { Left } from './imported.ts'
import { isTable, type TomlEntry, type TomlTable, type TomlValue } from './toml.ts'

export interface Section {
  readonly line: number
  text(key: string): string | undefined
  number(key: string): number | undefined
  /** True only for `true`. */
  flag(key: string): boolean
  /** `10s`, `500ms`, `1m30s`, or a number of seconds; in ms. */
  durationMs(key: string): number | undefined
  numbers(key: string): number[]
  sections(key: string): Section[]
  /** Known and meant to be ignored: nothing is lost by it. */
  skip(...keys: string[]): void
  leave(say: string, key?: string): void
  /** Reports every key that nobody has asked for. */
  close(): void
}

/** A variable of the environment, or a secret of a store. */
const PLACEHOLDER = /\$\{|\$[A-Z_]|@\{/
/** A duration as Go writes it. */
const DURATION = /([0-9]+(?:\.[0-9]+)?)(ms|us|s|m|h)/g
const unitMs: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

/** Reads the table; remarks are added to `left`. */
export function openSection(table: TomlTable, left: Left[], title: string): Section {
  const asked = new Set<string>()
  const get = (key: string): TomlEntry | undefined => {
    asked.add(key)
    return table.entries.get(key)
  }
  const leave = (say: string, key = '') => {
    left.push({ line: table.entries.get(key)?.line ?? table.line, say })
  }
  const typed = <T extends TomlValue>(key: string, is: (value: TomlValue) => value is T) => {
    const value = get(key)?.value
    if (value === undefined || is(value)) return value
    leave(`"${key}" of ${title} left: it is no ${is === isText ? 'text' : 'number'}`, key)
    return undefined
  }
  return {
    line: table.line,
    text(key) {
      const text = typed(key, isText)
      if (text !== undefined && PLACEHOLDER.test(text)) {
        leave(
          `"${key}" of ${title}: "${text}" is taken as it stands; write what it stands for`,
          key,
        )
      }
      return text
    },
    flag: (key) => get(key)?.value === true,
    number: (key) => typed(key, isNumber),
    durationMs(key) {
      const value = get(key)?.value
      if (typeof value === 'number') return value * 1000
      if (typeof value !== 'string') return undefined
      const parts = [...value.matchAll(DURATION)]
      return parts.reduce(
        (sum, [, count, unit = '']) => sum + Number(count) * (unitMs[unit] ?? 0),
        0,
      )
    },
    numbers: (key) => listOf(get(key)?.value).filter(isNumber),
    sections: (key) =>
      listOf(get(key)?.value)
        .filter(isTable)
        .map((child) => openSection(child, left, `${title}.${key}`)),
    skip: (...keys) => void keys.forEach((key) => void asked.add(key)),
    leave,
    close() {
      for (const [key, { line }] of table.entries) {
        if (!asked.has(key))
          left.push({ line, say: `"${key}" of ${title} left: ours has no such word` })
      }
    },
  }
}

const isText = (value: TomlValue): value is string => typeof value === 'string'
const isNumber = (value: TomlValue): value is number => typeof value === 'number'

function listOf(value: TomlValue | undefined): TomlValue[] {
  if (value === undefined) return []
  return Array.isArray(value) ? value : [value]
}
