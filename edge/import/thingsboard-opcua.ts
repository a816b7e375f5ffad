/** ThingsBoard's OPC UA connector: one server, mappings that find nodes by identifier or by path. */
import type { Path } from '../../protocol/kit/schema.ts'
import type { DeviceText, TagText } from '../config-schema/format-devices.ts'
import { bindNodeId, createNames, MIN_POLL_MS, sayNoNamespace } from './imported.ts'
import { type Json, objectOf, rowsOf, type ThingsboardContext } from './thingsboard-json.ts'

const DEFAULT_POLL_MS = 5000
/** Its own ways of scanning and batching: ours has none to set. */
const KNOWN_SERVER = [
  'url',
  'timeoutInMillis',
  'pollPeriodInMillis',
  'enableSubscriptions',
  'disableSubscriptions',
  'mapping',
  'security',
  'identity',
  'scanPeriodInMillis',
  'subCheckPeriodInMillis',
  'subDataMaxBatchSize',
  'subDataMinBatchCreationTimeMs',
  'sessionTimeoutInMillis',
  'showMap',
  'name',
]
const KNOWN_MAPPING = [
  'deviceNodeSource',
  'deviceNodePattern',
  'deviceInfo',
  'deviceNamePattern',
  'attributes',
  'timeseries',
]
const IDENTIFIER = /^\$\{\s*ns=(\d+);([isgb]=.+?)\s*\}$/

/** Undefined (and reported) where no node could be taken. */
export function importThingsboardOpcua(
  root: Json,
  context: ThingsboardContext,
): DeviceText | undefined {
  const server = objectOf(root.server)
  context.leaveRest(root, [], ['server', 'mapping'])
  context.leaveRest(server, ['server'], KNOWN_SERVER)
  const name = createNames()
  // Older files have the mapping within the server.
  const mappings = [...rowsOf(root, [], ['mapping']), ...rowsOf(server, ['server'], ['mapping'])]
  const tags = mappings.flatMap(({ row, path }) => {
    context.leaveRest(row, path, KNOWN_MAPPING)
    return readMapping(row, { path, name, context })
  })
  if (tags.length === 0) {
    context.leave(['server'], `the server ${server.url} left: no node of it could be taken`)
    return undefined
  }
  const say =
    'types of values are not told here, every tag is a Double; `mimamori edge browse` shows the right ones'
  context.leave(['mapping'], say)
  const isPushed = server.enableSubscriptions === true || server.disableSubscriptions === false
  const mode = isPushed ? 'subscribe' : 'poll'
  const intervalMs = Math.max(MIN_POLL_MS, Number(server.pollPeriodInMillis ?? DEFAULT_POLL_MS))
  const id = String(server.name ?? 'opcua')
  // They may write the address alone.
  const endpoint = String(server.url).replace(/^(?!opc\.tcp:\/\/)/, 'opc.tcp://')
  const head = { id, driver: 'opcua', endpoint, ...readOptions(server, context) }
  return { head, groups: [{ head: { name: 'all', intervalMs, mode }, tags }] }
}

function readOptions(server: Json, context: ThingsboardContext): Record<string, unknown> {
  const { timeoutInMillis, security = 'None' } = server
  const { type, username, password } = objectOf(server.identity)
  if (type === 'cert.PEM') {
    context.leave(['server', 'identity'], 'certificate left: give it as "userCertificate"')
  }
  if (security !== 'None') {
    context.leave(
      ['server', 'url'],
      'list the certificate of the server under "trust": no other is accepted',
    )
  }
  const isDeprecated = security === 'Basic256' || security === 'Basic128Rsa15'
  return {
    security,
    ...(isDeprecated ? { allowDeprecated: true } : {}),
    ...(type === 'username' ? { user: { name: username, password: password ?? '' } } : {}),
    ...(typeof timeoutInMillis === 'number' ? { timeoutMs: timeoutInMillis } : {}),
  }
}

function readMapping(
  mapping: Json,
  {
    path,
    name,
    context,
  }: {
    path: Path
    name: (wanted: string) => string
    context: ThingsboardContext
  },
): TagText[] {
  const device = objectOf(mapping.deviceInfo).deviceNameExpression ?? mapping.deviceNamePattern
  // An expression takes the name from a node; only a plain one is known beforehand.
  const prefix = typeof device === 'string' && !device.includes('${') ? `${device}/` : ''
  return rowsOf(mapping, path, ['attributes', 'timeseries']).flatMap(({ row, path: at }) => {
    const { key, value = row.path } = row
    const [, index, identifier] = IDENTIFIER.exec(String(value)) ?? []
    if (index === undefined || identifier === undefined) {
      const say = `"${key}" left: "${value}" is a path of names without their namespaces; take its node id from \`mimamori edge browse\``
      context.leave(at, say)
      return []
    }
    const nodeId = bindNodeId({ index, identifier }, context.options)
    if (nodeId === undefined) {
      context.leave(at, sayNoNamespace(String(key), index))
      return []
    }
    return [{ tag: { name: name(`${prefix}${key}`), type: 'Double', nodeId } }]
  })
}
