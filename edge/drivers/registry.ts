/** The drivers by name; one is imported when a device of the configuration first asks for it. */
import type { TObject } from 'typebox'
import { nearest } from '../../protocol/kit/nearest.ts'
import type { Tag } from '../../protocol/model.ts'
import type { Driver, DriverContext } from './driver.ts'

/** What every driver's main file exports. */
export interface DriverModule {
  /** The device's connection options, beside `id`, `driver` and `groups`. */
  readonly optionsSchema: TObject
  /** A tag's address, beside `name`, `type`, `unit`, `scale` and the like. */
  readonly addressSchema: TObject
  /** Of the address, what a group may say for all its tags; a tag's own word counts. */
  readonly groupSchema?: TObject
  /** True when its connections can `subscribe`; a group of mode `subscribe` needs it. */
  readonly canSubscribe?: boolean
  /** What a schema cannot say: why this tag can never be read; undefined when it can. */
  lintTag?(tag: Tag): string | undefined
  /** The same for the device's options together: which of them cannot go with which. */
  lintOptions?(options: Record<string, unknown>): string | undefined
  /** What the `status` of a sample means, for people; undefined for what the protocol does not know. */
  sayStatus?(status: number): string | undefined | Promise<string | undefined>
  /** Keeps the options and does nothing else. They must have passed the schema, defaults filled in. */
  createDriver(options: Record<string, unknown>, context: DriverContext): Driver
}

/** Imported lazily: node-opcua-client alone costs 0.6 s and 135 MB. */
const loaders = {
  escpos: () => import('./escpos/escpos.ts'),
  modbus: () => import('./modbus/modbus.ts'),
  opcua: () => import('./opcua/opcua.ts'),
} as const satisfies Record<string, () => Promise<DriverModule>>

export type DriverName = keyof typeof loaders

export const driverNames = Object.keys(loaders) as readonly DriverName[]

/** True for the name of a driver that exists. */
export function isDriverName(name: unknown): name is DriverName {
  return typeof name === 'string' && Object.hasOwn(loaders, name)
}

/** Why this is the name of none. */
export function sayUnknownDriver(name: unknown): string {
  if (name === undefined) return `"driver" is missing; known are ${driverNames.join(', ')}`
  if (typeof name !== 'string') return `"driver" is no name; known are ${driverNames.join(', ')}`
  const near = nearest(name, driverNames)
  const hint = near ? `did you mean "${near}"?` : `known are ${driverNames.join(', ')}`
  return `unknown driver "${name}", ${hint}`
}

/** Imports a driver; the second call gives the same module. */
export async function loadDriver(name: DriverName): Promise<DriverModule> {
  return await loaders[name]()
}
