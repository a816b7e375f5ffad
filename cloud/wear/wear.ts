/** Parts that wear: follows their counters, knows when one was exchanged, and says when service is due. */
import { type Forecast, forecastLimit } from '../../models/wear/forecast.ts'
import { fitWeibull, remainingCount, type Weibull } from '../../models/wear/weibull.ts'
import type { LifeView } from '../../protocol/api-models.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import { quality, type Sample, type TagId } from '../../protocol/model.ts'
import type { Audit } from '../audit/audit.ts'
import type { Store } from '../store/store.ts'
import {
  findInPlace,
  type LifeRow,
  listLives,
  markFailed,
  markOrdered,
  noteReading,
  type WornPart,
} from './part-lives.ts'

export type LifeItem = LifeView['items'][number]

/** What wear needs of the historian. */
export interface CounterHistory {
  latest(tags: readonly TagId[]): Promise<Sample[]>
  range(query: {
    tag: TagId
    from: number
    to: number
    points: number
  }): Promise<{ at: number; max: number | null }[]>
}

export interface WearOptions {
  store: Store
  audit: Audit
  history: CounterHistory
  parts: readonly WornPart[]
  /** Service is due: opens a case, once for each life of a part. */
  onDue(due: { asset: string; fingerprint: string; title: string }): Promise<void>
}

export interface Wear {
  /** Reads every counter once. */
  tick(now: number): Promise<void>
  itemsOf(asset: string, now: number): Promise<LifeItem[]>
  /** What a person says of the part that was taken out last. Throws Fault 'request.invalid' when none was. */
  judge(
    actor: { login: string },
    wanted: { asset: string; part: string; failed: boolean },
  ): Promise<void>
}

const DAY_MS = 86_400_000
/** Points of one counter's history that a forecast looks at. */
const POINTS = 500
/** The interval of the forecasts. */
const EARLY_SHARE = 0.05
const LATE_SHARE = 0.95

export function createWear(options: WearOptions): Wear {
  const { store, audit, parts } = options
  return {
    async tick(now) {
      const tags = parts.flatMap(({ tag, serial }) => (serial ? [tag, serial] : [tag]))
      const newest = new Map((await options.history.latest(tags)).map((one) => [one.tag, one]))
      for (const part of parts) {
        const reading = readPart(part, newest)
        if (!reading) continue
        const { row, replaced } = await noteReading(store, part, reading)
        if (replaced) await auditExchange(audit, part, { from: replaced, to: row })
        await proposeService(options, part, { row, now })
      }
    },
    async itemsOf(asset, now) {
      const items: LifeItem[] = []
      for (const part of parts.filter((one) => one.asset === asset)) {
        const row = await findInPlace(store, part)
        items.push(
          row ? await describePart(options, part, { row, now }) : describeUnread(part, now),
        )
      }
      return items
    },
    async judge(actor, wanted) {
      const part = parts.find((one) => one.asset === wanted.asset && one.part === wanted.part)
      if (!part || !(await markFailed(store, wanted)))
        throw new Fault('request.invalid', {
          problem: `no part "${wanted.part}" of this asset was taken out yet`,
        })
      await audit.append({
        ...{ actor: actor.login, action: 'part.judged', object: wanted.asset, site: part.site },
        ...{ outcome: 'done', detail: { part: wanted.part, failed: wanted.failed } },
      })
    },
  }
}

/** The newest count and serial number when both are good; a bad one says nothing, not even "exchanged". */
function readPart({ tag, serial }: WornPart, newest: ReadonlyMap<TagId, Sample>) {
  const count = newest.get(tag)
  const number = serial === undefined ? undefined : newest.get(serial)
  if (count?.quality !== quality.good || count.value === null) return undefined
  if (serial !== undefined && number?.quality !== quality.good) return undefined
  const value = Number(count.value)
  if (!Number.isFinite(value)) return undefined
  return { at: count.at, count: value, serial: number ? String(number.value) : null }
}

