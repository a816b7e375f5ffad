/** The text of a table file, and its rows as cells: what tables of numbers and tables of words have in common. */
import { mkdir, open, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { Fault } from '../../protocol/kit/fault.ts'

/** A gzip bomb must not eat the memory: 1 GiB of text is 20 years of 20 tags by the minute. */
const MAX_BYTES = 1 << 30
/** The first data row of a file: the header is row 1. */
const FIRST_ROW = 2

/** Whether the file begins as a Parquet file does, whatever it is called; false when it cannot be read. */
export async function isParquet(file: string): Promise<boolean> {
  if (/\.parquet$/i.test(file)) return true
  const handle = await open(file).catch(() => undefined)
  if (!handle) return false
  await using _ = handle
  // Of a folder nothing can be read: whoever reads the text says so.
  const head = await handle.read(Buffer.alloc(4), 0, 4, 0).catch(() => undefined)
  return head?.buffer.toString('latin1') === 'PAR1'
}

/** The text of a CSV file, gzipped or not, UTF-8 or with the mark of UTF-16; Fault 'table.invalid' when it cannot be read. */
export async function readText(file: string): Promise<string> {
  try {
    const bytes = await readFile(file)
    const isPacked = bytes[0] === 0x1f && bytes[1] === 0x8b
    const plain = isPacked ? await promisify(gunzip)(bytes, { maxOutputLength: MAX_BYTES }) : bytes
    const isUtf16 = plain[0] === 0xff && plain[1] === 0xfe
    return plain.toString(isUtf16 ? 'utf16le' : 'utf8')
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error)
    throw new Fault('table.invalid', { file, row: 0, column: '-', problem }, { cause: error })
  }
}

/** Writes a file that was asked for, and its folder where there is none; Fault 'config.invalid' when that is not possible. */
export async function writeText(file: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
  } catch (error) {
    const problems = `--out ${file}: ${error instanceof Error ? error.message : String(error)}`
    throw new Fault('config.invalid', { count: 1, problems }, { cause: error })
  }
}

/** What is known before the rows are read. */
export interface Shape {
  header: string[]
  rows: number
  /** Cells of the first row; [] where there is none. */
  first: readonly string[]
}

/** Calls back row by row (from 0), each with as many cells as the header has; answers the header, trimmed and checked. */
export function readCells(
  text: string,
  file: string,
  begin: (shape: Shape) => (cells: readonly string[], row: number) => void,
): string[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/)
  while (lines.at(-1) === '') lines.pop()
  const [head, ...body] = lines
  if (head === undefined)
    throw new Fault('table.invalid', { file, row: 1, column: '-', problem: 'the file is empty' })
  const mark = findSeparator(head, body[0])
  const header = splitLine(head, mark).map((name) => name.trim())
  checkHeader(header, file)
  const first = body[0] === undefined ? [] : splitLine(body[0], mark)
  const next = begin({ header, rows: body.length, first })
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
    const problem =
      name === ''
        ? 'the column has no name: give it one, or leave it out'
        : 'the name is there twice'
    if (name === '' || double)
      throw new Fault('table.invalid', { file, row: 1, column: name || i + 1, problem })
  })
}

/** The mark that cuts the header and the first row into equally many cells; of several, the one that makes most. */
function findSeparator(header: string, first: string | undefined): string {
  const counts = [',', ';', '\t', '|'].map((mark) => {
    const count = splitLine(header, mark).length
    const agrees = first === undefined || splitLine(first, mark).length === count
    return { mark, count: agrees && count > 1 ? count + header.length : count }
  })
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

/** Decimal numbers only: 0x1F in a table of measurements is a mistake. */
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i
const STATES: Readonly<Record<string, number>> = {
  true: 1,
  True: 1,
  TRUE: 1,
  false: 0,
  False: 0,
  FALSE: 0,
}

/** A measurement, or a state as 1 and 0; NaN for an empty cell; undefined for what is no number, or none that is finite. */
export function parseCell(cell: string): number | undefined {
  const text = cell.trim()
  if (text === '' || text === 'NaN') return Number.NaN
  if (NUMBER.test(text)) {
    const value = Number(text)
    return Number.isFinite(value) ? value : undefined
  }
  return Object.hasOwn(STATES, text) ? STATES[text] : undefined
}

/** Why it is none, and what to do about it. */
export function describeNoNumber(cell: string): string {
  const text = cell.trim()
  const no = `"${text.slice(0, 40)}" is not a number`
  if (/^[+-]?[\d.]*,\d+$/.test(text)) return `${no}: write decimals with a point`
  if (/^([+-]?inf(inity)?|nan|n\/?a|#n\/a|null|none|nil|-+|bad|\?)$/i.test(text))
    return `${no}: leave the cell of an unknown value empty`
  return /\p{L}{2}/u.test(text)
    ? `${no}: leave an unknown cell empty, and a column of words out (--time names that of the times)`
    : no
}
