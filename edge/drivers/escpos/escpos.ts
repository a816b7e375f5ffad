/** ESC/POS receipt printers: real-time status over TCP 9100, without holding the port between two polls. */
import { type Static, Type } from 'typebox'
import { quality, type Sample, type Tag } from '../../../protocol/model.ts'
import type { Connection, Driver, DriverContext } from '../driver.ts'
import { type Answers, askStatus } from './exchange.ts'
import { createSilence, type Silence } from './silence.ts'
import { decodeField, fieldNames, fields, isFieldName, type StatusKind } from './status-bytes.ts'

export const optionsSchema = Type.Object(
  {
    host: Type.String({ minLength: 1, description: 'Name or IP address of the printer.' }),
    port: Type.Integer({ minimum: 1, maximum: 65_535, default: 9100, description: 'TCP port.' }),
    timeoutMs: Type.Integer({
      minimum: 50,
      maximum: 60_000,
      default: 3000,
      description: 'For connecting and for each answer.',
    }),
  },
  { additionalProperties: false },
)
export type EscposOptions = Static<typeof optionsSchema>

export const addressSchema = Type.Object(
  {
    field: Type.Union(
      fieldNames.map((name) => Type.Literal(name)),
      { description: 'What of the printer status this tag is; all are Boolean.' },
    ),
  },
  { additionalProperties: false },
)

/** `status` of the bad samples, so that the reason can be told from afar. */
export const escposStatus = { busy: 1, unanswered: 2, unknownField: 3 } as const

/** In words. */
export function sayStatus(status: number): string | undefined {
  if (status === escposStatus.busy) return 'another host holds the printer'
  if (status === escposStatus.unanswered) return 'the printer does not answer this kind of question'
  return status === escposStatus.unknownField ? 'there is no such field' : undefined
}

/** Why this tag cannot be; undefined when it can. */
export function lintTag(tag: Tag): string | undefined {
  return tag.type === 'Boolean' ? undefined : 'printer status is Boolean'
}

/** A driver for one printer. */
export function createDriver(options: EscposOptions, _context: DriverContext): Driver {
  return {
    async connect(signal) {
      await askStatus([1], options, signal)
      return createConnection(options)
    },
  }
}

/** Holds nothing open; visits wait for each other, or we would find the port taken by ourselves. */
function createConnection(options: EscposOptions): Connection {
  const closing = new AbortController()
  const silence = createSilence()
  let tail: Promise<unknown> = Promise.resolve()
  return {
    read(tags, signal) {
      const visit = tail.then(() =>
        readTags(tags, { options, silence }, AbortSignal.any([signal, closing.signal])),
      )
      tail = visit.catch(() => {})
      return visit
    },
    async [Symbol.asyncDispose]() {
      closing.abort()
      await tail
    },
  }
}

async function readTags(
  tags: readonly Tag[],
  { options, silence }: { options: EscposOptions; silence: Silence },
  signal: AbortSignal,
): Promise<Sample[]> {
  const kinds = new Set<StatusKind>()
  for (const { address } of tags) {
    if (isFieldName(address.field)) kinds.add(fields[address.field].kind)
  }
  const asked = silence.order([...kinds].sort(), performance.now())
  // The state of the printer itself is always answered: one visit at least says whether it is there.
  const answers = await askStatus(asked.length === 0 ? [1] : asked, options, signal)
  if (!answers.busy) silence.note(answers, performance.now())
  const at = Date.now()
  return tags.map((tag) => createSample(tag, at, answers))
}

function createSample(tag: Tag, at: number, answers: Answers): Sample {
  const bad = (status: number): Sample => {
    return { tag: tag.id, at, value: null, quality: quality.bad, status }
  }
  const { field } = tag.address
  if (!isFieldName(field)) return bad(escposStatus.unknownField)
  if (answers.busy) return bad(escposStatus.busy)
  const byte = answers.bytes.get(fields[field].kind)
  if (byte === undefined) return bad(escposStatus.unanswered)
  return { tag: tag.id, at, value: decodeField(field, byte), quality: quality.good }
}
