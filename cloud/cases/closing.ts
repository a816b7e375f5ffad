/** Closing a case with its report, or dismissing it: both need words, both are final. */
import type { CaseReport, CloseRequest } from '../../protocol/api.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import { caseTransitions, nextState } from '../../protocol/states.ts'
import type { Store } from '../store/store.ts'
import { type CaseFacts, readFindings, readSteps, readTagChanges } from './case-detail.ts'
import { type CaseRow, type Db, moveCase, noteEvent, stampStep } from './case-rows.ts'
import { describeRecovery } from './recovery.ts'
import { createReport, spansOf } from './report.ts'

export interface Closing {
  at: number
  person: { id: string; name: string }
  outcome: CloseRequest
}

/** Throws Fault 'case.not-verified' when the recovery has not held and no reason is given, 'case.conflict' when it is closed. */
export async function closeCase(
  store: Store,
  facts: CaseFacts,
  { row, closing }: { row: CaseRow; closing: Closing },
): Promise<CaseReport> {
  const { at, person, outcome } = closing
  const canClose =
    nextState(caseTransitions, row.state, 'close') ??
    nextState(caseTransitions, row.state, 'verify')
  if (!canClose) throw new Fault('case.conflict', { id: row.id, state: row.state, action: 'close' })
  if (row.verified_at === null && !outcome.unverifiedReason) {
    const condition = describeRecovery(facts.recoveryHoldMs(row.asset))
    throw new Fault('case.not-verified', { id: row.id, condition })
  }
  const evidence = await gatherEvidence(store, facts, { row, at })
  return await store.db.transaction().execute(async (trx) => {
    const verifying = row.state === 'verifying' ? row : await moveCase(trx, row, 'verify')
    await moveCase(trx, verifying, 'close')
    await stampStep(trx, row.id, { step: 'documented', at, person: person.id })
    await noteEvent(trx, {
      id: row.id,
      at,
      person: person.id,
      kind: 'closed',
      text: outcome.action,
    })
    const report = createReport({
      case: {
        id: row.id,
        title: row.title,
        site: row.site,
        asset: row.asset,
        openedAt: row.opened_at,
        verifiedAt: row.verified_at,
      },
      closedAt: at,
      closedBy: person.name,
      outcome,
      steps: await readSteps(trx, row.id),
      ...evidence,
    })
    await freeze(trx, { id: row.id, at, outcome, report })
    return report
  })
}

/** Read before the transaction: on SQLite nothing else may be asked inside it. */
async function gatherEvidence(
  store: Store,
  facts: CaseFacts,
  { row, at }: { row: CaseRow; at: number },
) {
  const sessions = await facts.sessionsOf(row.id)
  const recorded = []
  for (const session of sessions) {
    recorded.push({ session, recording: await facts.recordingOf(session.id) })
  }
  const spans = spansOf({ openedAt: row.opened_at, verifiedAt: row.verified_at }, sessions, at)
  return {
    alarms: await facts.alarmsOf(row.id),
    findings: await readFindings(store.db, row.id),
    sessions: recorded,
    tags: await readTagChanges(store, facts, { asset: row.asset, ...spans }),
  }
}

async function freeze(
  trx: Db,
  { id, at, outcome, report }: { id: string; at: number; outcome: unknown; report?: CaseReport },
): Promise<void> {
  await trx
    .updateTable('cases')
    .set({
      closed_at: at,
      outcome: JSON.stringify(outcome),
      report: report ? JSON.stringify(report) : null,
    })
    .where('id', '=', id)
    .execute()
}

/** For what was no trouble at all; throws Fault 'case.conflict' once somebody has worked on it. */
export async function dismissCase(
  store: Store,
  row: CaseRow,
  { at, person, outcome }: { at: number; person: string; outcome: { reason: string } },
): Promise<void> {
  await store.db.transaction().execute(async (trx) => {
    await moveCase(trx, row, 'dismiss')
    await noteEvent(trx, { id: row.id, at, person, kind: 'dismissed', text: outcome.reason })
    await freeze(trx, { id: row.id, at, outcome })
  })
}
