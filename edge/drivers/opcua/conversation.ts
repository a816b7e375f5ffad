/** What every service of one session needs: the session, its end, its deadlines and its nodes. */
import type { ClientSession } from 'node-opcua-client'
import type { DriverContext } from '../driver.ts'
import type { OpcuaOptions } from './options.ts'
import type { NodeResolver } from './resolver.ts'
import type { PartSizes } from './service-limits.ts'

/** What a device remembers from one connection to the next. */
export interface DriverMemory {
  /** A session the server may still hold: the line broke before it could be closed. */
  leftSession?: ClientSession
  /** What has been said; it is not said again after a reconnect. */
  told: Set<string>
}

export interface SessionRequest {
  options: OpcuaOptions
  context: DriverContext
  memory: DriverMemory
}

export interface Conversation extends SessionRequest {
  session: ClientSession
  /** Of this session: the index of a namespace may change when the server restarts. */
  namespaces: readonly string[]
  nodes: NodeResolver
  /** How much one request may hold; learned from the server's refusals. */
  sizes: PartSizes
  /** Ids of tags whose node the server does not know now. */
  missing: Set<string>
  /** Rejects when the line or the session is gone; never resolves. */
  lost: Promise<never>
  /** When the server sent its newest answer, Unix ms by its own clock. */
  answeredAt(): number
  /** Puts our deadline on a call of the library, and the end of the line, whichever comes first. */
  call<T>(promise: Promise<T>, signal: AbortSignal): Promise<T>
}
