/** The oracle: what the host stored, held against what the device told, integer by integer. */
import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import type { Gap, Quality, Sample, TagId } from '../../protocol/model.ts'
import type { Bench } from './bench.ts'
import { type Told, TWIN_FIRST } from './counting-plc.ts'
import type { Seen } from './scenario.ts'
import { until } from './until.ts'

export const countTag: TagId = 'plant/gw1/plc/Count'
export const fixedTag: TagId = 'plant/gw1/plc/Fixed'

/** A reading is stamped between its own answer and the next one, however slow the machine; give or take a rounding. */
const STAMP_MS = 100

export interface StoredSample extends Sample {
  value: string | null
  historical: boolean
}

export interface Store {
  samples(tag: TagId): StoredSample[]
  gaps(): Gap[]
  /** When the tag was marked stale, Unix ms. */
  staleMarks(tag: TagId): number[]
  /** The largest integer of the counting tag. */
  last(tag?: TagId): number
}

/** Reads the host's file, also while the host writes or is dead; nothing there yet is nothing stored. */
export function openStore(file: string): Store {
  const query = <T>(sql: string, ...parameters: string[]): T[] => {
    if (!existsSync(file)) return []
    const database = new DatabaseSync(file)
    try {
      database.exec('PRAGMA busy_timeout = 5000')
      return database.prepare(sql).all(...parameters) as unknown as T[]
    } catch (error) {
      if (String(error).includes('no such table')) return []
      throw error
    } finally {
      database.close()
    }
  }
  return {
    samples: (tag) =>
      query<{ at: number; value: string | null; quality: Quality; historical: number }>(
        'SELECT at, value, quality, status, historical FROM sample WHERE tag = ? ORDER BY at',
        tag,
      ).map((row) => ({ ...row, tag, historical: row.historical === 1 })),
    gaps: () =>
      query<{ start: number; finish: number; reason: Gap['reason'] }>('SELECT * FROM gap').map(
        ({ start, finish, reason }) => ({ gateway: 'gw1', from: start, to: finish, reason }),
      ),
    staleMarks: (tag) =>
      query<{ at: number }>('SELECT at FROM stale WHERE tag = ?', tag).map(({ at }) => at),
    last: (tag = countTag) =>
      query<{ last: number | null }>(
        `SELECT max(CAST(value AS INTEGER)) AS last FROM sample
          WHERE tag = ? AND quality = 192 AND CAST(value AS INTEGER) < ${TWIN_FIRST}`,
        tag,
      )[0]?.last ?? 0,
  }
}

export interface JudgeOptions {
  /** The gateway's clock is wrong on purpose: when the outbox was filled tells nothing. */
  anyOutbox?: boolean
  /** How far a good reading may be from the instant its device told it. */
  stampMs?: number
  /** The counting tag, and what its device told, when it is not the bench's own. */
  tag?: TagId
  told?: readonly Told[]
  /** A device that counts by itself is judged from here on, Unix ms: before, nobody was there to listen. */
  from?: number
  /** The device answered all the time: no bad mark excuses a missing integer. */
  isSound?: boolean
}

export type Verdict = Pick<Seen, 'lost' | 'duplicated' | 'failed'> & {
  stored: number
  inGaps: number
  unexplained: number[]
}

/** Waits until all told so far has arrived, then judges it. */
export async function judge(bench: Bench, options: JudgeOptions = {}): Promise<Verdict> {
  const { tag = countTag, told = bench.plc.told } = options
  const newest = told.length - 1
  const endedAt = Date.now()
  await until(
    'the outbox is empty of what was told before',
    async () => {
      if (bench.store.last(tag) <= newest) return false
      const { outbox } = (await bench.status()) ?? {}
      return (
        outbox !== undefined && (options.anyOutbox || !outbox.oldestAt || outbox.oldestAt > endedAt)
      )
    },
    120_000,
  )
  const isOwn = ({ value, quality }: StoredSample) =>
    Number(value) < TWIN_FIRST && !(options.isSound && quality === 0)
  const own = bench.store.samples(tag).filter(isOwn)
  return judgeSamples(own, {
    ...options,
    told,
    gaps: bench.store.gaps(),
    staleMarks: bench.store.staleMarks(tag),
  })
}

