/** What a host application learns about an edge node: there, gone, born, or claimed by two at once. */
import type { DataType, DeviceId, GatewayId, SiteId, TagId, TargetSummary } from '../model.ts'

interface NodeRef {
  site: SiteId
  gateway: GatewayId
  /** Unix ms. */
  at: number
}

export interface BornTag {
  id: TagId
  name: string
  type: DataType
  unit?: string
}

export interface NodeBirth extends NodeRef {
  kind: 'birth'
  /** Left out: the gateway itself was born; its own metrics are no process tags. */
  device?: DeviceId
  tags: readonly BornTag[]
  /** All targets the gateway announces. */
  targets?: readonly TargetSummary[]
  software?: string
}

export type NodeEvent =
  | (NodeRef & { kind: 'online' | 'offline' })
  | NodeBirth
  | (NodeRef & { kind: 'device-offline'; device: DeviceId })
  /** Two edge nodes use this one's identity and put each other out: so many take-overs were seen. */
  | (NodeRef & { kind: 'contested'; takeovers: number })
