/** `mimamori edge browse`: the variables of an OPC UA server as ready configuration. */
import { resolve } from 'node:path'
import { Fault } from '../../protocol/kit/fault.ts'
import { nearest } from '../../protocol/kit/nearest.ts'
import { NODE_ID_PATTERN } from '../drivers/opcua/address.ts'
import { browse, optionsSchema } from '../drivers/opcua/opcua.ts'
import type { OpcuaOptions } from '../drivers/opcua/options.ts'
import { formatBrowse } from './format-found.ts'

export interface BrowseCommand {
  /** Folder for our key and for certificates that are not trusted yet. */
  state: string
  security?: string
  trust?: readonly string[]
  user?: string
  root?: string
  maxNodes?: number
}

export interface Browsed {
  /** YAML; empty when no variable was found. */
  config: string
  /** What was looked at and left, for a person. */
  report: string
}

const NODE_ID = new RegExp(NODE_ID_PATTERN)

/** The password comes from here, so that it stands in no list of processes. */
const PASSWORD = 'MIMAMORI_OPCUA_PASSWORD'

/** Throws what the driver's connect throws: an unknown certificate is 'opcua.untrusted', naming its file. */
export async function browseOpcua(
  endpoint: string,
  command: BrowseCommand,
  signal: AbortSignal,
): Promise<Browsed> {
  const { state, security, trust, user, root, maxNodes } = command
  if (!/^opc\.tcp:\/\/[^/\s]+/.test(endpoint)) {
    throw refuse(`"${endpoint}": write opc.tcp://HOST:PORT, e.g. opc.tcp://10.0.0.5:4840`)
  }
  if (root !== undefined && !NODE_ID.test(root)) {
    throw refuse(`--root "${root}": write nsu=URI;s=NAME, or i=85; a namespace index may change`)
  }
  const connection = {
    ...(security === undefined ? {} : { security: parseSecurity(security) }),
    ...(trust ? { trust: trust.map((file) => resolve(file)) } : {}),
    ...(user ? { user: { name: user, password: process.env[PASSWORD] ?? '' } } : {}),
  }
  const server = await browse(
    endpoint,
    { stateDir: resolve(state), connection, root, maxNodes },
    signal,
  )
  const cut = server.isCut ? '; a limit ended the walk, see --max-nodes' : ''
  return {
    config: formatBrowse(server, { endpoint, security, trust }),
    report: `${server.visited} nodes seen, ${server.tags.length} variables, ${server.left} left out (no process value, or not readable)${cut}`,
  }
}

function parseSecurity(text: string): OpcuaOptions['security'] {
  const known = optionsSchema.properties.security.anyOf.map((policy) => policy.const)
  const found = known.find((policy) => policy === text)
  if (found) return found
  const near = nearest(text, known)
  const hint = near ? `did you mean "${near}"?` : `known are ${known.join(', ')}`
  throw refuse(`--security: "${text}", ${hint}`)
}

function refuse(problems: string): Fault {
  return new Fault('config.invalid', { count: 1, problems })
}
