/** What the four answers to DLE EOT say, bit by bit (Epson's ESC/POS real-time status). */
import type { Value } from '../../../protocol/model.ts'

/** The n of `DLE EOT n`: printer, cause of being off line, cause of the error, roll paper. */
export type StatusKind = 1 | 2 | 3 | 4

interface Field {
  kind: StatusKind
  mask: number
  /** What the mask's bits mean when any of them is set. */
  set: boolean
}

export const fields = {
  online: { kind: 1, mask: 0x08, set: false },
  drawerOpen: { kind: 1, mask: 0x04, set: true },
  waitingForOnline: { kind: 1, mask: 0x20, set: true },
  coverOpen: { kind: 2, mask: 0x04, set: true },
  feeding: { kind: 2, mask: 0x08, set: true },
  paperEndStop: { kind: 2, mask: 0x20, set: true },
  error: { kind: 2, mask: 0x40, set: true },
  mechanicalError: { kind: 3, mask: 0x04, set: true },
  cutterError: { kind: 3, mask: 0x08, set: true },
  unrecoverableError: { kind: 3, mask: 0x20, set: true },
  selfRecoveringError: { kind: 3, mask: 0x40, set: true },
  paperNearEnd: { kind: 4, mask: 0x0c, set: true },
  paperEnd: { kind: 4, mask: 0x60, set: true },
} as const satisfies Record<string, Field>

export type FieldName = keyof typeof fields
export const fieldNames = Object.keys(fields) as readonly FieldName[]

export function isFieldName(name: unknown): name is FieldName {
  return typeof name === 'string' && Object.hasOwn(fields, name)
}

/** The request for one status. */
export function encodeStatusRequest(kind: StatusKind): Buffer {
  return Buffer.of(0x10, 0x04, kind)
}

/** Bits 1 and 4 are always one, 0 and 7 always zero: anything else is no answer to DLE EOT. */
export function isStatusByte(byte: number): boolean {
  return (byte & 0x93) === 0x12
}

/** The value of a field in the answer of its kind. */
export function decodeField(name: FieldName, byte: number): Value {
  const field = fields[name]
  return ((byte & field.mask) !== 0) === field.set
}
