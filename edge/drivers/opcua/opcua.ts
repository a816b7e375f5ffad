/** OPC UA client: what the registry loads; the library itself is imported at the first connect. */
import type { Driver, DriverContext } from '../driver.ts'
import type { BrowsedServer, BrowseOptions } from './browse.ts'
import type { OpcuaOptions } from './options.ts'

export { addressSchema, groupSchema, lintTag } from './address.ts'
export { optionsSchema } from './options.ts'

export const canSubscribe = true

/** A driver for one OPC UA server. */
export function createDriver(options: OpcuaOptions, context: DriverContext): Driver {
  const memory = { told: new Set<string>() }
  return {
    async connect(signal) {
      const { openConnection } = await import('./connection.ts')
      return await openConnection({ options, context, memory }, signal)
    },
  }
}

/** The name of a status code; its lower half says more of the value than of its quality. */
export async function sayStatus(status: number): Promise<string | undefined> {
  const { StatusCodes } = await import('node-opcua-client')
  const code = (status & 0xffff0000) >>> 0
  return Object.values(StatusCodes).find(({ value }) => value === code)?.name
}

/** Looks through a server for `mimamori edge browse`; see `browse.ts`. */
export async function browse(
  endpoint: string,
  options: BrowseOptions,
  signal: AbortSignal,
): Promise<BrowsedServer> {
  const { browseServer } = await import('./browse.ts')
  return await browseServer(endpoint, options, signal)
}
