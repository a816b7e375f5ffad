/** Adds rows that a person called normal to the rows of a training. */
import { Fault } from '../../protocol/kit/fault.ts'
import type { Table } from './table.ts'

/**
 * One table with the rows of all, ascending by time; a row at an instant that is there already replaces it. All tables
 * have instants and the names of the first, in any order; otherwise it is Fault 'table.invalid'.
 */
export function joinTables(first: Table, ...others: readonly Table[]): Table {
  const { names } = first
  const parts = [first, ...others].map((table) => ({
    at: instantsOf(table),
    ...reorder(table, names),
  }))
  const rows = parts.flatMap(({ at }, part) =>
    Array.from(at, (instant, row) => ({ instant, part, row })),
  )
  rows.sort((a, b) => a.instant - b.instant || a.part - b.part)
  const kept = rows.filter(({ instant }, i) => rows[i + 1]?.instant !== instant)
  return {
    file: first.file,
    names,
    at: Float64Array.from(kept, ({ instant }) => instant),
    columns: names.map((_, tag) =>
      Float64Array.from(kept, ({ part, row }) => parts[part]?.columns[tag]?.[row] ?? Number.NaN),
    ),
    rows: kept.length,
  }
}

function instantsOf({ at, file }: Table): Float64Array {
  if (at) return at
  const problem = 'rows can only be added where every row has its time'
  throw new Fault('table.invalid', { file, row: 1, column: 'time', problem })
}

function reorder(
  table: Table,
  names: readonly string[],
): { columns: (Float64Array | undefined)[] } {
  const columns = names.map((name) => {
    const column = table.columns[table.names.indexOf(name)]
    const problem = 'the rows to add have no such column'
    if (!column)
      throw new Fault('table.invalid', { file: table.file, row: 1, column: name, problem })
    return column
  })
  return { columns }
}
