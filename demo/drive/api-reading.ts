/** The end of the story over the API: verified, closed, and what the report, the recording and the audit log say. */
import assert from 'node:assert/strict'
import type { AuditList, CaseDetail, RecordingView } from '../../protocol/api.ts'
import type { Stage } from './by-api.ts'
import { until } from './narrator.ts'
import { type Closing, patience, SWITCH_PATH, texts } from './story.ts'

export const readCase = ({ technician, caseId }: Stage): Promise<CaseDetail> =>
  technician.get<CaseDetail>(`/api/cases/${caseId}`)

export const readVisit = ({ technician, sessionId }: Stage): Promise<RecordingView> =>
  technician.get<RecordingView>(`/api/sessions/${sessionId}/recording`)

const show = (value: unknown): string =>
  typeof value === 'number' ? value.toFixed(1) : String(value)

export function createClosing(stage: Stage): Closing {
  const { technician, manager } = stage
  return {
    async seeVerified() {
      return await until<string>('verification', patience.recoveryMs, async () => {
        const { verifiedAt, recovery } = await readCase(stage)
        if (verifiedAt !== null) return { found: recovery.condition }
        return { notYet: `held for ${recovery.heldMs} of ${recovery.holdMs} ms` }
      })
    },
    async closeCase() {
      const { cause, action } = texts
      await technician.post(`/api/cases/${stage.caseId}/close`, {
        cause,
        action,
        usefulness: 'useful',
      })
      const { state } = await readCase(stage)
      assert.equal(state, 'closed')
      return state
    },
    async readReport() {
      const { report } = await readCase(stage)
      assert.ok(report, 'a closed case has a report')
      const [visit] = report.sessions
      assert.ok(visit, 'the report names no session')
      const change = visit.changes.find(({ path }) => SWITCH_PATH.test(path))
      assert.equal(change?.method, 'POST')
      assert.equal(visit.recordingSha256, (await readVisit(stage)).sha256)
      const measured = report.tags.filter(({ before, after }) => before !== null && after !== null)
      assert.ok(measured.length > 0, 'the report shows no values before and after')
      return (
        `${visit.session.person.name}, approved by ${visit.session.approver?.name}: ` +
        `${change.method} ${change.path}; SHA-256 ${visit.recordingSha256?.slice(0, 12)}…; ` +
        measured
          .slice(0, 3)
          .map((t) => `${t.name} ${show(t.before)} → ${show(t.after)}`)
          .join(', ')
      )
    },
    async readRecording() {
      const view = await readVisit(stage)
      assert.ok(view.intact, 'the recording is not intact')
      const changes = view.exchanges.filter(({ method }) => method === 'POST')
      assert.ok(changes.some(({ path }) => SWITCH_PATH.test(path)))
      return `intact, ${view.exchanges.length} exchanges, ${changes.length} of them changes`
    },
    async readAudit() {
      const audit = await manager.get<AuditList>('/api/audit?limit=50')
      assert.ok(audit.intact, 'the audit log is not intact')
      assert.ok(audit.entries.some(({ object }) => object === stage.sessionId))
      return `intact, ${audit.entries[0]?.seq} entries`
    },
  }
}
