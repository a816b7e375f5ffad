/** Whether a write may go to a machine: the tag's own allow-list entry, decided without clock or line. */
import type { DataType, Value } from '../../protocol/model.ts'

/** A tag's `write` in the configuration; a tag without it is never written. */
export interface WriteRule {
  min?: number
  max?: number
  maxPerMinute: number
  /** Everything but the write itself. */
  dryRun: boolean
}

export type Ruling = { allowed: true } | { allowed: false; reason: string }

const MINUTE_MS = 60_000

export interface WriteQuestion {
  rule: WriteRule | undefined
  type: DataType
  value: Value | null
  /** Monotonic instants of the writes let through before. */
  before: readonly number[]
  nowMs: number
}

/** Refused unless every part of the rule is kept. */
export function ruleWrite({ rule, type, value, before, nowMs }: WriteQuestion): Ruling {
  if (!rule) return refuse('this tag is not on the list of what may be written')
  if (value === null) return refuse('there is no value')
  const isNumber = typeof value === 'number' || typeof value === 'bigint'
  if (isNumber !== (type !== 'Boolean' && type !== 'String')) {
    return refuse(`a ${typeof value} is no ${type}`)
  }
  if (typeof value === 'number' && !Number.isFinite(value)) return refuse('it is no number')
  if (type === 'Float' && !Number.isFinite(Math.fround(Number(value)))) {
    return refuse(`${value} is no Float: it has 32 bits`)
  }
  if (isNumber && rule.min !== undefined && value < rule.min) {
    return refuse(`${value} is below ${rule.min}`)
  }
  if (isNumber && rule.max !== undefined && value > rule.max) {
    return refuse(`${value} is above ${rule.max}`)
  }
  const recent = before.filter((atMs) => nowMs - atMs < MINUTE_MS).length
  if (recent >= rule.maxPerMinute) return refuse(`${recent} writes in the last minute`)
  return { allowed: true }
}

const refuse = (reason: string): Ruling => ({ allowed: false, reason })

/** How close a number that was written must read back, of its own size: a float of 32 bits keeps seven digits. */
const TOLERANCE = 1e-6
/** What a division by the scale may leave beside a whole number. */
const NEARLY_WHOLE = 1e-9

/** The raw value that reads as `value` after scale and offset. */
export function toRaw(
  value: Value,
  { scale = 1, offset = 0 }: { scale?: number; offset?: number },
): Value {
  const isNumeric = typeof value === 'number' || typeof value === 'bigint'
  if (!isNumeric || (scale === 1 && offset === 0)) return value
  const raw = (Number(value) - offset) / scale
  const whole = Math.round(raw)
  return Math.abs(raw - whole) <= NEARLY_WHOLE * Math.max(1, Math.abs(raw)) ? whole : raw
}

/** True when what was read back is what was written. */
export function isSame(written: Value, read: Value | null): boolean {
  if (read === null) return false
  const numbers = [written, read].every((it) => typeof it === 'number' || typeof it === 'bigint')
  if (!numbers) return written === read
  if (typeof written === 'bigint' && typeof read === 'bigint') return written === read
  const [a, b] = [Number(written), Number(read)]
  return Math.abs(a - b) <= TOLERANCE * Math.abs(a)
}