async function auditExchange(
  audit: Audit,
  part: WornPart,
  { from, to }: { from: LifeRow; to: LifeRow },
): Promise<void> {
  const detail = { part: part.part, from: from.serial, to: to.serial, counted: from.last_count }
  const { asset, site } = part
  await audit.append({
    actor: 'wear',
    action: 'part.exchanged',
    object: asset,
    site,
    outcome: 'done',
    detail,
  })
}

/** Opens the case for the service once, as soon as its day has come. */
async function proposeService(
  options: WearOptions,
  part: WornPart,
  { row, now }: { row: LifeRow; now: number },
): Promise<void> {
  if (row.ordered_at !== null) return
  const { orderBy, text } = await describePart(options, part, { row, now })
  if (orderBy === null || now < orderBy) return
  await options.onDue({
    asset: part.asset,
    fingerprint: `wear:${part.part}:${row.id}`,
    title: `Service due: ${part.part} of ${part.assetName} (${text})`.slice(0, 200),
  })
  await markOrdered(options.store, row.id, now)
}

async function describePart(
  options: WearOptions,
  part: WornPart,
  { row, now }: { row: LifeRow; now: number },
): Promise<LifeItem> {
  const common = {
    ...{ what: part.part, source: 'wear' as const, at: row.last_at },
    health: Math.min(1, row.last_count / part.limit),
  }
  const counted = `${format(row.last_count)} of ${format(part.limit)} ${part.unit}`
  const watchedMs = row.last_at - row.installed_at
  if (watchedMs < part.watchHours * 3_600_000) {
    const text = `${counted}; a date comes after ${part.watchHours} hours of watching`
    return { ...common, end: null, text, orderBy: null }
  }
  const fit = fitWeibull(await listLives(options.store, part))
  const answer = forecastEnd(await readHistory(options, part, { row, now }), part.limit, {
    row,
    fit,
  })
  if ('reason' in answer)
    return { ...common, end: null, text: `${counted}; ${answer.reason}`, orderBy: null }
  const { perDay, early, expected, late } = answer.forecast
  const pace = Number.isNaN(perDay) ? 'the limit is reached' : `${format(perDay)} a day`
  const basis = fit ? `; by ${fit.failures} failures of like parts` : ''
  return {
    ...common,
    end: {
      early: Math.round(early),
      expected: Math.round(expected),
      late: late === undefined ? null : Math.round(late),
    },
    text: `${counted}; ${pace}${basis}`,
    orderBy: Math.round(early - part.leadDays * DAY_MS),
  }
}

/** With known failures the limit is a distribution, else the rated life. */
function forecastEnd(
  points: readonly { at: number; count: number }[],
  rated: number,
  { row, fit }: { row: LifeRow; fit: Weibull | undefined },
): { forecast: Forecast } | { reason: string } {
  if (!fit) return forecastLimit(points, rated)
  const at = (share: number) =>
    forecastLimit(points, row.last_count + remainingCount(fit, row.last_count, share))
  const [early, middle, late] = [at(EARLY_SHARE), at(0.5), at(LATE_SHARE)]
  if ('reason' in early) return early
  if ('reason' in middle) return middle
  const { perDay, expected } = middle.forecast
  const end = 'reason' in late ? undefined : late.forecast.expected
  return { forecast: { perDay, early: early.forecast.expected, expected, late: end } }
}

async function readHistory(
  { history }: WearOptions,
  { tag }: WornPart,
  { row, now }: { row: LifeRow; now: number },
): Promise<{ at: number; count: number }[]> {
  const from = row.installed_at
  const buckets = await history.range({ tag, from, to: now + 1, points: POINTS })
  const points = buckets.flatMap(({ at, max }) => (max === null ? [] : [{ at, count: max }]))
  return [...points, { at: row.last_at, count: row.last_count }].filter(
    (point, i, all) => i === 0 || point.at > (all[i - 1]?.at ?? 0),
  )
}

function describeUnread({ part }: WornPart, now: number): LifeItem {
  const text = 'its counter or serial number was not read yet'
  return { what: part, source: 'wear', at: now, health: null, end: null, text, orderBy: null }
}

function format(count: number): string {
  return Math.round(count).toLocaleString('en')
}
