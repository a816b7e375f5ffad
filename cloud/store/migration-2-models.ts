/** Migration 2, part: registry of models, training jobs, labels. */

export const modelTables: readonly string[] = []
