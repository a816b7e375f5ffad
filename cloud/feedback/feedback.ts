/** What closed cases teach about the models: labels, and from them a scoreboard with proposals for thresholds. */
import type { ModelVersionView, Scoreboard } from '../../protocol/api-models.ts'
import { findWork, readPlannedWork } from '../store/planned-work.ts'
import type { Store } from '../store/store.ts'
import { readJudgedAlarms, readService } from './judged-alarms.ts'
import { writeLabel } from './labels.ts'
import { createRow } from './scoreboard-row.ts'

export interface ScoredVersion extends ModelVersionView {
  /** On the trained threshold; `threshold` has it in it already. */
  factor: number
}

export interface Feedback {
  /** A case was closed or dismissed: what was said becomes a label. Idempotent. */
  learn(caseId: string): Promise<void>
  /** Versions that alarmed, or could have. */
  scoreboard(versions: readonly ScoredVersion[]): Promise<Scoreboard>
}

/** Versions of these kinds raise no alarms: there is nothing to judge, and nothing they could miss. */
const SILENT_KINDS: readonly string[] = ['life', 'failures']

/** `now`: Unix ms. */
export function createFeedback(store: Store, now: () => number = Date.now): Feedback {
  return {
    learn: (caseId) => writeLabel(store, caseId),
    async scoreboard(versions) {
      const rows: Scoreboard['rows'] = []
      for (const { factor, ...model } of versions) {
        if (SILENT_KINDS.includes(model.kind)) continue
        const service = await readService(store, model.id)
        const { factors, active } = service
        const works = await readPlannedWork(store, { asset: model.asset, site: model.site })
        const query = { model: model.id, factors, works, now: now() }
        const { alarms, inMaintenance } = await readJudgedAlarms(store, query)
        if (alarms.length + inMaintenance === 0 && active.length === 0) continue
        // What fails while it is worked on cannot be missed: nobody was to be called.
        const failures = (await readFailures(store, model.asset)).filter(
          ({ failed_at, opened_at }) => !findWork(works, failed_at ?? opened_at),
        )
        rows.push({ ...createRow({ model, factor, alarms, failures, active }), inMaintenance })
      }
      return { rows }
    },
  }
}

/** Closed cases that were real trouble: when each was reported, when it had failed. */
async function readFailures({ db }: Store, asset: string) {
  const rows = await db
    .selectFrom('labels')
    .innerJoin('cases', 'cases.id', 'labels.case_id')
    .select(['labels.case_id', 'cases.opened_at', 'cases.source', 'labels.failed_at'])
    .where('labels.asset', '=', asset)
    .where('cases.state', '=', 'closed')
    .where('labels.usefulness', '=', 'useful')
    .execute()
  return rows.filter(({ source, failed_at }) => failed_at !== null || !isService(source))
}

/** Proposed by the wear of a part or a remaining life, before anything failed: what they are called by in the hook. */
function isService(source: string): boolean {
  const { kind, id } = JSON.parse(source) as { kind?: string; id?: string }
  return kind === 'hook' && /^(?:wear|life):/.test(id ?? '')
}
