/** What the readers of ThingsBoard's files share: JSON that may lack anything, and remarks with its lines. */
import type { Path } from '../../protocol/kit/schema.ts'
import type { ImportOptions } from './imported.ts'

export type Json = Readonly<Record<string, unknown>>

/** What the sections of one file share. */
export interface ThingsboardContext {
  options: ImportOptions
  leave(path: Path, say: string): void
  /** Reports the keys of an object that are not among these. */
  leaveRest(at: Json, path: Path, known: readonly string[]): void
}

/** Anything else is an empty object: its missing members are reported one by one. */
export function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {}
}

/** The members of a list that are objects, with their places. */
export function rowsOf(at: Json, path: Path, keys: readonly string[]): { row: Json; path: Path }[] {
  return keys.flatMap((key) => {
    const list = at[key]
    if (!Array.isArray(list)) return []
    return list.map((row, i) => ({ row: objectOf(row), path: [...path, key, i] }))
  })
}
