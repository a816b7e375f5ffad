/** The HTTP API between the cloud and its console: every request and response body, as JSON Schema and as types. */
import { type Static, Type } from 'typebox'
import { MaintenanceMark } from './api-maintenance.ts'
import { at, nullable, oneOf, text } from './api-schema.ts'
import { alarmStates, caseStates, caseSteps, sessionStates, shelvingStates } from './states.ts'

/** Roles of the skeleton; the one table of who may do what is cloud/identity/policy.ts. */
export const roles = ['engineer', 'technician', 'site-manager', 'admin'] as const
export type Role = (typeof roles)[number]

/** Everything a person can be allowed or denied. */
export const actions = [
  'telemetry.read',
  'alarm.acknowledge',
  'alarm.shelve',
  'case.work',
  'case.close',
  'session.request',
  'session.approve',
  'session.open',
  'session.end',
  'recording.view',
  'audit.read',
  'model.train',
  'model.stage',
  'gateway.configure',
  'gateway.revoke',
  'maintenance.plan',
] as const
export type Action = (typeof actions)[number]

/** RFC 9457 problem details: every error answer has this body. */
export const Problem = Type.Object({
  type: Type.String({ description: 'urn:mimamori:fault:<code>' }),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.Optional(Type.String()),
  code: Type.String(),
})
export type Problem = Static<typeof Problem>

// --- login ---
export const LoginRequest = Type.Object({ login: text(100, 1), password: text(1000, 1) })
export type LoginRequest = Static<typeof LoginRequest>

/** The person behind the cookie, GET /api/me and the answer to POST /api/login. */
export const Me = Type.Object({
  id: Type.String(),
  login: Type.String(),
  name: Type.String(),
  role: oneOf(roles),
  sites: Type.Array(Type.String()),
  allowed: Type.Array(oneOf(actions)),
})
export type Me = Static<typeof Me>

// --- fleet ---
export const SampleView = Type.Object({
  tag: Type.String(),
  at,
  /** 64-bit integers travel as decimal strings, with `integer: true`. */
  value: nullable(Type.Union([Type.Number(), Type.Boolean(), Type.String()])),
  integer: Type.Optional(Type.Boolean()),
  quality: Type.Integer({ description: '192 good, 500 stale, 0 bad' }),
})
export type SampleView = Static<typeof SampleView>

export const DeviceView = Type.Object({
  id: Type.String(),
  online: Type.Boolean(),
  since: nullable(at),
  tags: Type.Integer(),
  good: Type.Integer(),
  stale: Type.Integer(),
  bad: Type.Integer(),
})
export type DeviceView = Static<typeof DeviceView>

export const TargetView = Type.Object({
  site: Type.String(),
  gateway: Type.String(),
  id: Type.String(),
  kind: Type.String(),
  title: Type.String(),
  consent: Type.String(),
})
export type TargetView = Static<typeof TargetView>

export const GapView = Type.Object({
  gateway: Type.String(),
  from: at,
  to: at,
  reason: Type.String(),
  lost: nullable(Type.Integer()),
})
export type GapView = Static<typeof GapView>

/** Not in the fleet; revoked; a newer one was in use; the request was damaged or for another name. */
export const renewalProblems = ['removed', 'revoked', 'superseded', 'request'] as const

export const GatewayView = Type.Object({
  site: Type.String(),
  id: Type.String(),
  title: Type.String(),
  online: Type.Boolean(),
  since: nullable(at),
  tunnel: Type.Boolean({ description: 'true while its tunnel is up' }),
  software: nullable(Type.String()),
  contestedAt: Type.Optional(
    Type.Number({ description: 'when two machines were last found to claim its identity' }),
  ),
  revokedAt: Type.Optional(
    Type.Number({
      description: 'when its certificates were revoked; it has not been enrolled anew',
    }),
  ),
  certificate: Type.Optional(
    Type.Object(
      {
        until: at,
        isLate: Type.Boolean({ description: 'it should have been renewed by now' }),
        /** Why it was not renewed, when its gateway asked last. */
        problem: Type.Optional(oneOf(renewalProblems)),
      },
      { description: 'the newest one it has come in with; none: it never did' },
    ),
  ),
  devices: Type.Array(DeviceView),
  /** Its whole site, or every machine it reads, is in planned maintenance: it may well be off. */
  inMaintenance: Type.Optional(Type.Boolean()),
  gaps: Type.Array(GapView, { description: 'newest first, at most 20' }),
})
export type GatewayView = Static<typeof GatewayView>

