/** Versions beside the active one on the same live rows: do they say the same, and how often would each have alarmed. */
import {
  nextPersistence,
  type Persistence,
  type PersistenceRule,
  quiet,
} from '../../models/train/persistence.ts'
import type { ModelComparison } from '../../protocol/api-models.ts'
import type { ScoringResult } from './result.ts'

/** One side of a comparison. */
interface Side {
  persistence: Persistence
  alarms: number
}

interface Pair {
  active: string
  other: string
  since: number
  rows: number
  agreed: number
  activeSide: Side
  otherSide: Side
}

export interface Comparisons {
  /** Everything one tick brought; rows that one of the two does not know do not count. */
  accept(
    results: readonly ScoringResult[],
    ruleOf: (model: string) => PersistenceRule | undefined,
  ): void
  of(asset: string): ModelComparison[]
  /** Only these versions are there now. */
  keep(models: ReadonlySet<string>): void
}

export function createComparisons(): Comparisons {
  const pairs = new Map<string, Pair & { asset: string }>()

  return {
    accept(results, ruleOf) {
      const rows = Map.groupBy(results, ({ asset, at }) => `${at} ${asset}`)
      for (const row of rows.values()) {
        const active = row.find(({ isPrimary }) => isPrimary)
        if (active?.ratio === undefined) continue
        for (const other of row) {
          if (other === active || other.ratio === undefined) continue
          const key = `${active.model} ${other.model}`
          const pair = pairs.get(key) ?? { ...createPair(active, other), asset: active.asset }
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
  }
}

function createPair(active: ScoringResult, other: ScoringResult): Pair {
  return {
    ...{ active: active.model, other: other.model, since: active.at, rows: 0, agreed: 0 },
    activeSide: { persistence: quiet, alarms: 0 },
    otherSide: { persistence: quiet, alarms: 0 },
  }
}

function applyRow(
  pair: Pair,
  { active, other }: { active: ScoringResult; other: ScoringResult },
  ruleOf: (model: string) => PersistenceRule | undefined,
): void {
  pair.rows += 1
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
