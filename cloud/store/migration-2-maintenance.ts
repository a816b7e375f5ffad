/** Migration 2, part: planned maintenance, and what was reported meanwhile (see schema-2.ts for what the columns mean). */

export const maintenanceTables: readonly string[] = [
  `create table maintenance_transitions (from_state text not null, to_state text not null, primary key (from_state, to_state))`,
  `create table maintenance_windows (
    id text primary key, site text not null, asset text,
    previous_state text not null, state text not null,
    text text not null, from_at bigint not null, to_at bigint not null,
    entered_at bigint not null, entered_by text not null,
    ended_at bigint, ended_by text, cancelled_at bigint, cancelled_by text,
    foreign key (previous_state, state) references maintenance_transitions (from_state, to_state))`,
  `create index maintenance_windows_by_site on maintenance_windows (site, from_at)`,
  `create table maintenance_reports (
    asset text not null, fingerprint text not null, title text not null, at bigint not null,
    primary key (asset, fingerprint))`,
]
