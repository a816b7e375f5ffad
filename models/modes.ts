/** Operating modes: how a machine's mode is written, when a row belongs to it, and what a model's manifest says of them. */
import { type Static, Type } from 'typebox'

/** More than this are no modes of a machine, but a measurement. */
export const MAX_MODES = 32
/** For so many rows after a change a row may still hold values of before: as many periods as a value is held on. */
export const SETTLE_ROWS = 3
/** A state is repeated by the minute while it rests; three of these missing, and nobody knows the mode any more. */
const MIN_HOLD_MS = 180_000

const closed = { additionalProperties: false }
/** Longer words are the same mode when they begin alike. */
const MAX_LENGTH = 256
const Value = Type.String({ minLength: 1, maxLength: MAX_LENGTH })
const Rows = Type.Integer({ minimum: 0 })
const Sha256 = Type.String({ pattern: '^[0-9a-f]{64}$' })

/** In the manifest of a folder: its own model is that of the first mode; the others lie in folders inside of it. */
export const ModesSchema = Type.Object(
  {
    /** The tag whose value is the mode. */
    tag: Type.String({ minLength: 1, maxLength: 256 }),
    /** A value of it older than this is none. */
    holdMs: Type.Number({ exclusiveMinimum: 0 }),
    /** The mode with the most rows first. */
    known: Type.Array(
      Type.Object(
        {
          value: Value,
          rows: Rows,
          threshold: Type.Number({ exclusiveMinimum: 0 }),
          /** Left out for the first. */
          folder: Type.Optional(Type.String({ pattern: '^modes/[0-9]{1,2}$' })),
          /** SHA-256 of the manifest in that folder, which has the hash of its model. */
          manifest: Type.Optional(Sha256),
        },
        closed,
      ),
      { minItems: 1, maxItems: MAX_MODES },
    ),
    /** Seen, with too few rows to learn from. */
    tooFew: Type.Array(Type.Object({ value: Value, rows: Rows }, closed), { maxItems: MAX_MODES }),
  },
  closed,
)
export type Modes = Static<typeof ModesSchema>

/** How long the mode holds without a word. */
export function holdMsOf(periodMs: number): number {
  return Math.max(SETTLE_ROWS * periodMs, MIN_HOLD_MS)
}

/** The same mode is written the same wherever it comes from: `2`, `2.0` and "2" are `2`, true is `1`; '' says nothing. */
export function formatMode(value: unknown): string {
  if (value === null || value === undefined) return ''
  const text = String(value).trim().slice(0, MAX_LENGTH)
  if (/^true$/i.test(text)) return '1'
  if (/^false$/i.test(text)) return '0'
  const number = Number(text)
  return text === '' || !Number.isFinite(number) ? (text === 'NaN' ? '' : text) : String(number + 0)
}

/** What is remembered of the mode from row to row. */
export interface ModeState {
  mode?: string
  /** For so many rows it has been this one. */
  rows: number
}
export const noMode: ModeState = { rows: 0 }

/** One grid row on; `mode` undefined where it is not known. */
export function nextMode(state: ModeState, mode: string | undefined): ModeState {
  return { mode, rows: mode === state.mode ? state.rows + 1 : 1 }
}

/** Whether the row belongs to its mode: nothing in it can be from before the change. */
export function isSettled({ mode, rows }: ModeState): boolean {
  return mode !== undefined && rows > SETTLE_ROWS
}

/** Whether a window is of the mode that the folder's own model is of; a model that knows no modes is of all operation. */
export function isMainMode(modes: Modes | undefined, mode: string | undefined): boolean {
  return modes === undefined || modes.known[0]?.value === mode
}

export function describeUnlearned(mode: string): string {
  return `mode "${mode}" was never learned`
}
