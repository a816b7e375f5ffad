/** The operating mode in history: which tags may tell it, and what one of them said at every row of a table. */
import { formatMode } from '../../models/modes.ts'
import type { Period, TrainingProposal } from '../../protocol/api-models.ts'
import { quality, type Sample, type TagId } from '../../protocol/model.ts'
import type { HistorySource } from './history.ts'

/** Samples a question. */
const PAGE = 10_000
/** A tag is looked at in so many places of the periods, so many samples in each: a look, not a proof. */
const SPOTS = 8
const SAMPLES_A_SPOT = 200
/** A page offers no tag of more modes; each wants rows of its own. */
const MAX_OFFERED = 12

type RawSource = Pick<HistorySource, 'raw'>

/** Tags with a few different whole numbers or words in the periods. */
export async function findModeTags(
  source: RawSource,
  tags: Readonly<Record<string, TagId>>,
  periods: readonly Period[],
): Promise<NonNullable<TrainingProposal['modeTags']>> {
  const spots = spread(periods)
  const found: NonNullable<TrainingProposal['modeTags']> = []
  for (const [name, tag] of Object.entries(tags)) {
    const values = await findValues(source, tag, spots)
    if (values.length > 1) found.push({ name, values: values.sort() })
  }
  return found
}

/** Empty for a tag that measures: a fraction, or too many different values. */
async function findValues(
  source: RawSource,
  tag: TagId,
  spots: readonly Period[],
): Promise<string[]> {
  const values = new Set<string>()
  for (const { from, to } of spots) {
    for (const sample of await source.raw(tag, from, to, SAMPLES_A_SPOT)) {
      const { value } = sample
      if (sample.quality !== quality.good || value === null) continue
      if (typeof value === 'number' && !Number.isInteger(value)) return []
      const mode = formatMode(value)
      if (mode !== '') values.add(mode)
      if (values.size > MAX_OFFERED) return []
    }
  }
  return [...values]
}

/** Starts of questions, evenly over the periods. */
function spread(periods: readonly Period[]): Period[] {
  const wholeMs = periods.reduce((sum, { from, to }) => sum + to - from, 0)
  return Array.from({ length: SPOTS }, (_, i) => {
    let restMs = (wholeMs * i) / SPOTS
    for (const { from, to } of periods) {
      if (restMs < to - from) return [{ from: from + restMs, to: to + 1 }]
      restMs -= to - from
    }
    return []
  }).flat()
}

/** The newest sample at or before each instant decides, as live: '' where it is not good or too old. */
export async function readModes(
  source: RawSource,
  { tag, holdMs }: { tag: TagId; holdMs: number },
  at: Float64Array,
): Promise<string[]> {
  const modes = new Array<string>(at.length).fill('')
  for (let first = 0; first < at.length; ) {
    let end = first + 1
    // After a longer pause what was said before it does not hold any more.
    while (end < at.length && (at[end] ?? 0) - (at[end - 1] ?? 0) <= holdMs) end++
    await readStretch(source, { tag, holdMs, at: at.subarray(first, end) }, (row, mode) => {
      modes[first + row] = mode
    })
    first = end
  }
  return modes
}

async function readStretch(
  source: RawSource,
  { tag, holdMs, at }: { tag: TagId; holdMs: number; at: Float64Array },
  tell: (row: number, mode: string) => void,
): Promise<void> {
  const to = (at.at(-1) ?? 0) + 1
  let from = (at[0] ?? 0) - holdMs
  let newest: Sample | undefined
  let row = 0
  for (;;) {
    const page = await source.raw(tag, from, to, PAGE)
    for (const sample of page) {
      for (; row < at.length && (at[row] ?? 0) < sample.at; row++)
        tell(row, modeAt(newest, at[row] ?? 0, holdMs))
      newest = sample
    }
    if (page.length < PAGE) break
    from = (newest?.at ?? to) + 1
  }
  for (; row < at.length; row++) tell(row, modeAt(newest, at[row] ?? 0, holdMs))
}

function modeAt(sample: Sample | undefined, at: number, holdMs: number): string {
  if (!sample || sample.quality !== quality.good || at - sample.at > holdMs) return ''
  return formatMode(sample.value)
}
