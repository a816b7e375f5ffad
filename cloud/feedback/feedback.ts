/** What closed cases teach about the models: labels, and from them a scoreboard with proposals for thresholds. */
import type { ModelVersionView, Scoreboard } from '../../protocol/api-models.ts'
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

export function createFeedback(store: Store): Feedback {
  return {
    learn: (caseId) => writeLabel(store, caseId),
    async scoreboard(versions) {
      const rows: Scoreboard['rows'] = []
      for (const { factor, ...model } of versions) {
        if (SILENT_KINDS.includes(model.kind)) continue
        const service = await readService(store, model.id)
        const alarms = await readJudgedAlarms(store, model.id, service.factors)
        if (alarms.length === 0 && service.active.length === 0) continue
        const failures = await readFailures(store, model.asset)
        rows.push(createRow({ model, factor, alarms, failures, active: service.active }))
      }
      return { rows }
    },
  }
}

/** Closed cases that were real trouble: when each was reported, when it had failed. */
async function readFailures({ db }: Store, asset: string) {
  return await db
    .selectFrom('labels')
    .innerJoin('cases', 'cases.id', 'labels.case_id')
    .select(['labels.case_id', 'cases.opened_at', 'labels.failed_at'])
    .where('labels.asset', '=', asset)
    .where('cases.state', '=', 'closed')
    .where('labels.usefulness', '=', 'useful')
    .execute()
}
