/** The relational tables, as Kysely sees them: portable types only (times Unix ms as integers, JSON as text, booleans as 0/1). */
import type { Generated } from 'kysely'
import type {
  AlarmState,
  CaseState,
  CaseStep,
  SessionState,
  ShelvingState,
} from '../../protocol/states.ts'
import type { SecondTables } from './schema-2.ts'

type Flag = 0 | 1

export interface Schema extends SecondTables {
  tenants: { id: string; name: string }
  sites: { id: string; tenant: string; name: string; time_zone: string }
  gateways: {
    site: string
    id: string
    title: string
    /** SHA-256 of the newest certificate it has come in with, lower-case hex; null until then. */
    fingerprint: string | null
    online: Flag
    /** Since when it is online or offline. */
    since: number | null
    software: string | null
    /** That certificate's dates. */
    certificate_from: number | null
    certificate_until: number | null
  }
  /** Certificates issued at `until` or before are worth nothing; `at`: when somebody said so. */
  gateway_revocations: { site: string; gateway: string; until: number; at: number }
  devices: { site: string; gateway: string; id: string; online: Flag; since: number | null }
  tags: {
    /** TagId */
    id: string
    site: string
    gateway: string
    device: string
    name: string
    type: string
    unit: string | null
  }
  targets: {
    site: string
    gateway: string
    id: string
    kind: string
    title: string
    consent: string
  }
  assets: { id: string; site: string; name: string; kind: string; model: string | null }
  asset_tags: { asset: string; tag: string; position: number }
  asset_targets: { asset: string; site: string; gateway: string; target: string }
  gaps: {
    site: string
    gateway: string
    from_at: number
    to_at: number
    reason: string
    lost: number | null
  }
  quarantine: {
    id: Generated<number>
    at: number
    site: string
    gateway: string
    sample: string
    reason: string
  }

  persons: {
    id: string
    /** What they type to log in. */
    login: string
    name: string
    role: string
    /** PHC string, argon2id. */
    password_hash: string
    /** JSON array of site ids, or `"*"`. */
    sites: string
    disabled: Flag
  }
  logins: { token_hash: string; person: string; created_at: number; expires_at: number }

  alarm_rules: {
    id: string
    asset: string
    site: string
    tag: string
    title: string
    severity: number
    high_limit: number
    on_delay_ms: number
    off_delay_ms: number
    shelving: ShelvingState
    shelved_until: number | null
    shelved_by: string | null
    suppressed: Flag
    out_of_service: Flag
    /** An active alarm clears below max(limit, peak_clear * peak). */
    peak_clear: Generated<number>
    /** The version of the model whose ratio it looks at. */
    model: string | null
    /** 0: awareness only (ISA-18.2 "alert"), of a model on trial. */
    opens_case: Generated<Flag>
  }
  alarms: {
    id: string
    rule: string
    asset: string
    site: string
    previous_state: AlarmState
    state: AlarmState
    raised_at: number
    cleared_at: number | null
    acked_at: number | null
    acked_by: string | null
    severity: number
    message: string
    /** JSON: Contribution[] at the time it was raised. */
    contributions: string
    case_id: string | null
    peak: number | null
    /** The version of the model that raised it. */
    model: string | null
    /** JSON: names of tags that had no value of their own in a part of what was scored; null: no model said so. */
    filled: string | null
  }
  alarm_events: {
    id: Generated<number>
    alarm: string
    at: number
    person: string | null
    kind: string
    comment: string | null
  }

  cases: {
    id: string
    site: string
    asset: string
    title: string
    previous_state: CaseState
    state: CaseState
    opened_at: number
    closed_at: number | null
    /** JSON: how it was reported (alarm, person, hook). */
    source: string
    /** When the recovery condition on telemetry had held; null: not (yet). */
    verified_at: number | null
    /** JSON CaseOutcome, when closed or dismissed. */
    outcome: string | null
    /** JSON CaseReport, frozen at closing. */
    report: string | null
  }
  case_steps: { case_id: string; step: CaseStep; at: number; person: string | null }
  case_events: {
    id: Generated<number>
    case_id: string
    at: number
    person: string | null
    kind: string
    text: string
  }

  sessions: {
    id: string
    case_id: string
    site: string
    gateway: string
    target: string
    kind: string
    /** Person id of the requester. */
    person: string
    previous_state: SessionState
    state: SessionState
    reason: string
    rights: string
    minutes: number
    requested_at: number
    approver: string | null
    decided_at: number | null
    decision_note: string | null
    started_at: number | null
    /** The window's end, set at approval. */
    until_at: number | null
    ended_at: number | null
    end_reason: string | null
    recording_sha256: string | null
  }

  alarm_transitions: { from_state: string; to_state: string }
  case_transitions: { from_state: string; to_state: string }
  session_transitions: { from_state: string; to_state: string }

  audit: {
    seq: number
    at: number
    actor: string
    action: string
    object: string
    site: string | null
    outcome: 'allowed' | 'denied' | 'done' | 'failed'
    /** JSON */
    detail: string
    previous_hash: string
    hash: string
  }
  settings: { key: string; value: string }
}
