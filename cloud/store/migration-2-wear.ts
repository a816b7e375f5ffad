/** Migration 2, part: wear of parts. */

export const wearTables: readonly string[] = []
