/** Closed cases that name how the machine failed, with the stretch of history in which it showed: what known failures are learned from. */
import { foldMode } from '../../models/train/labels.ts'
import type { FailureReadiness } from '../../protocol/api-explanation.ts'
import { selectLike } from '../store/like-assets.ts'
import { type PlannedWork, passWork, readPlannedWork } from '../store/planned-work.ts'
import type { Store } from '../store/store.ts'

/** Two tell that a thing repeats; with a third one can be held out and still repeats. */
export const CASES_WANTED = 3
/** With one mode there is nothing to tell apart. */
export const MODES_WANTED = 2
/** The newest of a mode: older machines were other machines. */
const MAX_CASES = 15
/** More than these are not modes but descriptions, and the training would take minutes. */
const MAX_MODES = 12

export interface LabelledCase {
  id: string
  asset: string
  /** As most people wrote it. */
  mode: string
  /** While its first alarm was active and nobody had touched the machine yet. */
  from: number
  to: number
  closedAt: number
}

interface LabelRow {
  case_id: string
  asset: string
  site: string
  at: number
  failure_mode: string | null
}

/** Useful closed cases of the asset and its like, the oldest first. */
async function readRows(store: Store, asset: string): Promise<LabelRow[]> {
  return await store.db
    .selectFrom('labels')
    .innerJoin('cases', 'cases.id', 'labels.case_id')
    .select(['labels.case_id', 'labels.asset', 'labels.site', 'labels.at', 'labels.failure_mode'])
    .where('labels.asset', 'in', selectLike(store, asset))
    .where('cases.state', '=', 'closed')
    .where('labels.usefulness', '=', 'useful')
    .orderBy('labels.at')
    .execute()
}

/** When the first alarm of each case was active. */
async function readAlarms({ db }: Store, cases: readonly string[]) {
  const found = new Map<string, { from: number; to: number }>()
  if (cases.length === 0) return found
  const rows = await db
    .selectFrom('alarms')
    .select(['case_id', 'raised_at', 'cleared_at'])
    .where('case_id', 'in', cases)
    .orderBy('raised_at')
    .execute()
  for (const { case_id, raised_at, cleared_at } of rows)
    if (case_id !== null && !found.has(case_id))
      found.set(case_id, { from: raised_at, to: cleared_at ?? Number.POSITIVE_INFINITY })
  return found
}

/** When somebody began to change the machine. */
async function readTouched({ db }: Store, cases: readonly string[]): Promise<Map<string, number>> {
  const touched = new Map<string, number>()
  if (cases.length === 0) return touched
  const rows = await db
    .selectFrom('case_steps')
    .select(['case_id', 'at'])
    .where('case_id', 'in', cases)
    .where('step', 'in', ['diagnosed', 'fixed'])
    .execute()
  for (const { case_id, at } of rows)
    touched.set(case_id, Math.min(at, touched.get(case_id) ?? Number.POSITIVE_INFINITY))
  return touched
}

/** Planned maintenance by asset: how a machine fails is not learned from hours in which it was worked on. */
async function readWorks(store: Store, rows: readonly LabelRow[]) {
  const works = new Map<string, PlannedWork[]>()
  for (const { asset, site } of rows)
    if (!works.has(asset)) works.set(asset, await readPlannedWork(store, { asset, site }))
  return works
}

export interface LabelledCases {
  cases: LabelledCase[]
  withoutAlarm: number
  withoutMode: number
}

/** Of the asset and of all others of its kind at the same customer. */
export async function readLabelledCases(store: Store, asset: string): Promise<LabelledCases> {
  const rows = await readRows(store, asset)
  const ids = rows.map(({ case_id }) => case_id)
  const alarms = await readAlarms(store, ids)
  const touched = await readTouched(store, ids)
  const works = await readWorks(store, rows)
  const cases: LabelledCase[] = []
  let [withoutAlarm, withoutMode] = [0, 0]
  for (const { case_id: id, asset: own, at, failure_mode } of rows) {
    const alarm = alarms.get(id)
    if (failure_mode === null || foldMode(failure_mode) === '') withoutMode++
    else if (!alarm) withoutAlarm++
    else {
      const hand = touched.get(id) ?? at
      const to = Math.min(alarm.to, hand > alarm.from ? hand : at, at)
      const from = passWork(works.get(own) ?? [], alarm.from)
      if (from > alarm.from && from >= to) withoutAlarm++
      else cases.push({ id, asset: own, mode: failure_mode, from, to, closedAt: at })
    }
  }
  return { cases: spellAlike(cases), withoutAlarm, withoutMode }
}

/** Cases by mode, the modes with most cases first; of each mode the newest cases. */
export function groupByMode(cases: readonly LabelledCase[]): Map<string, LabelledCase[]> {
  const groups = [...Map.groupBy(cases, ({ mode }) => mode)]
  groups.sort(([a, one], [b, other]) => other.length - one.length || (a < b ? -1 : 1))
  return new Map(groups.slice(0, MAX_MODES).map(([mode, own]) => [mode, own.slice(-MAX_CASES)]))
}

/** Modes with enough cases, or none of them where they are too few. */
export function pickLearnable(cases: readonly LabelledCase[]): Map<string, LabelledCase[]> {
  const enough = [...groupByMode(cases)].filter(([, own]) => own.length >= CASES_WANTED)
  return new Map(enough.length >= MODES_WANTED ? enough : [])
}

/** `newestVersionAt`: when the newest version of its kind was made; undefined: there is none. */
export function describeReadiness(
  { cases, withoutAlarm, withoutMode }: LabelledCases,
  newestVersionAt: number | undefined,
): Omit<FailureReadiness, 'record'> {
  const learnable = [...pickLearnable(cases).values()].flat()
  const ready = learnable.length > 0
  return {
    ...{ casesWanted: CASES_WANTED, modesWanted: MODES_WANTED, withoutAlarm, withoutMode, ready },
    modes: [...groupByMode(cases)].map(([mode, own]) => ({ mode, cases: own.length })),
    proposed: learnable.some(({ closedAt }) => closedAt > (newestVersionAt ?? 0)),
  }
}

/** Each mode in the spelling that is used most, of equals the first. */
function spellAlike(cases: readonly LabelledCase[]): LabelledCase[] {
  const spelling = new Map<string, string>()
  for (const [folded, own] of Map.groupBy(cases, ({ mode }) => foldMode(mode))) {
    const counts = [...Map.groupBy(own, ({ mode }) => mode.trim().replace(/\s+/g, ' '))]
    counts.sort(([, one], [, other]) => other.length - one.length)
    spelling.set(folded, counts[0]?.[0] ?? folded)
  }
  return cases.map((one) => ({ ...one, mode: spelling.get(foldMode(one.mode)) ?? one.mode }))
}