export const assetHealths = ['normal', 'alarm', 'unknown', 'no-model'] as const

export const AssetSummary = Type.Object({
  id: Type.String(),
  site: Type.String(),
  name: Type.String(),
  kind: Type.String(),
  health: oneOf(assetHealths),
  /** Why unknown, in words. */
  healthReason: nullable(Type.String()),
  ratio: nullable(Type.Number({ description: 'score / threshold; above 1 is abnormal' })),
  activeAlarms: Type.Integer(),
  openCase: nullable(Type.String()),
  /** Left out: no planned work is going on. */
  maintenance: Type.Optional(MaintenanceMark),
})
export type AssetSummary = Static<typeof AssetSummary>

/** GET /api/fleet */
export const Fleet = Type.Object({
  now: at,
  sites: Type.Array(
    Type.Object({
      id: Type.String(),
      name: Type.String(),
      /** The customer's name. */
      tenant: Type.String(),
      timeZone: Type.String(),
      gateways: Type.Array(GatewayView),
      assets: Type.Array(AssetSummary),
    }),
  ),
})
export type Fleet = Static<typeof Fleet>

export const ContributionView = Type.Object({
  tag: Type.String(),
  name: Type.String(),
  z: Type.Number(),
  direction: oneOf(['high', 'low'] as const),
})
export type ContributionView = Static<typeof ContributionView>

/** GET /api/assets/:id */
export const AssetDetail = Type.Object({
  ...AssetSummary.properties,
  tags: Type.Array(
    Type.Object({
      id: Type.String(),
      name: Type.String(),
      unit: nullable(Type.String()),
      type: Type.String(),
      latest: nullable(SampleView),
    }),
  ),
  model: nullable(
    Type.Object({
      name: Type.String(),
      version: Type.String(),
      trainedRows: Type.Integer(),
      threshold: Type.Number(),
      sha256: Type.String(),
      scoreTag: Type.String(),
      ratioTag: Type.String(),
      contributions: Type.Array(ContributionView),
      /** Tags without a good value at times in the last minute, or in the window of the score where that is longer: what the others let expect was scored in their place. */
      filled: Type.Array(Type.String()),
    }),
  ),
  targets: Type.Array(TargetView),
})
export type AssetDetail = Static<typeof AssetDetail>

/** GET /api/range?tag=…&tag=…&from=…&to=…&points=… (at most 20 tags, 2000 points) */
export const RangeResponse = Type.Object({
  series: Type.Array(
    Type.Object({
      tag: Type.String(),
      unit: nullable(Type.String()),
      /** Parallel arrays, oldest first. */
      at: Type.Array(at),
      min: Type.Array(nullable(Type.Number())),
      mean: Type.Array(nullable(Type.Number())),
      max: Type.Array(nullable(Type.Number())),
      quality: Type.Array(Type.Integer()),
    }),
  ),
})
export type RangeResponse = Static<typeof RangeResponse>

// --- alarms ---
export const AlarmView = Type.Object({
  id: Type.String(),
  rule: Type.String(),
  asset: Type.String(),
  assetName: Type.String(),
  site: Type.String(),
  state: oneOf(alarmStates),
  shelving: oneOf(shelvingStates),
  shelvedUntil: nullable(at),
  /** OutOfServiceState of OPC UA Part 9, by planned maintenance: it goes on, but opens no case. Left out: in service. */
  outOfService: Type.Optional(MaintenanceMark),
  severity: Type.Integer({ description: 'OPC UA severity, 1..1000' }),
  message: Type.String(),
  raisedAt: at,
  clearedAt: nullable(at),
  ackedAt: nullable(at),
  ackedBy: nullable(Type.String()),
  peak: nullable(Type.Number()),
  contributions: Type.Array(ContributionView),
  caseId: nullable(Type.String()),
})
export type AlarmView = Static<typeof AlarmView>

/** GET /api/alarms?state=open|all */
export const AlarmList = Type.Object({ alarms: Type.Array(AlarmView) })
export type AlarmList = Static<typeof AlarmList>

/** POST /api/alarms/:id/acknowledge */
export const AcknowledgeRequest = Type.Object({ comment: Type.Optional(text(1000)) })
export type AcknowledgeRequest = Static<typeof AcknowledgeRequest>
/** POST /api/alarms/:id/shelve */
export const ShelveRequest = Type.Object({
  minutes: Type.Integer({ minimum: 1, maximum: 1440 }),
  reason: text(1000, 1),
})
export type ShelveRequest = Static<typeof ShelveRequest>

