/** Why an alarm came: read against expected, what moved first, and how like trouble ended before. */
import type { ModelFolder } from '../../models/manifest.ts'
import type { Batch, Values } from '../../models/session.ts'
import type { ContributionView } from '../../protocol/api.ts'
import type { Explanation } from '../../protocol/api-explanation.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import type { TagId } from '../../protocol/model.ts'
import type { Store } from '../store/store.ts'
import type { Reader } from './closed-case.ts'
import { findExpected } from './expected.ts'
import { traceContributions } from './moved-first.ts'
import { findSimilarCases } from './similar-cases.ts'

/** Grid rows of a model's tags, row by row; NaN where nothing good was read. */
export interface PastRows {
  at: ArrayLike<number>
  values: Float64Array
}

/** A model with the tags of its asset. */
export interface ExplainedModel {
  folder: ModelFolder
  tags: Readonly<Record<string, TagId>>
  /** It is of this operating mode: rows of others are gaps to it. */
  mode?: { value: string; tag: TagId; holdMs: number }
}

export interface ExplanationOptions {
  store: Store
  /** As it spoke at that instant; undefined: it is not there any more, or may not be used. */
  modelOf(version: string, at: number): Promise<ExplainedModel | undefined>
  /** The last `rows` grid rows up to the instant. */
  rowsBefore(model: ExplainedModel, at: number, rows: number): Promise<PastRows>
  run(model: ModelFolder, windows: Values, batch: number): Promise<Batch>
}

/** What is said beside it by models of known failures, and where levels changed, comes from elsewhere. */
export type OwnExplanation = Omit<Explanation, 'failures' | 'changes'>

export interface Explainer {
  /** Throws Fault 'object.missing'. */
  explain(alarm: string, reader: Reader): Promise<OwnExplanation>
}

/** Windows before the alarm in which the first to move is looked for. */
const TRACE_ROWS = 300

export function createExplainer(options: ExplanationOptions): Explainer {
  const { store } = options
  return {
    async explain(id, reader) {
      const alarm = await readAlarm(store, id)
      const { model: version, raisedAt } = alarm
      const model = version === null ? undefined : await options.modelOf(version, raisedAt)
      const seen = model && (await lookBack(options, model, raisedAt))
      const units = await readUnits(
        store,
        alarm.contributions.map(({ tag }) => tag),
      )
      const idOf = (name: string) => model?.tags[name] ?? name
      return {
        tags: alarm.contributions.map(({ tag, name, z, direction }) => {
          const found = seen?.expected.get(name)
          const unit = units.get(tag) ?? null
          return {
            tag,
            name,
            unit,
            z,
            direction,
            value: found?.value ?? null,
            expected: found?.expected ?? null,
          }
        }),
        filled: alarm.filled,
        movedFirst: (seen?.moved ?? []).map(({ name, at }) => ({ tag: idOf(name), name, at })),
        similar: await findSimilarCases(store, alarm, reader),
      }
    },
  }
}

/** Undefined where history has no full window before the alarm. */
async function lookBack(options: ExplanationOptions, model: ExplainedModel, at: number) {
  const { manifest } = model.folder
  const past = await options.rowsBefore(model, at, TRACE_ROWS + manifest.windowRows)
  const run = (windows: Values, batch: number) => options.run(model.folder, windows, batch)
  const trace = await traceContributions(manifest, past, run)
  if (!trace) return undefined
  return { moved: trace.moved, expected: await findExpected(manifest, trace.last, run) }
}

export interface ExplainedAlarm {
  id: string
  asset: string
  model: string | null
  raisedAt: number
  contributions: ContributionView[]
  filled: string[]
}

async function readAlarm({ db }: Store, id: string): Promise<ExplainedAlarm> {
  const row = await db
    .selectFrom('alarms')
    .select(['asset', 'model', 'raised_at', 'contributions', 'filled'])
    .where('id', '=', id)
    .executeTakeFirst()
  if (!row) throw new Fault('object.missing', { id })
  const contributions = JSON.parse(row.contributions) as ContributionView[]
  const filled = row.filled === null ? [] : (JSON.parse(row.filled) as string[])
  return { id, asset: row.asset, model: row.model, raisedAt: row.raised_at, contributions, filled }
}

async function readUnits({ db }: Store, tags: readonly string[]): Promise<Map<string, string>> {
  if (tags.length === 0) return new Map()
  const rows = await db.selectFrom('tags').select(['id', 'unit']).where('id', 'in', tags).execute()
  return new Map(rows.flatMap(({ id, unit }) => (unit === null ? [] : [[id, unit]])))
}
