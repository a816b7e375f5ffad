/** A version of a model as the registry knows it, and how it is kept in a row. */
import type { Insertable, Selectable } from 'kysely'
import type { ModelModes, ModelVersionView, Period } from '../../protocol/api-models.ts'
import type { Schema } from '../store/schema.ts'

/** What the manifest said when the version was registered: for lists, never for scoring. */
export type ModelFacts = Pick<
  ModelVersionView,
  'trainedRows' | 'periodMs' | 'threshold' | 'modes' | 'tags' | 'metrics' | 'dataHash'
>

export interface ModelVersion extends Omit<ModelVersionView, 'intact' | 'problem' | 'emptyCells'> {
  /** On the trained threshold; `threshold` has it in it already. */
  factor: number
  /** Of all files that it speaks by. */
  filesSha256: string
  /** Nobody asked for this very version: schedule, drift, coarser live values, "this was normal". */
  automatic?: true
}

export type ModelRow = Selectable<Schema['models']>

export function toRow(
  version: Omit<ModelVersion, keyof ModelFacts>,
  facts: ModelFacts,
): Insertable<Schema['models']> {
  const { createdAt, createdBy, periods, automatic, stageChange: _, filesSha256, ...same } = version
  return {
    ...same,
    automatic: automatic ? 1 : 0,
    files_sha256: filesSha256,
    created_at: createdAt,
    created_by: createdBy,
    periods: JSON.stringify(periods),
    facts: JSON.stringify(facts),
  }
}

export function fromRow(row: ModelRow): ModelVersion {
  const {
    created_at,
    created_by,
    periods,
    facts: text,
    automatic,
    stage_change,
    files_sha256,
    ...same
  } = row
  const facts = JSON.parse(text) as ModelFacts
  return {
    ...same,
    ...facts,
    ...(automatic === 1 && { automatic: true }),
    ...(stage_change !== null && {
      stageChange: JSON.parse(stage_change) as ModelVersion['stageChange'],
    }),
    threshold: facts.threshold === null ? null : facts.threshold * row.factor,
    ...(facts.modes && { modes: scaleModes(facts.modes, row.factor) }),
    createdAt: created_at,
    createdBy: created_by,
    filesSha256: files_sha256,
    periods: JSON.parse(periods) as Period[],
  }
}

function scaleModes(modes: ModelModes, factor: number): ModelModes {
  const known = modes.known.map((one) => ({ ...one, threshold: one.threshold * factor }))
  return { ...modes, known }
}