// --- sessions ---
/** POST /api/sessions */
export const SessionRequest = Type.Object({
  caseId: Type.String(),
  gateway: Type.String(),
  target: Type.String(),
  reason: text(1000, 3),
  minutes: Type.Integer({ minimum: 1, maximum: 480 }),
  rights: Type.Array(oneOf(['view', 'control'] as const), { minItems: 1 }),
})
export type SessionRequest = Static<typeof SessionRequest>

/** POST /api/sessions/:id/approve|refuse */
export const DecisionRequest = Type.Object({ note: Type.Optional(text(1000)) })
export type DecisionRequest = Static<typeof DecisionRequest>
/** POST /api/sessions/:id/end */
export const EndRequest = Type.Object({ note: Type.Optional(text(1000)) })
export type EndRequest = Static<typeof EndRequest>

export const SessionView = Type.Object({
  id: Type.String(),
  caseId: Type.String(),
  site: Type.String(),
  gateway: Type.String(),
  target: Type.String(),
  targetTitle: Type.String(),
  kind: Type.String(),
  state: oneOf(sessionStates),
  person: Type.Object({ id: Type.String(), name: Type.String() }),
  reason: Type.String(),
  rights: Type.Array(Type.String()),
  minutes: Type.Integer(),
  requestedAt: at,
  approver: nullable(Type.Object({ id: Type.String(), name: Type.String() })),
  decidedAt: nullable(at),
  decisionNote: nullable(Type.String()),
  startedAt: nullable(at),
  until: nullable(at),
  endedAt: nullable(at),
  endReason: nullable(Type.String()),
  recorded: Type.Boolean(),
  /** While undecided: for a second person here, or for the people at the site, on their gateway's own page. */
  waitsFor: Type.Optional(oneOf(['person', 'site'] as const)),
})
export type SessionView = Static<typeof SessionView>
/** GET /api/sessions?state=open|all */
export const SessionList = Type.Object({ sessions: Type.Array(SessionView) })
export type SessionList = Static<typeof SessionList>

/** POST /api/sessions/:id/open: where the frame must point; the ticket in it works once. */
export const OpenedSession = Type.Object({ session: SessionView, url: Type.String() })
export type OpenedSession = Static<typeof OpenedSession>

/** One recorded HTTP exchange of a web session. */
export const RecordedExchange = Type.Object({
  at,
  method: Type.String(),
  path: Type.String(),
  status: Type.Integer(),
  durationMs: Type.Number(),
  requestBytes: Type.Integer(),
  responseBytes: Type.Integer(),
  /** Redacted and capped; null when it is not text. */
  requestBody: nullable(Type.String()),
  responseBody: nullable(Type.String()),
})
export type RecordedExchange = Static<typeof RecordedExchange>

/** GET /api/sessions/:id/recording (the whole as HAR 1.2: …/recording.har) */
export const RecordingView = Type.Object({
  session: SessionView,
  sha256: nullable(Type.String()),
  /** The hash chain of the file was checked just now. */
  intact: Type.Boolean(),
  exchanges: Type.Array(RecordedExchange),
  events: Type.Array(Type.Object({ at, kind: Type.String(), text: Type.String() })),
})
export type RecordingView = Static<typeof RecordingView>

// --- cases ---
export const CaseSummary = Type.Object({
  id: Type.String(),
  site: Type.String(),
  asset: Type.String(),
  assetName: Type.String(),
  title: Type.String(),
  state: oneOf(caseStates),
  openedAt: at,
  closedAt: nullable(at),
  verifiedAt: nullable(at),
})
export type CaseSummary = Static<typeof CaseSummary>
/** GET /api/cases?state=open|all */
export const CaseList = Type.Object({ cases: Type.Array(CaseSummary) })
export type CaseList = Static<typeof CaseList>

export const usefulness = ['useful', 'too-sensitive', 'noisy-data', 'wrong-data'] as const

