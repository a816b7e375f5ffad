/** What a schema refuses of a value, in words a person can act on. */
import type { TSchema } from 'typebox'
import { nearest } from './nearest.ts'

/** As the library tells it. */
export interface SchemaError {
  keyword: string
  schemaPath: string
  instancePath: string
  params: Record<string, unknown>
  message: string
}

export interface Examined {
  schema: TSchema
  value: unknown
  all: readonly SchemaError[]
}

/** The sentence of an error; undefined where another one tells it. */
export function describeError(error: SchemaError, examined: Examined): string | undefined {
  // One branch of a union: the union itself reports once.
  if (examined.all.some((other) => isBranch(error, other))) return undefined
  switch (error.keyword) {
    case 'additionalProperties':
      return undefined // each unknown key is reported by itself, as 'boolean'
    case 'boolean':
      return unknownKey(error, examined.schema)
    case 'required': {
      const missing = error.params.requiredProperties as string[]
      return missing.map((key) => `"${key}" is missing`).join(', ')
    }
    case 'const':
      return `must be ${JSON.stringify(error.params.allowedValue)}`
    case 'anyOf':
      return describeUnion(error, examined)
    case 'pattern':
      return `${error.message}${sayMeaning(error, examined.schema)}`
    default:
      return error.message
  }
}

/** True where the error is a branch's word on the very value that the union has judged. */
function isBranch(error: SchemaError, union: SchemaError): boolean {
  return (
    union.keyword === 'anyOf' &&
    union.instancePath === error.instancePath &&
    error.schemaPath.startsWith(`${union.schemaPath}/anyOf/`)
  )
}

function describeUnion(error: SchemaError, { schema, value, all }: Examined): string {
  const allowed = all
    .filter((it) => it.keyword === 'const' && isBranch(it, error))
    .map(({ params }) => params.allowedValue)
  const given = resolvePointer(value, error.instancePath)
  if (allowed.length === 0) {
    return `${JSON.stringify(given)} does not fit${sayMeaning(error, schema)}`
  }
  const near = typeof given === 'string' ? nearest(given, allowed.map(String)) : undefined
  const hint = near === undefined ? '' : `; did you mean "${near}"?`
  return `must be one of ${allowed.map((it) => JSON.stringify(it)).join(', ')}${hint}`
}

/** What the schema says the value is for: a pattern alone tells few people what to write. */
function sayMeaning({ schemaPath }: SchemaError, schema: TSchema): string {
  const { description } = (resolvePointer(schema, schemaPath) ?? {}) as { description?: string }
  return description === undefined ? '' : `: ${description}`
}

function unknownKey(error: SchemaError, schema: TSchema): string {
  const key = pointerToPath(error.instancePath).at(-1)
  const owner = resolvePointer(schema, error.schemaPath.replace(/\/additionalProperties$/, ''))
  const known = Object.keys((owner as { properties?: object })?.properties ?? {})
  const near = nearest(String(key), known)
  return near
    ? `unknown key, did you mean "${near}"?`
    : `unknown key; known are ${known.join(', ')}`
}

function resolvePointer(root: unknown, pointer: string): unknown {
  let node = root
  for (const part of pointerToPath(pointer.replace(/^#/, ''))) {
    node = (node as Record<string, unknown> | undefined)?.[String(part)]
  }
  return node
}

/** The path of a JSON pointer. */
export function pointerToPath(pointer: string): (string | number)[] {
  return pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part))
}
