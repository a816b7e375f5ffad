/** An OPC UA server of one device object, on node-opcua, that keeps every file it writes in one folder. */
import { join } from 'node:path'
import {
  MessageSecurityMode,
  OPCUACertificateManager,
  OPCUAServer,
  type OPCUAServerOptions,
  SecurityPolicy,
} from 'node-opcua'
import type { Value } from '../../protocol/model.ts'
import {
  addDevice,
  type DeviceParts,
  type DeviceVariables,
  type OpcuaVariable,
  type SetOptions,
  type WriteCallback,
} from './opcua-variables.ts'

export interface OpcuaServerOptions {
  /** 0 takes a free one. */
  port?: number
  host?: string
  /** Of the device's nodes; its index is usually 2, clients resolve it by the URI. */
  namespaceUri: string
  /** The application's name. */
  title: string
  /** PKI store and the server's own key and certificate; nothing is written elsewhere. */
  folder: string
  /** Browse name of the one object; its variables are `s=<device>.<name>`. */
  device: string
  variables: readonly OpcuaVariable[]
  /** `encrypted`: SignAndEncrypt only, Basic256Sha256 or Aes256_Sha256_RsaPss. `any`: None too. */
  security: 'encrypted' | 'any'
  /** User names with passwords; without them anonymous clients are let in. */
  users?: Readonly<Record<string, string>>
  /** Encrypted policies offered; default Basic256Sha256 and Aes256_Sha256_RsaPss. */
  policies?: readonly OpcuaPolicy[]
  /** Sessions it allows at a time. */
  maxSessions?: number
  maxSubscriptionsPerSession?: number
  /** What it takes in one request, as small controllers have it: a larger one is refused whole. */
  operationLimits?: OperationLimits
  /** Registered before the device's own, so that its index moves. */
  earlierNamespaces?: readonly string[]
  /** Adds what variables cannot say (methods, alarms, folders), before the server listens. */
  extend?(parts: DeviceParts): void
}

export interface OperationLimits {
  maxNodesPerRead?: number
  maxNodesPerBrowse?: number
  maxNodesPerTranslateBrowsePathsToNodeIds?: number
  maxMonitoredItemsPerCall?: number
}

export type OpcuaPolicy =
  | 'Basic128Rsa15'
  | 'Basic256'
  | 'Basic256Sha256'
  | 'Aes128_Sha256_RsaOaep'
  | 'Aes256_Sha256_RsaPss'

/** Every client certificate is accepted: a simulator guards nothing, the client's checks are the test. */
export interface OpcuaServer extends AsyncDisposable {
  readonly port: number
  /** `opc.tcp://host:port` */
  readonly endpoint: string
  /** PEM file of the server's own certificate, for clients that pin it. */
  readonly certificateFile: string
  /** The index the namespace URI got. */
  readonly namespaceIndex: number
  /** `ns=2;s=Device.Name` */
  nodeId(name: string): string
  /** Sessions open right now. */
  sessions(): number
  /** Every call is one notification to those who subscribed with sampling interval 0 and a queue. */
  set(name: string, value: Value, options?: SetOptions): void
  get(name: string): Value
  /** Called after a client has written a variable declared writable. */
  onWrite(callback: WriteCallback): void
}

/** Time for one notification to leave before sockets are closed. */
const SHUTDOWN_MS = 50

/** Opens the server; the first start in an empty folder makes a key and a certificate. */
export async function openOpcuaServer(options: OpcuaServerOptions): Promise<OpcuaServer> {
  await using stack = new AsyncDisposableStack()
  const pki = stack.adopt(await openPki(join(options.folder, 'pki')), (it) => it.dispose())
  const users = stack.adopt(await openPki(join(options.folder, 'user-pki')), (it) => it.dispose())
  const server = new OPCUAServer({
    ...serverOptions(options),
    serverCertificateManager: pki,
    userCertificateManager: users,
  })
  stack.defer(() => server.shutdown(SHUTDOWN_MS))
  await server.initialize()
  const space = server.engine.addressSpace
  if (!space) throw new TypeError('the OPC UA server has no address space')
  for (const uri of options.earlierNamespaces ?? []) space.registerNamespace(uri)
  const device = addDevice(space, options)
  options.extend?.(device.parts)
  await server.start()
  const port = server.endpoints[0]?.port ?? 0
  return toServer({ server, device, options, port, stack: stack.move() })
}

async function openPki(rootFolder: string): Promise<OPCUACertificateManager> {
  const pki = new OPCUACertificateManager({
    rootFolder,
    automaticallyAcceptUnknownCertificate: true,
    disableFileWatchers: true,
  })
  await pki.initialize()
  return pki
}

function serverOptions(options: OpcuaServerOptions): OPCUAServerOptions {
  const { host = '127.0.0.1', port = 0, users, title } = options
  const { maxSessions, maxSubscriptionsPerSession, operationLimits } = options
  const { policies = ['Basic256Sha256', 'Aes256_Sha256_RsaPss'] } = options
  const encrypted = policies.map((it) => SecurityPolicy[it])
  const isAny = options.security === 'any'
  return {
    host,
    hostname: host,
    port,
    securityModes: isAny
      ? [MessageSecurityMode.None, MessageSecurityMode.SignAndEncrypt]
      : [MessageSecurityMode.SignAndEncrypt],
    securityPolicies: isAny ? [SecurityPolicy.None, ...encrypted] : encrypted,
    allowAnonymous: !users,
    userManager: {
      isValidUser: (name: string, password: string) => users?.[name] === password,
    },
    serverInfo: {
      applicationUri: `${options.namespaceUri}:server`,
      applicationName: { text: title },
    },
    buildInfo: { productName: title },
    // 0: every change of a variable is delivered, none are merged within a window.
    serverCapabilities: {
      minSupportedSampleRate: 0,
      ...(maxSessions === undefined ? {} : { maxSessions }),
      ...(maxSubscriptionsPerSession === undefined ? {} : { maxSubscriptionsPerSession }),
      ...(operationLimits === undefined ? {} : { operationLimits }),
    },
  }
}

interface Parts {
  server: OPCUAServer
  device: DeviceVariables
  options: OpcuaServerOptions
  port: number
  stack: AsyncDisposableStack
}

function toServer({ server, device, options, port, stack }: Parts): OpcuaServer {
  return {
    port,
    endpoint: `opc.tcp://${options.host ?? '127.0.0.1'}:${port}`,
    certificateFile: server.certificateFile,
    namespaceIndex: device.namespaceIndex,
    nodeId: (name) => `ns=${device.namespaceIndex};s=${options.device}.${name}`,
    sessions: () => server.currentSessionCount,
    set: device.set,
    get: device.get,
    onWrite: device.onWrite,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}
