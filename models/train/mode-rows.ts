/** The operating mode of every grid row, and the rows of one mode: all others become gaps, so no window straddles a change. */
import { isSettled, type ModeState, nextMode, noMode } from '../modes.ts'
import { pickColumns, type Rows } from './grid.ts'
import type { Table } from './table.ts'

/** What a file does not say holds on from the row before; without times a row is one period. */
export function holdModes(table: Table, holdMs: number, periodMs: number): Table {
  let held = ''
  let heldAt = Number.NEGATIVE_INFINITY
  const modes = table.modes?.map((mode, row) => {
    const at = table.at?.[row] ?? row * periodMs
    if (mode !== '') [held, heldAt] = [mode, at]
    return at - heldAt <= holdMs ? held : ''
  })
  return { ...table, modes }
}

/** The modes that a table has, in the order in which they come first. */
export function findModes({ modes = [] }: Table): string[] {
  return [...new Set(modes)].filter((mode) => mode !== '')
}

/** The mode as one more column, the place of its value in `values`; the grid treats it as every other. */
export function addModeColumn(table: Table, values: readonly string[]): Table {
  const places = new Map(values.map((value, place) => [value, place]))
  const column = Float64Array.from(table.modes ?? [], (mode) => places.get(mode) ?? Number.NaN)
  return { ...table, names: [...table.names, ''], columns: [...table.columns, column] }
}

export interface ModeRows {
  /** Without the column of the mode. */
  rows: Rows
  /** Of each row; undefined where it is not known. */
  modes: (string | undefined)[]
}

/** Takes that column off again. */
export function splitModeColumn(whole: Rows, values: readonly string[]): ModeRows {
  const last = whole.width - 1
  const rows = pickColumns(
    whole,
    Array.from({ length: last }, (_, i) => i),
  )
  const modes = Array.from({ length: whole.count }, (_, row) => {
    const at = row * whole.width + last
    return whole.empty?.[at] === 1 ? undefined : values[whole.values[at] ?? Number.NaN]
  })
  return { rows, modes }
}

/** The mode that each row belongs to; undefined while it is not known or has only just changed. */
export function settleModes(modes: readonly (string | undefined)[]): (string | undefined)[] {
  let state: ModeState = noMode
  return modes.map((mode) => {
    state = nextMode(state, mode)
    return isSettled(state) ? mode : undefined
  })
}

/** A copy in which every row of another mode is a gap. */
export function keepMode(rows: Rows, settled: readonly (string | undefined)[], mode: string): Rows {
  const values = rows.values.slice()
  settled.forEach((own, row) => {
    if (own !== mode) values.fill(Number.NaN, row * rows.width, (row + 1) * rows.width)
  })
  return { ...rows, values }
}
