/** When each part is due: made from its history, kept for as long as a forecast of days stays true. */
import { type Forecast, forecastLimit } from '../../models/wear/forecast.ts'
import { fitWeibull, remainingCount, type Weibull } from '../../models/wear/weibull.ts'
import type { LifeView } from '../../protocol/api-models.ts'
import type { Sample, TagId } from '../../protocol/model.ts'
import type { Store } from '../store/store.ts'
import { type LifeRow, listLives, type WornPart } from './part-lives.ts'

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

export interface Forecasts {
  /** As of now for whoever looks at it: made anew when the part has counted since. */
  describe(part: WornPart, row: LifeRow, now: number): Promise<LifeItem>
  /** For the watch over all parts: what was said last while it is young enough; undefined: this tick has done its share. */
  describeSeldom(part: WornPart, row: LifeRow, now: number): Promise<LifeItem | undefined>
  /** A part was exchanged or judged: what like parts live is fitted anew. */
  forgetFit(part: WornPart): void
  /** A new tick: its share is whole again. */
  begin(): void
}

const DAY_MS = 86_400_000
/** A date in days does not change by the minute; each costs a query of the history. */
const FORECAST_MS = 3_600_000
/** What like parts have lived changes when one is exchanged, and by what the others count meanwhile. */
const FIT_MS = 3_600_000
/** After a start all parts are due: thousands of queries at once would hold up everything else. */
const FORECASTS_PER_TICK = 100
/** Points of one counter's history that a forecast looks at. */
const POINTS = 500
/** The interval of the forecasts. */
const EARLY_SHARE = 0.05
const LATE_SHARE = 0.95

type FitOf = (part: WornPart, now: number) => Promise<Weibull | undefined>

interface Kept {
  row: LifeRow
  at: number
  item: LifeItem
}

export function createForecasts(store: Store, history: CounterHistory): Forecasts {
  const kept = new Map<string, Kept>()
  const fits = new Map<string, { at: number; fit: Weibull | undefined }>()
  let left = FORECASTS_PER_TICK

  const fitOf: FitOf = async (part, now) => {
    const known = fits.get(nameOfKind(part))
    if (known && now - known.at < FIT_MS) return known.fit
    const fit = fitWeibull(await listLives(store, part))
    fits.set(nameOfKind(part), { at: now, fit })
    return fit
  }

  async function make(part: WornPart, row: LifeRow, now: number): Promise<LifeItem> {
    const item = await describePart({ history, fitOf }, part, { row, now })
    kept.set(nameOfPart(part), { row, at: now, item })
    return item
  }

  return {
    async describe(part, row, now) {
      const known = kept.get(nameOfPart(part))
      const isSame = known?.row.id === row.id && known.row.last_at === row.last_at
      return isSame && now - known.at < FORECAST_MS ? known.item : await make(part, row, now)
    },
    async describeSeldom(part, row, now) {
      const known = kept.get(nameOfPart(part))
      // Also what was made for a page: who looks on all day must not keep the service from being proposed.
      if (known?.row.id === row.id && now - known.at < FORECAST_MS) return known.item
      if (left === 0) return undefined
      left -= 1
      return await make(part, row, now)
    },
    forgetFit: (part) => void fits.delete(nameOfKind(part)),
    begin() {
      left = FORECASTS_PER_TICK
    },
  }
}

const nameOfPart = ({ asset, part }: WornPart) => `${asset} ${part}`
const nameOfKind = ({ tenant, kind, part }: WornPart) => `${tenant} ${kind} ${part}`

async function describePart(
  { history, fitOf }: { history: CounterHistory; fitOf: FitOf },
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
  const fit = await fitOf(part, now)
  const answer = forecastEnd(await readHistory(history, part, { row, now }), part.limit, {
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
  history: CounterHistory,
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

function format(count: number): string {
  return Math.round(count).toLocaleString('en')
}
