/** Versions beside the active one on the same live rows: do they say the same, and how often would each have alarmed. */
import {
  nextPersistence,
  type Persistence,
  type PersistenceRule,
  quiet,
} from '../../models/train/persistence.ts'
import type { ModelComparison } from '../../protocol/api-models.ts'
import type { KeptState } from './kept-states.ts'
import type { ScoringResult } from './result.ts'

/** One side of a comparison. */
interface Side {
  persistence: Persistence
  alarms: number
}

interface Pair {
  asset: string
  active: string
  other: string
  since: number
  /** Of the last row. */
  at: number
  rows: number
  agreed: number
  activeSide: Side
  otherSide: Side
}

export interface ComparedBy {
  ruleOf(model: string): PersistenceRule | undefined
  /** Rows of planned maintenance do not count: what was running is broken off as by a gap. */
  isInWork?(result: ScoringResult): boolean
}

export interface Comparisons {
  /** Everything one tick brought; rows that one of the two does not know do not count. */
  accept(results: readonly ScoringResult[], about: ComparedBy): void
  of(asset: string): ModelComparison[]
  /** Only these versions are there now. */
  keep(models: ReadonlySet<string>): void
  /** All of it, for the next start. */
  save(): KeptState[]
}

/** `kept`: what was saved before the last stop; its counts go on. */
export function createComparisons(kept: readonly KeptState[] = []): Comparisons {
  const pairs = new Map(kept.map(({ key, state }) => [key, restorePair(JSON.parse(state) as Pair)]))

  return {
    accept(results, { ruleOf, isInWork }) {
      const rows = Map.groupBy(results, ({ asset, at }) => `${at} ${asset}`)
      for (const row of rows.values()) {
        const active = row.find(({ isPrimary }) => isPrimary)
        if (active?.ratio === undefined) continue
        if (isInWork?.(active)) {
          for (const pair of pairs.values()) if (pair.active === active.model) breakOff(pair)
          continue
        }
        for (const other of row) {
          if (other === active || other.ratio === undefined) continue
          const key = `${active.model} ${other.model}`
          const pair = pairs.get(key) ?? createPair(active, other)
          pairs.set(key, pair)
          applyRow(pair, { active, other }, ruleOf)
        }
      }
    },
    of: (asset) => [...pairs.values()].filter((pair) => pair.asset === asset).map(view),
    keep(models) {
      for (const [key, { active, other }] of pairs)
        if (!models.has(active) || !models.has(other)) pairs.delete(key)
    },
    save: () =>
      [...pairs].map(([key, pair]) => {
        return { kind: 'comparison', key, at: pair.at, state: JSON.stringify(pair) }
      }),
  }
}

function createPair(active: ScoringResult, other: ScoringResult): Pair {
  const { asset, at } = active
  return {
    ...{ asset, active: active.model, other: other.model, since: at, at, rows: 0, agreed: 0 },
    activeSide: { persistence: quiet, alarms: 0 },
    otherSide: { persistence: quiet, alarms: 0 },
  }
}

/** Nothing was known while the cloud was down: that breaks a running delay to an alarm, and ends none. */
function restorePair(pair: Pair): Pair {
  const kept = { ...pair, activeSide: { ...pair.activeSide }, otherSide: { ...pair.otherSide } }
  breakOff(kept)
  return kept
}

/** As by a row that nobody knows: a running delay to an alarm is broken off, an alarm stays. */
function breakOff({ activeSide, otherSide }: Pair): void {
  for (const side of [activeSide, otherSide]) if (!side.persistence.active) side.persistence = quiet
}

function applyRow(
  pair: Pair,
  { active, other }: { active: ScoringResult; other: ScoringResult },
  ruleOf: (model: string) => PersistenceRule | undefined,
): void {
  pair.rows += 1
  pair.at = active.at
  if ((active.ratio ?? 0) > 1 === (other.ratio ?? 0) > 1) pair.agreed += 1
  applySide(pair.activeSide, active, ruleOf(active.model))
  applySide(pair.otherSide, other, ruleOf(other.model))
}

function applySide(
  side: Side,
  { at, ratio }: ScoringResult,
  rule: PersistenceRule | undefined,
): void {
  if (!rule) return
  const next = nextPersistence(side.persistence, { at, ratio }, rule)
  if (next.active && !side.persistence.active) side.alarms += 1
  side.persistence = next
}

function view({
  active,
  other,
  since,
  rows,
  agreed,
  activeSide,
  otherSide,
}: Pair): ModelComparison {
  return {
    ...{ active, other, since, rows },
    agreement: rows === 0 ? null : agreed / rows,
    activeAlarms: activeSide.alarms,
    otherAlarms: otherSide.alarms,
  }
}
