/** The text of a table file, and its rows as cells: what tables of numbers and tables of words have in common. */
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { Fault } from '../../protocol/kit/fault.ts'

/** A gzip bomb must not eat the memory: 1 GiB of text is 20 years of 20 tags by the minute. */
const MAX_BYTES = 1 << 30
/** The first data row of a file: the header is row 1. */
const FIRST_ROW = 2

/** The text of `.csv` or `.csv.gz`; Fault 'table.invalid' when it cannot be read. */
export async function readText(file: string): Promise<string> {
  try {
    const bytes = await readFile(file)
    if (!file.endsWith('.gz')) return bytes.toString('utf8')
    return (await promisify(gunzip)(bytes, { maxOutputLength: MAX_BYTES })).toString('utf8')
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    throw new Fault('table.invalid', { file, row: 0, column: '-', problem }, { cause: error })
  }
}

/** Calls back row by row (from 0), each with as many cells as the header has; answers the header, trimmed and checked. */
export function readCells(
  text: string,
  file: string,
  begin: (header: string[], rows: number) => (cells: readonly string[], row: number) => void,
): string[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  while (lines.at(-1) === '') lines.pop()
  const [head = '', ...body] = lines
  const mark = findSeparator(head)
  const header = splitLine(head, mark).map((name) => name.trim())
  checkHeader(header, file)
  const next = begin(header, body.length)
  body.forEach((line, row) => {
    const cells = splitLine(line, mark)
    const problem = `${cells.length} cells where the header has ${header.length}`
    if (cells.length !== header.length)
      throw new Fault('table.invalid', { file, row: row + FIRST_ROW, column: '-', problem })
    next(cells, row)
  })
  return header
}

/** Every column has a name of its own. */
export function checkHeader(header: readonly string[], file: string): void {
  header.forEach((name, i) => {
    const double = header.indexOf(name) !== i
    const problem = name === '' ? 'the column has no name' : 'the name is there twice'
    if (name === '' || double)
      throw new Fault('table.invalid', { file, row: 1, column: name || i + 1, problem })
  })
}

function findSeparator(header: string): string {
  const counts = [',', ';', '\t'].map((mark) => ({ mark, count: header.split(mark).length }))
  return counts.reduce((best, one) => (one.count > best.count ? one : best)).mark
}

/** RFC 4180 quoting within one line; a quoted line break is not a measurement. */
function splitLine(line: string, separator: string): string[] {
  if (!line.includes('"')) return line.split(separator)
  const cells: string[] = []
  let cell = ''
  let quoted = false
  for (let i = 0; i < line.length; i++) {
    const char = line[i] ?? ''
    if (char === '"' && quoted && line[i + 1] === '"') cell += line[i++]
    else if (char === '"') quoted = !quoted
    else if (char === separator && !quoted) {
      cells.push(cell)
      cell = ''
    } else cell += char
  }
  return [...cells, cell]
}
