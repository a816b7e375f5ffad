/** The tables of migration 2, as Kysely sees them: models and what is learned, parts and their wear, configurations sent to gateways, planned work. */
import type { Generated } from 'kysely'
import type { FailureState } from '../../protocol/api-explanation.ts'
import type { JobState, ModelKind, ModelStage } from '../../protocol/api-models.ts'
import type { ConfigState, MaintenanceState } from '../../protocol/states.ts'

type Flag = 0 | 1

export interface SecondTables {
  models: {
    id: string
    asset: string
    site: string
    name: string
    version: number
    kind: ModelKind
    stage: ModelStage
    source: 'trained' | 'uploaded' | 'shipped'
    created_at: number
    created_by: string
    /** JSON: Period[] */
    periods: string
    /** JSON: what its manifest said at registration. */
    facts: string
    /** Of model.onnx, hex. */
    sha256: string
    /** Of all files that it speaks by, hex: those of its modes and phases are in it. */
    files_sha256: Generated<string>
    /** On the trained threshold. */
    factor: number
    /** Made by the program itself, or as what follows from "this was normal": only the newest such shadows are kept in use. */
    automatic: Generated<Flag>
    /** JSON: at, by, reason of the last change of its stage; null: as it was born. */
    stage_change: string | null
  }
  model_events: {
    id: Generated<number>
    model: string
    at: number
    /** A login, or a part of the program. */
    actor: string
    kind: string
    /** JSON */
    detail: string
  }
  training_jobs: {
    id: string
    asset: string
    site: string
    state: JobState
    phase: string
    progress: number
    requested_at: number
    requested_by: string
    ended_at: number | null
    problem: string | null
    model: string | null
    /** JSON TrainRequest */
    request: string
    /** JSON BackTest */
    back_test: string | null
  }
  retraining: {
    asset: string
    every_days: number | null
    on_drift: Flag
    /** When a job was last queued by schedule or by drift. */
    tried_at: number | null
  }
  /** Stretches that a person called normal though they alarmed. */
  normal_periods: {
    id: Generated<number>
    asset: string
    from_at: number
    to_at: number
    alarm: string
    at: number
    person: string
    note: string
  }
  /** What closed and dismissed cases say about the alarms that belong to them. */
  labels: {
    case_id: string
    asset: string
    site: string
    at: number
    usefulness: string
    failure_mode: string | null
    cause: string | null
    part: string | null
    /** When the machine failed; null: it did not, or nobody said when. */
    failed_at: number | null
  }

  /** What models of known failures said of an alarm while it was active, each time it changed. */
  diagnoses: {
    id: Generated<number>
    alarm: string
    asset: string
    site: string
    model: string
    /** Of the model, at that time. */
    stage: ModelStage
    at: number
    state: FailureState
    mode: string | null
    probability: number | null
    /** JSON: candidates, reason, SHA-256 of the model, windows looked at. */
    detail: string
  }

  /** Each part that wears and was or is in place. */
  part_lives: {
    id: Generated<number>
    asset: string
    site: string
    /** Of the asset: lives of like parts are compared by kind and part. */
    kind: string
    part: string
    serial: string | null
    /** When we first saw it, and what it had counted then. */
    installed_at: number
    start_count: number
    last_at: number
    last_count: number
    /** When another one took its place; null: it is in place. */
    ended_at: number | null
    /** 1: it was exchanged because it had failed. */
    failed: Generated<Flag>
    /** When its service was proposed. */
    ordered_at: number | null
  }

  gateway_configs: {
    site: string
    gateway: string
    version: number
    previous_state: ConfigState
    state: ConfigState
    /** Of the last change of state. */
    at: number
    /** The devices, without passwords. */
    yaml: string
    /** Hash of the configuration it was made against. */
    base: string
    reason: string
    created_by: string
    created_at: number
    sent_by: string | null
    sent_at: number | null
    confirm_before: number | null
    /** ConfigReason, and the gateway's own words. */
    why: string | null
    say: string | null
    /** JSON: ConfigProblemView[] */
    problems: string
    /** JSON: ConfigDiff */
    diff: string | null
  }
  gateway_config_present: {
    site: string
    gateway: string
    hash: string
    /** `site` or `cloud`. */
    source: string
    version: number | null
    yaml: string
    allowed: Flag
    read_at: number
  }

  /** What live scoring remembers from one start to the next. */
  live_states: {
    /** `comparison` or `drift`. */
    kind: string
    /** Two versions, or an asset. */
    key: string
    at: number
    /** JSON */
    state: string
  }

  /** Planned work on a machine, or on all of a site. */
  maintenance_windows: {
    id: string
    site: string
    /** Null: the whole site. */
    asset: string | null
    previous_state: MaintenanceState
    state: MaintenanceState
    text: string
    from_at: number
    /** As planned. */
    to_at: number
    entered_at: number
    /** Person id. */
    entered_by: string
    /** When it was over: early, or as planned. */
    ended_at: number | null
    ended_by: string | null
    cancelled_at: number | null
    cancelled_by: string | null
  }
  /** What other systems reported of machines in planned maintenance, until its end. */
  maintenance_reports: { asset: string; fingerprint: string; title: string; at: number }

  gateway_config_transitions: { from_state: string; to_state: string }
  maintenance_transitions: { from_state: string; to_state: string }
}
