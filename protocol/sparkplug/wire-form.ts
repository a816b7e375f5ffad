/** How the values of a declared metric travel: worked out when it is declared, not sample by sample. */
import type { DataType, Sample } from '../model.ts'
import { boundsOf } from './values.ts'

export interface WireForm {
  alias: number
  type: DataType
  /** A number between these, whole where it must be, is written as it stands. */
  low: number
  high: number
  isWhole: boolean
}

export function createWireForm(alias: number, type: DataType): WireForm {
  return { alias, type, ...boundsOf(type) }
}

/** True for nearly every value; the others are looked at more closely. */
export function isPlain(value: Sample['value'], { low, high, isWhole }: WireForm): value is number {
  if (typeof value !== 'number' || !(value >= low && value <= high)) return false
  return !isWhole || Number.isInteger(value)
}

/** Samples of one device and their forms, side by side. */
export interface DataPart {
  /** Their values fit the types of their forms. */
  samples: readonly Sample[]
  forms: readonly WireForm[]
  historical: boolean
}
