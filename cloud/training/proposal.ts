/** Proposes the normal periods of an asset to train on: its history less alarms, cases, gaps, bad data and outliers. */
import { proposeNormal } from '../../models/train/normal-period.ts'
import type { Period, TrainingProposal } from '../../protocol/api-models.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import { quality, type TagId } from '../../protocol/model.ts'
import type { Store } from '../store/store.ts'
import { type HistorySource, readHistory } from './history.ts'
import { findKnownTrouble } from './known-trouble.ts'

/** A page shows no more; a tag that comes and goes makes thousands. */
const MAX_EXCLUDED = 200

/** An asset as training knows it. */
export interface TrainingAsset {
  id: string
  site: string
  /** Numeric tags by the names that models know. */
  tags: Readonly<Record<string, TagId>>
  units: Readonly<Record<string, string>>
  /** All tags by the same names, those with words too: each may tell the operating mode. */
  modeTags?: Readonly<Record<string, TagId>>
}

const DAY_MS = 86_400_000
/** How far back is looked when nobody says. */
export const DEFAULT_SPAN_MS = 90 * DAY_MS
/** A look at 90 days need not see every second. */
const MAX_CELLS = 1_000_000
/** What one training takes: two to three days of 17 tags by the second, half a year by the minute. */
export const MAX_TRAIN_CELLS = 4_000_000

export interface ProposalParts {
  store: Store
  history: HistorySource
}

/** Throws Fault 'model.not-trainable' when the asset has no numeric tag. */
export async function proposePeriods(
  { store, history }: ProposalParts,
  asset: TrainingAsset,
  { from, to, periodMs }: Period & { periodMs: number },
): Promise<TrainingProposal> {
  const tags = Object.values(asset.tags)
  if (tags.length === 0) throw notTrainable(asset, 'it has no tag with numbers')
  const start = await findStart(history, tags, { from, to })
  const span = Math.max(0, to - start)
  const rows = Math.max(1, Math.floor(MAX_CELLS / tags.length))
  const coarse = Math.max(1, Math.ceil(span / periodMs / rows))
  const stepMs = periodMs * coarse
  const table = await readHistory(history, {
    tags: asset.tags,
    periods: [{ from: start, to }],
    stepMs,
  })
  const { id, site } = asset
  const exclude = await findKnownTrouble(store, { asset: id, site, tags, from: start, to })
  const found = proposeNormal({ table, periodMs: stepMs, exclude })
  const most = Math.floor(MAX_TRAIN_CELLS / tags.length)
  const kept = keepNewest(found.periods, most * periodMs)
  return {
    ...kept,
    excluded: [...kept.excluded, ...found.excluded].slice(-MAX_EXCLUDED),
    rows: Math.min(most, found.rows * coarse),
    rowsWanted: found.rowsWanted,
    periodMs,
    enough: found.rows * coarse >= found.rowsWanted,
  }
}

export function notTrainable({ id }: { id: string }, problem: string): Fault {
  return new Fault('model.not-trainable', { file: `the history of ${id}`, problem })
}

/** A gateway that came before its plant tells bad values first: so many of them are passed over. */
const MAX_BAD_FIRST = 100

/** Where the first good value stands: an asset is younger than the span more often than not. */
export async function findStart(
  history: HistorySource,
  tags: readonly TagId[],
  { from, to }: Period,
): Promise<number> {
  let start = to
  for (const tag of tags) {
    const [first] = await history.range({ tag, from, to, points: 2_000 })
    if (!first) continue
    // A bucket is an hour wide: the sample itself says when.
    const samples = await history.raw(tag, Math.max(from, first.at), to, MAX_BAD_FIRST)
    const known = samples.find((sample) => sample.quality === quality.good) ?? samples[0]
    start = Math.min(start, known?.at ?? to)
  }
  return Math.max(from, start)
}

/** Old history gives way: what a machine is now is what it is to be compared with. */
function keepNewest(periods: readonly Period[], mostMs: number) {
  const kept: Period[] = []
  const excluded: TrainingProposal['excluded'] = []
  let leftMs = mostMs
  for (const { from, to } of [...periods].reverse()) {
    const cut = Math.max(from, to - leftMs)
    leftMs = Math.max(0, leftMs - (to - cut))
    if (to > cut) kept.unshift({ from: cut, to })
    if (cut > from) excluded.unshift({ from, to: cut, reason: 'older than one training takes' })
  }
  return { periods: kept, excluded }
}
