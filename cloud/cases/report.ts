/** Assembles the report of a case that closes: who, when, what, and the tags before and after. Pure. */
import type {
  AlarmView,
  CaseReport,
  CloseRequest,
  RecordingView,
  SessionView,
} from '../../protocol/api.ts'
import { isChange } from './case.ts'

export interface ReportFacts {
  case: {
    id: string
    title: string
    site: string
    asset: string
    openedAt: number
    verifiedAt: number | null
  }
  closedAt: number
  /** The name of who closed it. */
  closedBy: string
  outcome: CloseRequest
  steps: CaseReport['steps']
  alarms: readonly AlarmView[]
  findings: NonNullable<CaseReport['findings']>
  sessions: readonly { session: SessionView; recording: RecordingView | undefined }[]
  tags: CaseReport['tags']
}

/** The minute before anybody touched it. */
const BEFORE_MS = 60_000
/** The last half minute of the recovery. */
const AFTER_MS = 30_000

export interface Span {
  from: number
  to: number
}

/** Which stretches of the tags stand for `before` and `after`. */
export function spansOf(
  { openedAt, verifiedAt }: { openedAt: number; verifiedAt: number | null },
  sessions: readonly Pick<SessionView, 'startedAt'>[],
  closedAt: number,
): { before: Span; after: Span } {
  const started = sessions.flatMap(({ startedAt }) => (startedAt === null ? [] : [startedAt]))
  const touched = started.length > 0 ? Math.min(...started) : openedAt
  const mended = verifiedAt ?? closedAt
  return {
    before: { from: touched - BEFORE_MS, to: touched },
    after: { from: mended - AFTER_MS, to: mended },
  }
}

export function createReport(facts: ReportFacts): CaseReport {
  const { case: subject, outcome } = facts
  return {
    caseId: subject.id,
    title: subject.title,
    site: subject.site,
    asset: subject.asset,
    openedAt: subject.openedAt,
    verifiedAt: subject.verifiedAt,
    closedAt: facts.closedAt,
    closedBy: facts.closedBy,
    cause: outcome.cause,
    action: outcome.action,
    usefulness: outcome.usefulness,
    // A reason given for a case that is verified after all would contradict the report.
    unverifiedReason: subject.verifiedAt === null ? (outcome.unverifiedReason ?? null) : null,
    steps: facts.steps,
    alarms: [...facts.alarms],
    findings: facts.findings,
    sessions: facts.sessions.map(({ session, recording }) => ({
      session,
      exchanges: recording?.exchanges.length ?? 0,
      recordingSha256: recording?.sha256 ?? null,
      changes: (recording?.exchanges ?? [])
        .filter(isChange)
        .map(({ at, method, path, status, requestBody }) => {
          return { at, method, path, body: requestBody, status }
        }),
    })),
    tags: facts.tags,
  }
}
