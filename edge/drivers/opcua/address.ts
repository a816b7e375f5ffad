/** Where a tag is found in an OPC UA server, and how it is monitored there. */
import { type Static, Type } from 'typebox'
import type { Tag } from '../../../protocol/model.ts'
import { parseBrowsePath } from './browse-path.ts'

/** What an event tag shows of the conditions of its node. */
export const eventFields = [
  'ActiveState',
  'AckedState',
  'Severity',
  'Message',
  'SourceName',
] as const
export type EventField = (typeof eventFields)[number]

/** What the server is asked for a monitored item. */
const itemSchema = (whose: string, otherwise: string) => ({
  samplingIntervalMs: Type.Optional(
    Type.Integer({
      minimum: 0,
      maximum: 3_600_000,
      description: `Of ${whose}, instead of the ${otherwise} "samplingIntervalMs".`,
    }),
  ),
  queueSize: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 10_000,
      description: `Of ${whose}, instead of the ${otherwise} "queueSize".`,
    }),
  ),
})

/** For all tags of a group that say nothing else. */
export const groupSchema = Type.Object(itemSchema('the subscribed tags of this group', "device's"))

export const NODE_ID_PATTERN = '^(nsu=[^;]+;)?(i=[0-9]+|s=.+|g=[0-9A-Fa-f-]{36}|b=[A-Za-z0-9+/=]+)$'

export const addressSchema = Type.Object(
  {
    nodeId: Type.Optional(
      Type.String({
        pattern: NODE_ID_PATTERN,
        description:
          'Node by namespace URI, e.g. nsu=urn:acme:press;s=Press.Pressure. Without nsu it is a node of OPC UA itself. A namespace index is no name: it may change at every start of the server.',
      }),
    ),
    browsePath: Type.Optional(
      Type.String({
        pattern: '^/.',
        maxLength: 2000,
        description:
          'Path of browse names from the root instead of nodeId, e.g. /Objects/press:Press/press:PS1. A prefix stands for a URI of the device\'s "namespaces"; without one the name is of OPC UA itself. A "/", ":" or "&" within a name is written with a "&" before it.',
      }),
    ),
    indexRange: Type.Optional(
      Type.String({
        pattern: '^[0-9]+(:[0-9]+)?(,[0-9]+(:[0-9]+)?)*$',
        description:
          'Part of an array: "3" is one element; "0:7" (or the whole array, without indexRange) is JSON text and needs type String.',
      }),
    ),
    ...itemSchema('this subscribed tag', "group's or the device's"),
    deadbandAbsolute: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        description:
          'The server sends only changes larger than this, in the unit of the raw value.',
      }),
    ),
    deadbandPercent: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        maximum: 100,
        description:
          "The server sends only changes larger than this share of the node's EURange; for analog items.",
      }),
    ),
    event: Type.Optional(
      Type.Union(
        eventFields.map((field) => Type.Literal(field)),
        {
          description:
            'Makes it an event tag: a field of the alarms & conditions of the node, which is a condition, its source, or i=2253 (the server: all of them). Needs a group of mode subscribe.',
        },
      ),
    ),
  },
  { additionalProperties: false },
)
export type OpcuaAddress = Static<typeof addressSchema>

/** The address of a tag, as the schema has let it pass. */
export function addressOf(tag: Tag): OpcuaAddress {
  return tag.address as OpcuaAddress
}

/** What the schema cannot say. */
export function lintTag(tag: Tag): string | undefined {
  const address = addressOf(tag)
  const { nodeId, browsePath, deadbandAbsolute, deadbandPercent, event, indexRange } = address
  if ((nodeId === undefined) === (browsePath === undefined)) {
    return 'give either "nodeId" or "browsePath"'
  }
  if (browsePath !== undefined && !parseBrowsePath(browsePath)) {
    return '"browsePath" has an empty name or an escape without its character'
  }
  const deadband = deadbandAbsolute ?? deadbandPercent
  if (deadbandAbsolute !== undefined && deadbandPercent !== undefined) {
    return 'give either "deadbandAbsolute" or "deadbandPercent"'
  }
  if (deadband !== undefined && (tag.type === 'Boolean' || tag.type === 'String')) {
    return `a ${tag.type} has no deadband`
  }
  if (event !== undefined && (deadband !== undefined || indexRange !== undefined)) {
    return 'an event tag has neither deadband nor "indexRange"'
  }
  if (indexRange !== undefined && /[:]/.test(indexRange) && tag.type !== 'String') {
    return `the range "${indexRange}" gives several values; they fit type String only, as JSON`
  }
  return undefined
}
