/** Migration 2, part: parts that wear, one row a life (see schema.ts for what the columns mean). */

export const wearTables: readonly string[] = [
  `create table part_lives (
    id $numbered, asset text not null, site text not null, kind text not null, part text not null, serial text,
    installed_at bigint not null, start_count double precision not null,
    last_at bigint not null, last_count double precision not null,
    ended_at bigint, failed bigint not null default 0, ordered_at bigint)`,
  // One part in place at a time.
  `create unique index part_lives_in_place on part_lives (asset, part) where ended_at is null`,
]
