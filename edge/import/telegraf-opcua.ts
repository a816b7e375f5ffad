/** Telegraf's `inputs.opcua` and `inputs.opcua_listener`. */
import { type DeviceText, idOf, type TagText } from '../config-schema/format-devices.ts'
import { bindNodeId, createNames, sayNoNamespace } from './imported.ts'
import type { Section } from './section.ts'
import type { TelegrafContext } from './telegraf.ts'

interface Defaults {
  namespace?: string
  uri?: string
  kind?: string
  prefix?: string
  samplingIntervalMs?: number
}

/** One device; undefined (and reported) where nothing of it could be taken. */
export function importTelegrafOpcua(
  input: Section,
  context: TelegrafContext,
): DeviceText | undefined {
  const endpoint = input.text('endpoint') ?? ''
  const id = context.name(idOf(input.text('name') ?? 'opcua'))
  const options = readOptions(input)
  const intervalMs = input.durationMs('interval') ?? context.intervalMs
  const publishingIntervalMs = input.durationMs('subscription_interval')
  const name = createNames()
  const take = (node: Section, defaults: Defaults) => readNode(node, { ...defaults, context, name })
  const tags = input.sections('nodes').flatMap((node) => take(node, {}))
  for (const group of input.sections('group')) {
    const defaults: Defaults = {
      namespace: group.text('namespace'),
      uri: group.text('namespace_uri'),
      kind: group.text('identifier_type'),
      prefix: group.text('name'),
      samplingIntervalMs: group.durationMs('sampling_interval'),
    }
    tags.push(...group.sections('nodes').flatMap((node) => take(node, defaults)))
    group.close()
  }
  if (tags.length === 0) {
    input.leave(`the server ${endpoint} left: no node of it could be taken`)
    return undefined
  }
  input.leave(
    `${endpoint}: types of values are not told here, every tag is a Double; \`mimamori edge browse\` shows the right ones`,
  )
  const head = { id, driver: 'opcua', endpoint, ...options, publishingIntervalMs }
  const group = { name: 'all', intervalMs: Math.max(50, intervalMs), mode: 'subscribe' }
  return { head, groups: [{ head: group, tags }] }
}

function readOptions(input: Section): Record<string, unknown> {
  const policy = input.text('security_policy') ?? 'auto'
  const mode = input.text('security_mode') ?? 'auto'
  const isPlain = policy === 'None' || mode === 'None'
  if (!isPlain) {
    input.leave(
      'list the certificate of the server under "trust": no other is accepted',
      'endpoint',
    )
  }
  if (mode === 'Sign') {
    input.leave('"security_mode" Sign left: ours signs and encrypts', 'security_mode')
  }
  const user = input.text('username')
  const password = input.text('password') ?? ''
  input.skip('auth_method')
  const timestamp = input.text('timestamp')
  const isKnown = timestamp === 'source' || timestamp === 'server' || timestamp === 'gather'
  const isDeprecated = policy === 'Basic256' || policy === 'Basic128Rsa15'
  return {
    ...(isPlain ? { security: 'None' } : policy === 'auto' ? {} : { security: policy }),
    ...(isDeprecated && !isPlain ? { allowDeprecated: true } : {}),
    ...(user ? { user: { name: user, password } } : {}),
    ...(isKnown ? { timestamp } : {}),
    ...timeoutOf(input),
  }
}

function timeoutOf(input: Section): Record<string, unknown> {
  const [connect, request] = [
    input.durationMs('connect_timeout'),
    input.durationMs('request_timeout'),
  ]
  if (connect === undefined && request === undefined) return {}
  return { timeoutMs: Math.min(120_000, Math.max(100, connect ?? 0, request ?? 0)) }
}

interface NodePlace extends Defaults {
  context: TelegrafContext
  name(wanted: string): string
}

function readNode(node: Section, place: NodePlace): TagText[] {
  const { context, prefix } = place
  const named = node.text('name') ?? ''
  const index = node.text('namespace') ?? place.namespace ?? ''
  const uri = node.text('namespace_uri') ?? place.uri
  const kind = node.text('identifier_type') ?? place.kind ?? 's'
  const identifier = `${kind}=${node.text('identifier') ?? ''}`
  const monitoring = readMonitoring(node)
  node.close()
  if (/=$/.test(identifier)) {
    node.leave(`"${named}" left: it has no identifier`)
    return []
  }
  const nodeId =
    uri === undefined
      ? bindNodeId({ index, identifier }, context.options)
      : `nsu=${uri};${identifier}`
  if (nodeId === undefined) {
    node.leave(sayNoNamespace(named, index))
    return []
  }
  const name = place.name(prefix ? `${prefix}/${named}` : named)
  const { samplingIntervalMs = place.samplingIntervalMs, ...rest } = monitoring
  const sampling = samplingIntervalMs === undefined ? {} : { samplingIntervalMs }
  return [{ tag: { name, type: 'Double', nodeId, ...sampling, ...rest } }]
}

/** Queue, sampling and deadband of one node. */
function readMonitoring(node: Section): Record<string, unknown> & { samplingIntervalMs?: number } {
  const [monitoring] = node.sections('monitoring_params')
  if (!monitoring) return {}
  const samplingIntervalMs = monitoring.durationMs('sampling_interval')
  const queueSize = monitoring.number('queue_size')
  // The oldest value goes first here too.
  monitoring.skip('discard_oldest')
  const [filter] = monitoring.sections('data_change_filter')
  const kind = filter?.text('deadband_type') ?? 'None'
  const value = filter?.number('deadband_value') ?? 0
  filter?.skip('trigger')
  filter?.close()
  monitoring.close()
  return {
    ...(samplingIntervalMs === undefined ? {} : { samplingIntervalMs }),
    ...(queueSize === undefined ? {} : { queueSize }),
    ...(kind === 'Absolute' && value > 0 ? { deadbandAbsolute: value } : {}),
    ...(kind === 'Percent' && value > 0 ? { deadbandPercent: value } : {}),
  }
}
