/** Reading a YAML configuration: every problem at once, each with file, line, path and a suggestion. */
import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Static, TSchema } from 'typebox'
import { Settings } from 'typebox/system'
import { Default, Errors } from 'typebox/value'
import { type Document, isNode, LineCounter, parseDocument, visit } from 'yaml'
import { describeError, pointerToPath } from './describe-error.ts'
import { Fault } from './fault.ts'

export type Path = readonly (string | number)[]

/** One thing that is wrong with a configuration. */
export interface ConfigProblem {
  path: Path
  say: string
  /** It works, but not as well as it should: told, and no reason to refuse the file. */
  isWarning?: true
}

/** A parsed file that still knows its lines. */
export interface SourceDocument {
  file: string
  text: string
  value: unknown
  /** 1-based line of the nearest node on that path. */
  lineOf(path: Path): number
}

/** Larger files are no configuration: refuse before parsing. */
const MAX_CONFIG_BYTES = 5_000_000
/** More aliases than this is a YAML bomb. */
const MAX_ALIASES = 100

/** The library stops at eight by itself; a union of twelve names alone makes thirteen. */
const MAX_ERRORS = 2_000
Settings.Set({ maxErrors: MAX_ERRORS })

/** Reads and parses a YAML (or JSON) file. Throws Fault 'config.unreadable' or 'config.invalid'. */
export async function readConfigFile(file: string): Promise<SourceDocument> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw new Fault('config.unreadable', { file }, { cause: error })
  }
  return parseConfig(text, basename(file))
}

/** Parses YAML text. Throws Fault 'config.invalid' with the line of each syntax error. */
export function parseConfig(text: string, file: string): SourceDocument {
  const parsed = parseSource(text, file)
  if ('source' in parsed) return parsed.source
  throw configFault(
    parsed.errors.map(({ line, say }) =>
      line === undefined ? `${file}: ${say}` : `${file}:${line} ${say}`,
    ),
  )
}

/** What stops YAML text from being read at all; without a line it is the text as a whole. */
export interface SyntaxProblem {
  line?: number
  say: string
}

/** The same as a value: the document, or all its syntax errors. */
export function parseSource(
  text: string,
  file: string,
): { source: SourceDocument } | { errors: SyntaxProblem[] } {
  if (text.length > MAX_CONFIG_BYTES) {
    return { errors: [{ say: `larger than ${MAX_CONFIG_BYTES} bytes, this is no configuration` }] }
  }
  const tree = parseTree(text)
  const { document, lines } = tree
  const wrong = [
    ...document.errors.map(({ pos, message }) => ({ at: pos[0], say: message })),
    ...findZeros(document),
  ]
  if (wrong.length > 0) {
    return { errors: wrong.map(({ at, say }) => ({ line: lines.linePos(at).line, say })) }
  }
  try {
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES })
    return { source: { file, text, value, lineOf: createLineFinder(text, tree) } }
  } catch (error) {
    return { errors: [{ say: error instanceof Error ? error.message : 'cannot be read' }] }
  }
}

/** `030001` is a number to YAML and something else to a person: a coil is not an input register. */
function findZeros(document: Document): { at: number; say: string }[] {
  const found: { at: number; say: string }[] = []
  visit(document, {
    Scalar(_, { value, source = '', range }) {
      if (typeof value !== 'number' || !/^[-+]?0[0-9]/.test(source)) return
      const say = `${source} would be read as ${value}: write "${source}" in quotes, or the number without its zeros`
      found.push({ at: range?.[0] ?? 0, say })
    },
  })
  return found
}

interface Tree {
  document: Document
  lines: LineCounter
}

function parseTree(text: string): Tree {
  const lines = new LineCounter()
  return { document: parseDocument(text, { lineCounter: lines, prettyErrors: false }), lines }
}

/** A configuration is kept for years and its lines are asked for in the first second: the tree, many times the text, may go. */
function createLineFinder(text: string, tree: Tree): SourceDocument['lineOf'] {
  let kept = new WeakRef(tree)
  return (path) => {
    const known = kept.deref() ?? parseTree(text)
    kept = new WeakRef(known)
    return findLine(known, path)
  }
}

function findLine({ document, lines }: Tree, path: Path): number {
  for (let length = path.length; length > 0; length--) {
    const keyed = keyPosition(document, path.slice(0, length))
    if (keyed !== undefined) return lines.linePos(keyed).line
  }
  return 1
}

function keyPosition(document: Document, path: Path): number | undefined {
  const parent = document.getIn(path.slice(0, -1), true)
  const last = path.at(-1)
  if (typeof last === 'string' && isNode(parent) && 'items' in parent) {
    for (const pair of parent.items as { key?: { value?: unknown; range?: number[] } }[]) {
      if (pair.key?.value === last) return pair.key.range?.[0]
    }
  }
  const node = document.getIn(path, true)
  return isNode(node) ? node.range?.[0] : undefined
}

/** Everything in `value` that the schema refuses, as sentences. Unknown keys get a suggestion. */
export function findProblems(schema: TSchema, value: unknown, base: Path = []): ConfigProblem[] {
  const all = Errors(schema, value)
  return all.flatMap((error) => {
    const path = [...base, ...pointerToPath(error.instancePath)]
    const say = describeError(error, { schema, value, all })
    return say ? [{ path, say }] : []
  })
}

/** `devices[0].tags[3].unti` */
export function formatPath(path: Path): string {
  return path
    .map((part, index) =>
      typeof part === 'number' ? `[${part}]` : index === 0 ? part : `.${part}`,
    )
    .join('')
}

/** Checks the document; answers the value with defaults filled in, or throws Fault 'config.invalid'. */
export function checkConfig<S extends TSchema>(
  source: SourceDocument,
  schema: S,
  lint: (value: Static<S>) => ConfigProblem[] = () => [],
): Static<S> {
  const { value, problems } = examineConfig(source, schema)
  if (problems.length === 0) problems.push(...lint(value as Static<S>))
  if (problems.length > 0) throw configFault(problems.map((p) => formatProblem(source, p)))
  return value as Static<S>
}

/** The value with defaults filled in, and all that the schema refuses of it: only without problems is it what it says. */
export function examineConfig(
  source: SourceDocument,
  schema: TSchema,
): { value: unknown; problems: ConfigProblem[] } {
  const value = Default(schema, structuredClone(source.value ?? {}))
  return { value, problems: findProblems(schema, value) }
}

/** `gateway.yaml:12 devices[0].tags[3].unti: unknown key, did you mean "unit"?` */
export function formatProblem(source: SourceDocument, { path, say }: ConfigProblem): string {
  const where = path.length > 0 ? ` ${formatPath(path)}:` : ':'
  return `${source.file}:${source.lineOf(path)}${where} ${say}`
}

/** The fault that carries all sentences, one a line, in its detail. */
export function configFault(sentences: readonly string[]): Fault {
  return new Fault('config.invalid', { count: sentences.length, problems: sentences.join('\n') })
}