interface Evidence {
  told: readonly Told[]
  gaps: readonly Gap[]
  staleMarks: readonly number[]
  stampMs?: number
  from?: number
}

/** Integers that were told and not stored, up to the last one stored, and those of them nobody accounts for. */
export function findMissing(
  samples: readonly StoredSample[],
  { told, gaps, from = Number.NEGATIVE_INFINITY }: Pick<Evidence, 'told' | 'gaps' | 'from'>,
): { missing: number[]; unexplained: number[] } {
  const good = samples.filter(({ quality }) => quality === 192)
  const stored = new Set(good.map(({ value }) => Number(value)))
  const last = Math.max(...stored)
  const missing = told.filter(({ at, value }) => at >= from && value < last && !stored.has(value))
  const inOrder = [...samples].sort((one, other) => one.at - other.at)
  // By the device's own time: what the store says of that very instant, or a gap around it.
  const isTold = (at: number) => {
    const isInGap = gaps.some((gap) => gap.from <= at && at < gap.to)
    return isInGap || inOrder.findLast((sample) => sample.at <= at)?.quality === 0
  }
  return {
    missing: missing.map(({ value }) => value),
    unexplained: missing.filter(({ at }) => !isTold(at)).map(({ value }) => value),
  }
}

/** Lost, doubled, wrong or wrongly timed: integer by integer, up to the last one that is stored. */
export function judgeSamples(samples: readonly StoredSample[], evidence: Evidence): Verdict {
  const { told, staleMarks, stampMs = STAMP_MS } = evidence
  const { missing, unexplained } = findMissing(samples, evidence)
  const good = samples.filter(({ quality }) => quality === 192)
  const doubled = findDoubled(
    good.map(({ value, at }) => ({ value: Number(value), at })),
    staleMarks,
  )
  const byValue = new Map(told.map((each) => [String(each.value), each]))
  const wrong = good.filter(({ value }) => !byValue.has(String(value)))
  const late = good.filter(({ value, at }) => {
    const asked = byValue.get(String(value))?.at ?? at
    const nextAsked = byValue.get(String(Number(value) + 1))?.at ?? Number.POSITIVE_INFINITY
    const isRepeat = staleMarks.some((mark) => mark >= asked && mark <= at)
    return !isRepeat && (at < asked - stampMs || at > nextAsked + stampMs)
  })
  const failed = [
    ...(good.length === 0 ? ['nothing was stored'] : []),
    ...(wrong.length > 0 ? [`${wrong.length} values the device never told`] : []),
    ...(late.length > 0 ? [`${late.length} readings with the time of another`] : []),
  ]
  const stored = new Set(good.map(({ value }) => value)).size
  const inGaps = missing.length - unexplained.length
  const [lost, duplicated] = [unexplained.length, doubled.length]
  return { lost, duplicated, failed, stored, inGaps, unexplained }
}

/**
 * Values stored under two times. One exception: after a stale mark the host tells a standing value once more at the
 * birth's time; that is a word about now and no second reading.
 */
export function findDoubled(
  good: readonly { value: number; at: number }[],
  staleMarks: readonly number[],
): number[] {
  const times = new Map<number, number>()
  const doubled: number[] = []
  for (const { value, at } of [...good].sort((one, other) => one.at - other.at)) {
    const before = times.get(value)
    const isAffirmed = before !== undefined && staleMarks.some((m) => m >= before && m <= at)
    if (before !== undefined && !isAffirmed) doubled.push(value)
    times.set(value, at)
  }
  return doubled
}