/** POST /api/cases/:id/close; `unverifiedReason` is demanded when the recovery has not held. */
export const CloseRequest = Type.Object({
  cause: text(2000, 3),
  action: text(2000, 3),
  usefulness: oneOf(usefulness),
  unverifiedReason: Type.Optional(text(2000, 3)),
  /** What models learn from: how it failed, which part, and when it had failed. */
  failureMode: Type.Optional(text(200, 1)),
  part: Type.Optional(text(200, 1)),
  failedAt: Type.Optional(at),
})
export type CloseRequest = Static<typeof CloseRequest>
/** POST /api/cases/:id/dismiss */
export const DismissRequest = Type.Object({ reason: text(2000, 3), usefulness: oneOf(usefulness) })
export type DismissRequest = Static<typeof DismissRequest>
/** POST /api/cases/:id/transition */
export const CaseTransitionRequest = Type.Object({
  action: oneOf(['diagnose', 'fix', 'verify'] as const),
  note: Type.Optional(text(2000)),
})
export type CaseTransitionRequest = Static<typeof CaseTransitionRequest>
/** POST /api/cases */
export const OpenCaseRequest = Type.Object({ asset: Type.String(), title: text(200, 3) })
export type OpenCaseRequest = Static<typeof OpenCaseRequest>

/** What stands for a tag over a stretch of time; null: nothing good was read. */
const TagSummary = nullable(Type.Union([Type.Number(), Type.String(), Type.Boolean()]))

/** Frozen when the case closes: who, when, what, and the tags before and after. */
export const CaseReport = Type.Object({
  caseId: Type.String(),
  title: Type.String(),
  site: Type.String(),
  asset: Type.String(),
  openedAt: at,
  verifiedAt: nullable(at),
  closedAt: at,
  closedBy: Type.String(),
  cause: Type.String(),
  action: Type.String(),
  usefulness: Type.String(),
  unverifiedReason: nullable(Type.String()),
  steps: Type.Array(Type.Object({ step: oneOf(caseSteps), at, person: nullable(Type.String()) })),
  alarms: Type.Array(AlarmView),
  /** What models said of the failure while the case was open; left out in reports of earlier versions. */
  findings: Type.Optional(Type.Array(Type.Object({ at, text: Type.String() }))),
  sessions: Type.Array(
    Type.Object({
      session: SessionView,
      exchanges: Type.Integer(),
      recordingSha256: nullable(Type.String()),
      /** What was changed: the requests that were not GET/HEAD. */
      changes: Type.Array(
        Type.Object({
          at,
          method: Type.String(),
          path: Type.String(),
          body: nullable(Type.String()),
          status: Type.Integer(),
        }),
      ),
    }),
  ),
  tags: Type.Array(
    Type.Object({
      tag: Type.String(),
      name: Type.String(),
      unit: nullable(Type.String()),
      normal: nullable(Type.Number()),
      /** The mean of the minute before the first session; of texts and switches the last value. */
      before: TagSummary,
      /** The mean of the last half minute before verification; of texts and switches the last value. */
      after: TagSummary,
    }),
  ),
})
export type CaseReport = Static<typeof CaseReport>

/** GET /api/cases/:id */
export const CaseDetail = Type.Object({
  ...CaseSummary.properties,
  alarms: Type.Array(AlarmView),
  sessions: Type.Array(SessionView),
  steps: Type.Array(Type.Object({ step: oneOf(caseSteps), at, person: nullable(Type.String()) })),
  events: Type.Array(
    Type.Object({ at, person: nullable(Type.String()), kind: Type.String(), text: Type.String() }),
  ),
  contributions: Type.Array(ContributionView),
  targets: Type.Array(TargetView),
  recovery: Type.Object({
    /** The condition in words, e.g. "Model/Ratio below 1 for 20 s". */
    condition: Type.String(),
    holdMs: Type.Integer(),
    heldMs: Type.Integer({ description: 'how long it has held so far' }),
  }),
  ratioTag: nullable(Type.String()),
  report: nullable(CaseReport),
})
export type CaseDetail = Static<typeof CaseDetail>

// --- audit ---
/** GET /api/audit?limit=… (newest first) */
export const AuditList = Type.Object({
  intact: Type.Boolean(),
  entries: Type.Array(
    Type.Object({
      seq: Type.Integer(),
      at,
      actor: Type.String(),
      action: Type.String(),
      object: Type.String(),
      site: nullable(Type.String()),
      outcome: Type.String(),
      detail: Type.String(),
    }),
  ),
})
export type AuditList = Static<typeof AuditList>

/** GET /api/events (text/event-stream, `data:` is one of these); `samples` only for the asset named by `?asset=`. */
export type LiveEvent =
  | { kind: 'samples'; samples: SampleView[] }
  | {
      kind: 'changed'
      what: 'fleet' | 'alarms' | 'cases' | 'sessions' | 'models' | 'gateway-config' | 'maintenance'
      id: string | null
    }
