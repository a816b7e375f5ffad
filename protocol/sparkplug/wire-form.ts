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
export interface SamplePart {
  /** Their values fit the types of their forms. */
  samples: readonly Sample[]
  forms: readonly WireForm[]
}

/** Good numbers of one instant: each value is written as it stands, in the form at its place. */
export interface RowPart {
  /** Unix ms. */
  at: number
  places: Int32Array
  values: Float64Array
  forms: FormColumns
}

/** The forms of a list of tags, in columns. */
export interface FormColumns {
  aliases: Float64Array
  lows: Float64Array
  highs: Float64Array
  isWhole: Uint8Array
  isFloat: Uint8Array
}

export type DataPart = SamplePart | RowPart

/** What one DDATA tells. */
export interface DataMessage {
  parts: readonly DataPart[]
  historical: boolean
}

export function createFormColumns(forms: readonly WireForm[]): FormColumns {
  return {
    aliases: Float64Array.from(forms, ({ alias }) => alias),
    lows: Float64Array.from(forms, ({ low }) => low),
    highs: Float64Array.from(forms, ({ high }) => high),
    isWhole: Uint8Array.from(forms, ({ isWhole }) => Number(isWhole)),
    isFloat: Uint8Array.from(forms, ({ type }) => Number(type === 'Float')),
  }
}

/** `isPlain` of all of them. */
export function areAllPlain({ places, values, forms }: Omit<RowPart, 'at'>): boolean {
  const { lows, highs, isWhole } = forms
  for (let i = 0; i < values.length; i++) {
    const place = places[i] as number
    const value = values[i] as number
    if (!(value >= (lows[place] as number) && value <= (highs[place] as number))) return false
    if (isWhole[place] === 1 && !Number.isInteger(value)) return false
  }
  return true
}
