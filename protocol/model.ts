/** The words both sides share: tenants, sites, gateways, devices, tags, samples and their quality. */

export type TenantId = `ten_${string}`
/** Also the Sparkplug group id: no `+`, `/`, `#`. */
export type SiteId = string
/** Also the Sparkplug edge node id. */
export type GatewayId = string
/** Also the Sparkplug device id. */
export type DeviceId = string
export type AssetId = string
export type CaseId = `cas_${string}`
export type AlarmId = `alm_${string}`
export type SessionId = `ses_${string}`
export type GrantId = `gnt_${string}`
export type PersonId = `per_${string}`
export type TargetId = string

/** `site/gateway/device/name`; only the name may itself contain `/`. */
export type TagId = `${SiteId}/${GatewayId}/${DeviceId}/${string}`

export interface TagPath {
  site: SiteId
  gateway: GatewayId
  device: DeviceId
  name: string
}

/** Joins a path into the tag's id. */
export function formatTagId({ site, gateway, device, name }: TagPath): TagId {
  return `${site}/${gateway}/${device}/${name}`
}

/** Splits a tag id; undefined when a part is missing. */
export function parseTagId(id: string): TagPath | undefined {
  const [site, gateway, device, ...rest] = id.split('/')
  const name = rest.join('/')
  if (!site || !gateway || !device || !name) return undefined
  return { site, gateway, device, name }
}

/** The pseudo gateway under which values computed in the cloud (model scores) are stored. */
export const CLOUD_NODE = 'cloud'

/** The tag a model's output is stored under, e.g. `plant/cloud/press/Model/Ratio`. */
export function derivedTagId(site: SiteId, asset: AssetId, output: string): TagId {
  return formatTagId({ site, gateway: CLOUD_NODE, device: asset, name: `Model/${output}` })
}

/** A process value. 64-bit integers are bigint; `null` where there is none (bad quality). */
export type Value = number | bigint | boolean | string

/** Sparkplug 3.0 `Quality` values (tck-id-payloads-propertyset-quality-value-value). */
export const quality = { bad: 0, good: 192, stale: 500 } as const
export type Quality = (typeof quality)[keyof typeof quality]

/** One reading of one tag. */
export interface Sample {
  tag: TagId
  /** Source time, Unix milliseconds. */
  at: number
  /** `null` exactly when nothing could be read. */
  value: Value | null
  quality: Quality
  /** Raw protocol status, e.g. an OPC UA StatusCode (uint32) or a Modbus exception code. */
  status?: number
}

/** Sparkplug datatypes a tag may have (names of Sparkplug 3.0, 6.4.16). */
export const dataTypes = [
  'Int8',
  'Int16',
  'Int32',
  'Int64',
  'UInt8',
  'UInt16',
  'UInt32',
  'UInt64',
  'Float',
  'Double',
  'Boolean',
  'String',
] as const
export type DataType = (typeof dataTypes)[number]

/** One named process variable of a device, as its driver sees it. */
export interface Tag {
  id: TagId
  name: string
  type: DataType
  unit?: string
  description?: string
  /** Driver-specific address, already validated by the driver's own schema. */
  address: Readonly<Record<string, unknown>>
}

/** A stretch of time for which a gateway reports that it acquired nothing, and why. */
export interface Gap {
  gateway: GatewayId
  /** Inclusive lower bound: the last instant known to be covered, Unix ms. */
  from: number
  /** Exclusive upper bound: the first instant covered again, Unix ms. */
  to: number
  reason: GapReason
  /** How many samples are known to be lost, where that can be counted. */
  lost?: number
}

export const gapReasons = ['gateway-down', 'outbox-full', 'disk-full', 'corrupt'] as const
export type GapReason = (typeof gapReasons)[number]

/** How a target behind a gateway is spoken to. */
export const targetKinds = ['web', 'vnc', 'ssh', 'rdp', 'tcp'] as const
export type TargetKind = (typeof targetKinds)[number]

/** An allow-listed address behind a gateway, as the gateway announces it (never the address itself). */
export interface TargetSummary {
  id: TargetId
  kind: TargetKind
  title: string
  consent: ConsentMode
}

/** Who must agree at the site before a session opens; the gateway enforces it. `local`: somebody at its own page. */
export const consentModes = [
  'always',
  'schedule',
  'request',
  'local',
  'key-switch',
  'passkey',
] as const
export type ConsentMode = (typeof consentModes)[number]
