/** The fields of an event we ask a server for, and the event they make. */
import { AttributeIds, EventFilter, type Variant } from 'node-opcua-client'

/** Types of Part 3, 5 and 9, in namespace 0. */
const BASE_EVENT = 'i=2041'
const CONDITION = 'i=2782'
const ACKNOWLEDGEABLE = 'i=2881'
const ALARM = 'i=2915'

/** Each field by the type that declares it: strict servers refuse a path their base type does not have. */
const fields = [
  [BASE_EVENT, 'EventType'],
  [BASE_EVENT, 'SourceNode'],
  [BASE_EVENT, 'SourceName'],
  [BASE_EVENT, 'Time'],
  [BASE_EVENT, 'Message'],
  [BASE_EVENT, 'Severity'],
  [CONDITION, 'Retain'],
  [ACKNOWLEDGEABLE, 'AckedState', 'Id'],
  [ALARM, 'ActiveState', 'Id'],
  [CONDITION, 'BranchId'],
] as const

/** Event types that speak about the stream of events itself (Part 9, 5.11; Part 4, 7.22.3). */
export const streamEvents = {
  refreshStart: 'ns=0;i=2787',
  refreshEnd: 'ns=0;i=2788',
  refreshRequired: 'ns=0;i=2789',
  overflow: 'ns=0;i=3035',
} as const

export interface ServerEvent {
  type: string
  /** Node ids of this session. */
  source?: string
  condition?: string
  sourceName: string
  at?: number
  message: string
  severity: number
  /** False: the condition is of no interest any more. */
  retain?: boolean
  acked?: boolean
  active?: boolean
  /** An earlier state of the condition that still waits for somebody (Part 9, 5.5.2); absent: it speaks of now. */
  branch?: string
}

const NO_NODE = 'ns=0;i=0'

export function createEventFilter(): EventFilter {
  const selectClauses = fields.map(([typeDefinitionId, ...browsePath]) => ({
    typeDefinitionId,
    browsePath: browsePath.map((name) => ({ namespaceIndex: 0, name })),
    attributeId: AttributeIds.Value,
  }))
  // Part 9, 5.5.2: the id of a condition is no property but its NodeId attribute, reached by an empty path.
  const conditionId = {
    typeDefinitionId: CONDITION,
    browsePath: [],
    attributeId: AttributeIds.NodeId,
  }
  return new EventFilter({ selectClauses: [...selectClauses, conditionId] })
}

/** Undefined for what has no type: the server answered something else than we asked for. */
export function readEvent(variants: readonly Variant[]): ServerEvent | undefined {
  const values = variants.map((variant) => variant?.value as unknown)
  const [type, source, sourceName, time, message, severity, retain, acked, active] = values
  const [branch, condition] = values.slice(9)
  if (type === null || type === undefined) return undefined
  return {
    type: String(type),
    source: toText(source),
    condition: toText(condition),
    sourceName: toText(sourceName) ?? '',
    at: time instanceof Date ? time.getTime() : undefined,
    message: toText((message as { text?: unknown } | null)?.text) ?? '',
    severity: typeof severity === 'number' ? severity : 0,
    retain: toBoolean(retain),
    acked: toBoolean(acked),
    active: toBoolean(active),
    branch: toText(branch) === NO_NODE ? undefined : toText(branch),
  }
}

const toText = (value: unknown) =>
  value === null || value === undefined ? undefined : String(value)
const toBoolean = (value: unknown) => (typeof value === 'boolean' ? value : undefined)
