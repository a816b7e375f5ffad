/** Runs a board's queries as Grafana would: variables resolved by their own queries, macros filled in. */
import { type Board, NOTHING_WRONG, type Variable } from './board.ts'

/** Where and when to ask. */
export interface BoardWindow {
  /** Unix ms. */
  from: number
  to: number
  /** What Grafana puts for `$__interval`. */
  intervalMs: number
}

export interface BoardQuery {
  /** The panel's title, or the annotation's name. */
  title: string
  query: string
  /** A count of what is wrong, or an annotation: no rows where nothing is wrong. */
  isEmptyWhenHealthy: boolean
}

export interface BoardAnswer extends BoardQuery {
  /** Rows over all series; 0 is an empty panel. */
  rows: number
  /** What the database said was wrong with the query. */
  error?: string
}

interface InfluxAnswer {
  error?: string
  results?: { error?: string; series?: { values: unknown[][] }[] }[]
}

/** Asks the database one InfluxQL query. */
export type Ask = (query: string) => Promise<InfluxAnswer>

/** The queries of every panel and annotation, ready to be sent; `chosen` gives each variable its values. */
export function panelQueries(
  board: Board,
  window: BoardWindow,
  chosen: ReadonlyMap<string, string>,
): BoardQuery[] {
  const fill = (query: string) => fillIn(query, window, chosen)
  const panels = board.panels.flatMap((panel) =>
    panel.targets.map((target) => ({
      title: panel.title,
      query: fill(target.query),
      isEmptyWhenHealthy: panel.fieldConfig.defaults.noValue === NOTHING_WRONG,
    })),
  )
  const marks = board.annotations.list.map(({ name, target }) => ({
    title: name,
    query: fill(target.query),
    isEmptyWhenHealthy: true,
  }))
  return [...panels, ...marks]
}

/** Runs every query of the board against the database and counts the rows of each. */
export async function checkBoard(
  board: Board,
  window: BoardWindow,
  database: { url: string; database: string },
): Promise<BoardAnswer[]> {
  const ask: Ask = async (query) => {
    const body = new URLSearchParams({ db: database.database, epoch: 'ms', q: query })
    const answer = await fetch(`${database.url}/query`, { method: 'POST', body })
    return (await answer.json()) as InfluxAnswer
  }
  const chosen = new Map<string, string>()
  for (const variable of board.templating.list) {
    if (variable.type === 'query') {
      chosen.set(variable.name, await resolveVariable(variable, ask, { window, chosen }))
    }
  }
  const answers: BoardAnswer[] = []
  for (const query of panelQueries(board, window, chosen)) {
    const answer = await ask(query.query)
    answers.push({ ...query, rows: countRows(answer), error: findError(answer) })
  }
  return answers
}

/** "All" where it may be chosen, else the first value, as a board opens; escaped as `:regex` does. */
async function resolveVariable(
  variable: Variable,
  ask: Ask,
  { window, chosen }: { window: BoardWindow; chosen: ReadonlyMap<string, string> },
): Promise<string> {
  const answer = await ask(fillIn(variable.query, window, chosen))
  const rows = answer.results?.[0]?.series?.flatMap((series) => series.values) ?? []
  const values = rows.map((row) => String(row[1])).sort()
  const [first] = values
  // Nothing to choose from leaves the panels empty in Grafana; here it must show as an empty panel too.
  if (first === undefined) return 'no value'
  return variable.includeAll
    ? (variable.allValue ?? '.*')
    : first.replaceAll(/[\\^$*+?.()|[\]{}/]/g, '\\$&')
}

function fillIn(query: string, window: BoardWindow, chosen: ReadonlyMap<string, string>): string {
  const { from, to, intervalMs } = window
  let text = query
    .replaceAll('$timeFilter', `time >= ${from}ms AND time <= ${to}ms`)
    .replaceAll('$__interval', `${intervalMs}ms`)
  for (const [name, value] of chosen) text = text.replaceAll(`\${${name}:regex}`, value)
  return text
}

function countRows(answer: InfluxAnswer): number {
  const series = answer.results?.flatMap((result) => result.series ?? []) ?? []
  return series.reduce((sum, one) => sum + one.values.length, 0)
}

function findError(answer: InfluxAnswer): string | undefined {
  return answer.error ?? answer.results?.find((result) => result.error !== undefined)?.error
}
