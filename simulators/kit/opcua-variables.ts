/** One device object in an OPC UA address space: variables with units and ranges, set and watched by name. */
import {
  type AddressSpace,
  coerceStatusCode,
  type EUInformation,
  makeEUInformation,
  type Namespace,
  StatusCodes,
  standardUnits,
  type UAObject,
  type UAVariable,
} from 'node-opcua'
import type { DataType, Value } from '../../protocol/model.ts'
import { fromVariant, toVariant, uaTypes } from './opcua-values.ts'

export interface OpcuaVariable {
  name: string
  type: DataType
  initial: Value
  /** Short display name, e.g. `bar`; makes the variable an AnalogItem. */
  unit?: string
  /** EURange; makes the variable an AnalogItem. */
  range?: readonly [low: number, high: number]
  /** Clients may write it. */
  writable?: boolean
  description?: string
}

export interface SetOptions {
  /** Source timestamp, Unix ms; now when left out. */
  at?: number
  /** Raw OPC UA StatusCode; Good when left out. */
  statusCode?: number
}

export interface DeviceOptions {
  namespaceUri: string
  device: string
  variables: readonly OpcuaVariable[]
}

/** What a simulator builds on: the address space, its own namespace and the one object. */
export interface DeviceParts {
  space: AddressSpace
  namespace: Namespace
  object: UAObject
}

export interface DeviceVariables {
  readonly namespaceIndex: number
  readonly parts: DeviceParts
  set(name: string, value: Value, options?: SetOptions): void
  get(name: string): Value
  onWrite(callback: WriteCallback): void
}

export type WriteCallback = (name: string, value: Value) => void

/** Units with a UNECE code; any other gets a code made of its name by node-opcua. */
const knownUnits: Readonly<Record<string, EUInformation>> = {
  bar: standardUnits.bar,
  '°C': standardUnits.degree_celsius,
  W: standardUnits.watt,
  kW: standardUnits.kilowatt,
  '%': standardUnits.percent,
  s: standardUnits.second,
}

/** Adds the object under Objects and gives access to its variables by name. */
export function addDevice(space: AddressSpace, options: DeviceOptions): DeviceVariables {
  const namespace = space.registerNamespace(options.namespaceUri)
  const object = namespace.addObject({
    organizedBy: space.rootFolder.objects,
    browseName: options.device,
    nodeId: `s=${options.device}`,
  })
  const nodes = new Map<string, { node: UAVariable; type: DataType }>()
  const callbacks: WriteCallback[] = []
  let isOurs = false
  for (const variable of options.variables) {
    const stuff = { ...nodeOptions(options.device, variable), componentOf: object }
    const node = isAnalog(variable)
      ? namespace.addAnalogDataItem({ ...stuff, ...analogOptions(variable) })
      : namespace.addVariable(stuff)
    node.setValueFromSource(toVariant(variable.type, variable.initial))
    node.on('value_changed', (dataValue) => {
      // The server's own set() raises the same event as a client's write.
      if (isOurs) return
      const value = fromVariant(variable.type, dataValue.value.value)
      for (const callback of callbacks) callback(variable.name, value)
    })
    nodes.set(variable.name, { node, type: variable.type })
  }
  const find = (name: string) => {
    const found = nodes.get(name)
    if (!found) throw new RangeError(`${options.device} has no variable ${name}`)
    return found
  }
  return {
    namespaceIndex: namespace.index,
    parts: { space, namespace, object },
    set(name, value, { at, statusCode } = {}) {
      const { node, type } = find(name)
      const status = statusCode === undefined ? StatusCodes.Good : coerceStatusCode(statusCode)
      const sourceTime = new Date(at ?? Date.now())
      isOurs = true
      try {
        node.setValueFromSource(toVariant(type, value), status, sourceTime)
      } finally {
        isOurs = false
      }
    },
    get(name) {
      const { node, type } = find(name)
      return fromVariant(type, node.readValue().value.value)
    },
    onWrite: (callback) => void callbacks.push(callback),
  }
}

function isAnalog({ unit, range }: OpcuaVariable): boolean {
  return unit !== undefined || range !== undefined
}

function nodeOptions(device: string, variable: OpcuaVariable) {
  const access = variable.writable ? 'CurrentRead | CurrentWrite' : 'CurrentRead'
  return {
    browseName: variable.name,
    nodeId: `s=${device}.${variable.name}`,
    description: variable.description ?? '',
    dataType: uaTypes[variable.type],
    accessLevel: access,
    userAccessLevel: access,
    // 0: the server reports every change by exception instead of sampling.
    minimumSamplingInterval: 0,
  }
}

/** AnalogItemType demands a range, so one without bounds says the widest float. */
function analogOptions({ unit, range = [-3.4e38, 3.4e38] }: OpcuaVariable) {
  const engineeringUnits = unit && (knownUnits[unit] ?? makeEUInformation(unit, unit, unit))
  return {
    ...(engineeringUnits ? { engineeringUnits } : {}),
    engineeringUnitsRange: { low: range[0], high: range[1] },
  }
}
