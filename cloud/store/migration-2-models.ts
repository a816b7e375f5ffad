/** Migration 2, part: registry of models, training jobs, labels, what was said of alarms (see schema.ts for what the columns mean). */

const registry = [
  `create table models (
    id text primary key, asset text not null, site text not null, name text not null, version bigint not null,
    kind text not null, stage text not null, source text not null,
    created_at bigint not null, created_by text not null,
    periods text not null, facts text not null, sha256 text not null, factor double precision not null,
    automatic bigint not null default 0, stage_change text, files_sha256 text not null default '')`,
  `create unique index models_by_version on models (asset, name, version)`,
  // One voice per asset and kind: two active versions would alarm twice.
  `create unique index models_active on models (asset, kind) where stage = 'active'`,
  `create table model_events (
    id $numbered, model text not null references models (id), at bigint not null,
    actor text not null, kind text not null, detail text not null)`,
  `create index model_events_by_model on model_events (model)`,
]

const training = [
  `create table training_jobs (
    id text primary key, asset text not null, site text not null, state text not null,
    phase text not null, progress double precision not null,
    requested_at bigint not null, requested_by text not null, ended_at bigint,
    problem text, model text, request text not null, back_test text)`,
  `create index training_jobs_by_asset on training_jobs (asset, requested_at)`,
  `create table retraining (asset text primary key, every_days bigint, on_drift bigint not null, tried_at bigint)`,
  `create table normal_periods (
    id $numbered, asset text not null, from_at bigint not null, to_at bigint not null,
    alarm text not null, at bigint not null, person text not null, note text not null)`,
  `create unique index normal_periods_by_alarm on normal_periods (alarm)`,
]

const feedback = [
  `create table labels (
    case_id text primary key references cases (id), asset text not null, site text not null, at bigint not null,
    usefulness text not null, failure_mode text, cause text, part text, failed_at bigint)`,
  `create index labels_by_asset on labels (asset)`,
]

const diagnoses = [
  `create table diagnoses (
    id $numbered, alarm text not null, asset text not null, site text not null, model text not null,
    stage text not null, at bigint not null, state text not null, mode text, probability double precision,
    detail text not null)`,
  `create index diagnoses_by_alarm on diagnoses (alarm)`,
]

const alarms = [
  `alter table alarm_rules add column peak_clear double precision not null default 0.1`,
  `alter table alarm_rules add column model text`,
  `alter table alarm_rules add column opens_case bigint not null default 1`,
  `alter table alarms add column model text`,
  `alter table alarms add column filled text`,
]

export const modelTables: readonly string[] = [
  ...registry,
  ...training,
  ...feedback,
  ...diagnoses,
  ...alarms,
]
