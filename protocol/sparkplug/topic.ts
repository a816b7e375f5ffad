/** Sparkplug topics: parse and format, and the characters an id may have. */
import { Fault } from '../kit/fault.ts'

/** tck-id-topic-structure-namespace-a. */
export const NAMESPACE = 'spBv1.0'

export const nodeMessages = ['NBIRTH', 'NDEATH', 'NDATA', 'NCMD'] as const
export const deviceMessages = ['DBIRTH', 'DDEATH', 'DDATA', 'DCMD'] as const
export type NodeMessage = (typeof nodeMessages)[number]
export type DeviceMessage = (typeof deviceMessages)[number]

export type Topic =
  | { type: NodeMessage; site: string; gateway: string; device?: undefined }
  | { type: DeviceMessage; site: string; gateway: string; device: string }
  | { type: 'STATE'; host: string }

/** Longer ids serve nobody and fill logs; MQTT itself allows 65,535 bytes a topic. */
const MAX_ID_LENGTH = 128

/** True when a text may stand as one level of a topic. */
export function isTopicId(id: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: MQTT 3.1.1 [MQTT-1.5.3-2] forbids U+0000 and discourages the other controls.
  return id.length > 0 && id.length <= MAX_ID_LENGTH && !/[+/#\u0000-\u001f\u007f]/.test(id)
}

/** Throws Fault 'sparkplug.invalid' when an id cannot be part of a topic. */
export function formatTopic(topic: Topic): string {
  const ids =
    topic.type === 'STATE'
      ? [topic.host]
      : [topic.site, topic.gateway, ...(topic.device === undefined ? [] : [topic.device])]
  const wrong = ids.find((id) => !isTopicId(id))
  if (wrong !== undefined) {
    throw new Fault('sparkplug.invalid', { what: `id ${JSON.stringify(wrong)}`, where: 0 })
  }
  if (topic.type === 'STATE') return `${NAMESPACE}/STATE/${topic.host}`
  const node = `${NAMESPACE}/${topic.site}/${topic.type}/${topic.gateway}`
  return topic.device === undefined ? node : `${node}/${topic.device}`
}

/** The parts of a topic; undefined when it is not a Sparkplug B one. */
export function parseTopic(text: string): Topic | undefined {
  const [namespace, first = '', second = '', gateway = '', device, ...rest] = text.split('/')
  if (namespace !== NAMESPACE || rest.length > 0) return undefined
  if (first === 'STATE') {
    return gateway === '' && device === undefined && isTopicId(second)
      ? { type: 'STATE', host: second }
      : undefined
  }
  if (!isTopicId(first) || !isTopicId(gateway)) return undefined
  if (device === undefined) {
    const type = nodeMessages.find((name) => name === second)
    return type && { type, site: first, gateway }
  }
  const type = deviceMessages.find((name) => name === second)
  return type && isTopicId(device) ? { type, site: first, gateway, device } : undefined
}
