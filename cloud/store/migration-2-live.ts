/** Migration 2, part: what live scoring remembers from one start to the next (see schema-2.ts for what the columns mean). */

export const liveTables: readonly string[] = [
  `create table live_states (
    kind text not null, key text not null, at bigint not null, state text not null,
    primary key (kind, key))`,
]
