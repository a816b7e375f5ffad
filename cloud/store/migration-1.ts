/** Migration 1: every table of the first version (see schema.ts for what the columns mean). */

const fleet = [
  `create table tenants (id text primary key, name text not null)`,
  `create table sites (id text primary key, tenant text not null, name text not null, time_zone text not null)`,
  `create table gateways (
    site text not null, id text not null, title text not null, fingerprint text,
    online bigint not null, since bigint, software text,
    certificate_from bigint, certificate_until bigint,
    primary key (site, id))`,
  `create table gateway_revocations (
    site text not null, gateway text not null, until bigint not null, at bigint not null,
    primary key (site, gateway))`,
  `create unique index gateways_by_fingerprint on gateways (fingerprint)`,
  `create table devices (
    site text not null, gateway text not null, id text not null,
    online bigint not null, since bigint,
    primary key (site, gateway, id))`,
  `create table tags (
    id text primary key, site text not null, gateway text not null, device text not null,
    name text not null, type text not null, unit text)`,
  `create index tags_by_device on tags (site, gateway, device)`,
  `create table targets (
    site text not null, gateway text not null, id text not null,
    kind text not null, title text not null, consent text not null,
    primary key (site, gateway, id))`,
  `create table assets (id text primary key, site text not null, name text not null, kind text not null, model text)`,
  `create table asset_tags (
    asset text not null references assets (id), tag text not null, position bigint not null,
    primary key (asset, tag))`,
  `create table asset_targets (
    asset text not null references assets (id), site text not null, gateway text not null, target text not null,
    primary key (asset, gateway, target))`,
  `create table gaps (
    site text not null, gateway text not null, from_at bigint not null, to_at bigint not null,
    reason text not null, lost bigint,
    primary key (site, gateway, from_at, to_at, reason))`,
  `create table quarantine (
    id $numbered, at bigint not null, site text not null, gateway text not null,
    sample text not null, reason text not null)`,
]

const identity = [
  `create table persons (
    id text primary key, login text not null unique, name text not null, role text not null,
    password_hash text not null, sites text not null, disabled bigint not null)`,
  `create table logins (
    token_hash text primary key, person text not null references persons (id),
    created_at bigint not null, expires_at bigint not null)`,
  `create index logins_by_expiry on logins (expires_at)`,
]

const alarms = [
  `create table alarm_transitions (from_state text not null, to_state text not null, primary key (from_state, to_state))`,
  `create table alarm_rules (
    id text primary key, asset text not null, site text not null, tag text not null, title text not null,
    severity bigint not null, high_limit double precision not null,
    on_delay_ms bigint not null, off_delay_ms bigint not null,
    shelving text not null, shelved_until bigint, shelved_by text,
    suppressed bigint not null, out_of_service bigint not null)`,
  `create table alarms (
    id text primary key, rule text not null references alarm_rules (id), asset text not null, site text not null,
    previous_state text not null, state text not null,
    raised_at bigint not null, cleared_at bigint, acked_at bigint, acked_by text,
    severity bigint not null, message text not null, contributions text not null,
    case_id text, peak double precision,
    foreign key (previous_state, state) references alarm_transitions (from_state, to_state))`,
  `create index alarms_by_site on alarms (site, raised_at)`,
  `create index alarms_by_case on alarms (case_id)`,
  // One occurrence at a time: a rule whose alarm has not come back to normal cannot raise another.
  `create unique index alarms_open on alarms (rule) where state <> 'normal'`,
  `create table alarm_events (
    id $numbered, alarm text not null references alarms (id), at bigint not null,
    person text, kind text not null, comment text)`,
  `create index alarm_events_by_alarm on alarm_events (alarm)`,
]

const cases = [
  `create table case_transitions (from_state text not null, to_state text not null, primary key (from_state, to_state))`,
  `create table cases (
    id text primary key, site text not null, asset text not null, title text not null,
    previous_state text not null, state text not null,
    opened_at bigint not null, closed_at bigint, source text not null,
    verified_at bigint, outcome text, report text,
    foreign key (previous_state, state) references case_transitions (from_state, to_state))`,
  `create index cases_by_site on cases (site, opened_at)`,
  // One piece of trouble per asset: whatever comes while a case is open belongs to it.
  `create unique index cases_open on cases (asset) where state <> 'closed' and state <> 'dismissed'`,
  `create table case_steps (
    case_id text not null references cases (id), step text not null, at bigint not null, person text,
    primary key (case_id, step))`,
  `create table case_events (
    id $numbered, case_id text not null references cases (id), at bigint not null,
    person text, kind text not null, text text not null)`,
  `create index case_events_by_case on case_events (case_id)`,
]

const sessions = [
  `create table session_transitions (from_state text not null, to_state text not null, primary key (from_state, to_state))`,
  `create table sessions (
    id text primary key, case_id text not null, site text not null, gateway text not null,
    target text not null, kind text not null, person text not null,
    previous_state text not null, state text not null,
    reason text not null, rights text not null, minutes bigint not null,
    requested_at bigint not null, approver text, decided_at bigint, decision_note text,
    started_at bigint, until_at bigint, ended_at bigint, end_reason text, recording_sha256 text,
    foreign key (previous_state, state) references session_transitions (from_state, to_state))`,
  `create index sessions_by_case on sessions (case_id)`,
  `create index sessions_by_site on sessions (site, requested_at)`,
]

const rest = [
  `create table audit (
    seq bigint primary key, at bigint not null, actor text not null, action text not null,
    object text not null, site text, outcome text not null, detail text not null,
    previous_hash text not null, hash text not null)`,
  `create table settings (key text primary key, value text not null)`,
]

export const firstTables: readonly string[] = [
  ...fleet,
  ...identity,
  ...alarms,
  ...cases,
  ...sessions,
  ...rest,
]
