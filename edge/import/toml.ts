/** A strict reader of the TOML that Telegraf files are written in; every table and key knows its line. */
import { configFault } from '../../protocol/kit/schema.ts'

export type TomlValue = string | number | boolean | TomlValue[] | TomlTable

export interface TomlTable {
  line: number
  entries: Map<string, TomlEntry>
}

export interface TomlEntry {
  line: number
  value: TomlValue
}

/** True for a table, inline or with a header. */
export function isTable(value: TomlValue | undefined): value is TomlTable {
  return typeof value === 'object' && !Array.isArray(value)
}

/** Throws Fault 'config.invalid' at the first thing it does not know: dates, and what is no TOML. */
export function parseToml(text: string, file: string): TomlTable {
  const reader = createReader(text.replaceAll('\r\n', '\n'), file)
  const root: TomlTable = { line: 1, entries: new Map() }
  let current = root
  for (reader.skipLines(); !reader.isDone(); reader.skipLines()) {
    if (reader.take('[[')) {
      current = openElement(root, reader.readKeys(), reader)
      reader.expect(']]')
    } else if (reader.take('[')) {
      current = openTable(root, reader.readKeys(), reader)
      reader.expect(']')
    } else readEntry(current, reader)
    reader.endLine()
  }
  return root
}

type Reader = ReturnType<typeof createReader>

function createReader(text: string, file: string) {
  let at = 0
  const line = () => text.slice(0, at).split('\n').length
  const fail = (say: string): never => {
    throw configFault([`${file}:${line()} ${say}`])
  }
  const match = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    const found = pattern.exec(text)?.[0]
    if (found !== undefined) at += found.length
    return found
  }
  const take = (token: string): boolean => {
    if (!text.startsWith(token, at)) return false
    at += token.length
    match(/[ \t]*/y)
    return true
  }
  const expect = (token: string): void => {
    if (!take(token)) fail(`"${token}" is missing`)
  }
  const readKey = (): string => {
    const bare = match(/[A-Za-z0-9_-]+/y)
    const key =
      bare ?? unquote(match(/"(?:[^"\\\n]|\\.)*"|'[^'\n]*'/y) ?? fail('a key is missing'), fail)
    match(/[ \t]*/y)
    return key
  }
  return {
    line,
    fail,
    match,
    take,
    expect,
    isDone: () => at >= text.length,
    skipLines: () => void match(/(?:[ \t\n]|#[^\n]*)*/y),
    readKeys(): string[] {
      const keys = [readKey()]
      while (take('.')) keys.push(readKey())
      return keys
    },
    endLine() {
      match(/[ \t]*(?:#[^\n]*)?/y)
      if (at < text.length && match(/\n/y) === undefined) fail('the line goes on unexpectedly')
    },
  }
}

const escapes: Readonly<Record<string, string>> = {
  b: '\b',
  t: '\t',
  n: '\n',
  f: '\f',
  r: '\r',
  '"': '"',
  '\\': '\\',
}

function unquote(quoted: string, fail: Reader['fail']): string {
  const width = /^("""|''')/.test(quoted) ? 3 : 1
  const inner = quoted.slice(width, -width)
  const body = width === 3 ? inner.replace(/^\n/, '') : inner
  if (quoted[0] === "'") return body
  return body.replaceAll(
    /\\(?:u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(\s*\n\s*)|(.))/gs,
    (_, short, long, folded, one) => {
      if (short ?? long) return String.fromCodePoint(Number.parseInt(short ?? long, 16))
      if (folded !== undefined) return ''
      return escapes[one] ?? fail(`"\\${one}" is no escape`)
    },
  )
}

function readEntry(table: TomlTable, reader: Reader): void {
  const line = reader.line()
  const keys = reader.readKeys()
  reader.expect('=')
  const owner = openTable(table, keys.slice(0, -1), reader)
  const key = keys.at(-1) ?? ''
  if (owner.entries.has(key)) reader.fail(`"${key}" is there twice`)
  owner.entries.set(key, { line, value: readValue(reader) })
}

const STRING = /"""(?:[^\\]|\\[\s\S])*?"""|'''[\s\S]*?'''|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'/y
const NUMBER =
  /[+-]?(?:0x[0-9A-Fa-f_]+|0o[0-7_]+|0b[01_]+|[0-9][0-9_]*(?:\.[0-9_]+)?(?:[eE][+-]?[0-9]+)?)(?![-:0-9A-Za-z])/y

function readValue(reader: Reader): TomlValue {
  const quoted = reader.match(STRING)
  if (quoted !== undefined) return unquote(quoted, reader.fail)
  if (reader.take('[')) return readArray(reader)
  if (reader.take('{')) return readInlineTable(reader)
  const word = reader.match(/(?:true|false)\b/y)
  if (word) return word === 'true'
  const number = reader.match(NUMBER)
  if (number !== undefined) return Number(number.replaceAll('_', ''))
  return reader.fail('this value is neither text, number, true, false, list nor table')
}

function readArray(reader: Reader): TomlValue[] {
  const values: TomlValue[] = []
  reader.skipLines()
  while (!reader.take(']')) {
    values.push(readValue(reader))
    reader.skipLines()
    if (!reader.take(',')) {
      reader.expect(']')
      return values
    }
    reader.skipLines()
  }
  return values
}

function readInlineTable(reader: Reader): TomlTable {
  const table: TomlTable = { line: reader.line(), entries: new Map() }
  if (reader.take('}')) return table
  do {
    readEntry(table, reader)
    reader.match(/[ \t]*/y)
  } while (reader.take(','))
  reader.expect('}')
  return table
}

/** Goes down, making tables on the way; of a list of tables the last one is meant. */
function openTable(from: TomlTable, keys: readonly string[], reader: Reader): TomlTable {
  let table = from
  for (const key of keys) {
    const found = table.entries.get(key)?.value
    const next = Array.isArray(found) ? found.at(-1) : found
    if (next !== undefined && !isTable(next)) reader.fail(`"${key}" is no table`)
    const child: TomlTable = isTable(next) ? next : { line: reader.line(), entries: new Map() }
    if (next === undefined) table.entries.set(key, { line: child.line, value: child })
    table = child
  }
  return table
}

function openElement(root: TomlTable, keys: readonly string[], reader: Reader): TomlTable {
  const owner = openTable(root, keys.slice(0, -1), reader)
  const key = keys.at(-1) ?? ''
  const line = reader.line()
  const entry = owner.entries.get(key) ?? { line, value: [] }
  owner.entries.set(key, entry)
  if (!Array.isArray(entry.value)) return reader.fail(`"${key}" is no list of tables`)
  const element: TomlTable = { line, entries: new Map() }
  entry.value.push(element)
  return element
}
