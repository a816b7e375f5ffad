/** Property sets and metadata of a metric, as plain objects. */
import type { Value } from '../model.ts'
import type {
  Payload_MetaData,
  Payload_PropertySet,
  Payload_PropertyValue,
} from './generated/sparkplug_b_pb.js'
import { typeOf, typeValue } from './values.ts'
import { invalid } from './wire-guard.ts'

/** A map, not an object: the keys come from outside. */
export type PropertySet = ReadonlyMap<string, Property>
export type Property = Value | null | PropertySet | PropertySet[]

export interface MetaData {
  isMultiPart?: boolean
  contentType?: string
  size?: number
  seq?: number
  fileName?: string
  fileType?: string
  md5?: string
  description?: string
}

/** Throws Fault 'sparkplug.invalid' when keys and values are not the same in number, or a value is not of its type. */
export function readPropertySet(wire: Payload_PropertySet, index: number): PropertySet {
  checkSizes(wire, index)
  const { keys, values } = wire
  const pairs = values.map((value, at) => [keys[at] ?? '', readProperty(value, index)] as const)
  return new Map(pairs)
}

/** tck-id-payloads-propertyset-keys-array-size, tck-id-payloads-propertyset-values-array-size. */
export function checkSizes({ keys, values }: Payload_PropertySet, index: number): void {
  if (keys.length !== values.length) {
    throw invalid(`${keys.length} property keys for ${values.length} values`, index)
  }
}

function readProperty(wire: Payload_PropertyValue, index: number): Property {
  const { value } = wire
  if (wire.isNull || value.case === undefined || value.case === 'extensionValue') return null
  if (value.case === 'propertysetValue') return readPropertySet(value.value, index)
  if (value.case === 'propertysetsValue') {
    return value.value.propertyset.map((set) => readPropertySet(set, index))
  }
  const type = Object.hasOwn(wire, 'type') ? typeOf(wire.type) : undefined
  if (type === undefined) return value.value
  const typed = typeValue(value.value, type)
  if (typed === undefined) throw invalid(`a property that is not ${type}`, index)
  return typed
}

const fields = [
  ...(['isMultiPart', 'contentType', 'size', 'seq'] as const),
  ...(['fileName', 'fileType', 'md5', 'description'] as const),
] as const

/** Only what was sent. */
export function readMetaData(wire: Payload_MetaData): MetaData {
  const sent = fields.filter((field) => Object.hasOwn(wire, field))
  const plain = (value: unknown) => (typeof value === 'bigint' ? Number(value) : value)
  return Object.fromEntries(sent.map((field) => [field, plain(wire[field])])) as MetaData
}
