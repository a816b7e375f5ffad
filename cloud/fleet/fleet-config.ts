/** What the operator writes down about tenants, sites, gateways and assets, and what can be wrong with it. */
import { type Static, Type } from 'typebox'
import { MIN_PEERS } from '../../models/peers/peer-outliers.ts'
import { parseTagId, type TagId } from '../../protocol/model.ts'

/** Sparkplug names: no `+`, `/`, `#`; short, because they stand in every topic. */
const Name = Type.String({ pattern: '^[^+/#\\s]{1,64}$' })
const Title = Type.String({ minLength: 1, maxLength: 200 })
const closed = { additionalProperties: false }

const TagIdText = Type.Unsafe<TagId>(Type.String({ pattern: '^[^/]+/[^/]+/[^/]+/.+$' }))

/** A part that wears and the counter that tells how far. */
export const WearConfig = Type.Object(
  {
    part: Title,
    /** What the part in place has counted: a counter's `…/Life`, made at the gateway. */
    tag: TagIdText,
    /** Its serial number: another one is another part. */
    serial: Type.Optional(TagIdText),
    /** Rated life, in counts. */
    limit: Type.Number({ exclusiveMinimum: 0 }),
    /** What is counted, e.g. cuts. */
    unit: Type.String({ minLength: 1, maxLength: 30 }),
    /** A work order is proposed so many days before the early end. */
    leadDays: Type.Number({ minimum: 0, maximum: 365, default: 14 }),
    /** No date before it was watched for so long: a shop's days differ. */
    watchHours: Type.Number({ exclusiveMinimum: 0, maximum: 8760, default: 48 }),
  },
  closed,
)
export type WearConfig = Static<typeof WearConfig>

/** Like machines that are compared with each other by one tag each. */
export const PeersConfig = Type.Object(
  {
    id: Name,
    title: Title,
    /** Asset → its tag; five or more. */
    tags: Type.Record(Name, TagIdText),
    periodMs: Type.Integer({ minimum: 1000, default: 300_000 }),
    windowRows: Type.Integer({ minimum: 1, maximum: 1000, default: 24 }),
    /** Learned from so many days; learned again every day, without what was unusual. */
    learnDays: Type.Number({ exclusiveMinimum: 0, maximum: 365, default: 14 }),
    severity: Type.Integer({ minimum: 1, maximum: 1000, default: 400 }),
  },
  closed,
)
export type PeersConfig = Static<typeof PeersConfig>

export const AssetConfig = Type.Object(
  {
    id: Name,
    site: Name,
    name: Title,
    /** What it is, in one word: press, chiller, pos. */
    kind: Title,
    /** The model's folder; left out: the asset is watched, not scored. */
    model: Type.Optional(Type.String()),
    /** In the order the console shows them. */
    tags: Type.Array(TagIdText),
    /** The model's own tag names, where they differ from ours. */
    modelTags: Type.Optional(Type.Record(Type.String(), TagIdText)),
    targets: Type.Array(Type.Object({ gateway: Name, target: Name }, closed)),
    /** Parts with a rated life. */
    wear: Type.Optional(Type.Array(WearConfig)),
    recovery: Type.Object(
      {
        holdMs: Type.Integer({
          minimum: 0,
          description: 'how long the ratio must stay below 1 to count as mended',
        }),
      },
      closed,
    ),
    alarm: Type.Object(
      { severity: Type.Integer({ minimum: 1, maximum: 1000, description: 'OPC UA severity' }) },
      closed,
    ),
  },
  closed,
)
export type AssetConfig = Static<typeof AssetConfig>

export const FleetConfig = Type.Object(
  {
    tenants: Type.Array(Type.Object({ id: Name, name: Title }, closed)),
    sites: Type.Array(
      Type.Object({ id: Name, tenant: Name, name: Title, timeZone: Type.String() }, closed),
    ),
    gateways: Type.Array(Type.Object({ site: Name, id: Name, title: Title }, closed)),
    assets: Type.Array(AssetConfig),
    peers: Type.Optional(Type.Array(PeersConfig)),
  },
  closed,
)
export type FleetConfig = Static<typeof FleetConfig>

export interface FleetProblem {
  /** e.g. `assets[2].site` */
  path: string
  problem: string
}

/** What the schema cannot say: every duplicate and every reference to nothing. */
export function checkFleet(config: FleetConfig): FleetProblem[] {
  const tenants = new Set(config.tenants.map((tenant) => tenant.id))
  const sites = new Set(config.sites.map((site) => site.id))
  const gateways = new Set(config.gateways.map((gateway) => `${gateway.site}/${gateway.id}`))
  return [
    ...duplicates(
      'tenants',
      config.tenants.map((tenant) => tenant.id),
    ),
    ...duplicates(
      'sites',
      config.sites.map((site) => site.id),
    ),
    ...duplicates(
      'gateways',
      config.gateways.map((gateway) => `${gateway.site}/${gateway.id}`),
    ),
    ...duplicates(
      'assets',
      config.assets.map((asset) => asset.id),
    ),
    ...config.sites.flatMap((site, index) => [
      ...missing(tenants, site.tenant, `sites[${index}].tenant`),
      ...(isTimeZone(site.timeZone)
        ? []
        : [{ path: `sites[${index}].timeZone`, problem: `unknown time zone "${site.timeZone}"` }]),
    ]),
    ...config.gateways.flatMap((gateway, index) =>
      missing(sites, gateway.site, `gateways[${index}].site`),
    ),
    ...config.assets.flatMap((asset, index) => checkAsset(asset, { index, sites, gateways })),
    ...(config.peers ?? []).flatMap((group, index) => checkPeers(group, `peers[${index}]`, config)),
  ]
}

function checkAsset(
  asset: AssetConfig,
  { index, sites, gateways }: { index: number; sites: Set<string>; gateways: Set<string> },
): FleetProblem[] {
  const at = `assets[${index}]`
  return [
    ...missing(sites, asset.site, `${at}.site`),
    ...duplicates(`${at}.tags`, asset.tags),
    ...duplicates(
      `${at}.wear`,
      (asset.wear ?? []).map(({ part }) => part),
    ),
    ...asset.tags.flatMap((tag, position) => {
      const foreign = foreignTag(tag, asset.site, `${at}.tags[${position}]`)
      if (foreign.length > 0) return foreign
      const path = parseTagId(tag)
      return missing(gateways, `${path?.site}/${path?.gateway}`, `${at}.tags[${position}]`)
    }),
    ...Object.entries(asset.modelTags ?? {}).flatMap(([name, tag]) =>
      foreignTag(tag, asset.site, `${at}.modelTags.${name}`),
    ),
    ...(asset.wear ?? []).flatMap(({ tag, serial }, position) => [
      ...foreignTag(tag, asset.site, `${at}.wear[${position}].tag`),
      ...(serial ? foreignTag(serial, asset.site, `${at}.wear[${position}].serial`) : []),
    ]),
    ...asset.targets.flatMap((target, position) =>
      missing(gateways, `${asset.site}/${target.gateway}`, `${at}.targets[${position}].gateway`),
    ),
  ]
}

function checkPeers(group: PeersConfig, at: string, config: FleetConfig): FleetProblem[] {
  const names = Object.keys(group.tags)
  const siteOf = new Map(config.assets.map(({ id, site }) => [id, site]))
  const assets = new Set(siteOf.keys())
  const tenantOf = new Map(config.sites.map(({ id, tenant }) => [id, tenant]))
  const tenants = new Set(names.flatMap((name) => tenantOf.get(siteOf.get(name) ?? '') ?? []))
  const few = `${names.length} like machines; it takes ${MIN_PEERS} to tell the odd one`
  return [
    ...(names.length < MIN_PEERS ? [{ path: `${at}.tags`, problem: few }] : []),
    ...names.flatMap((asset) => missing(assets, asset, `${at}.tags`)),
    ...Object.entries(group.tags).flatMap(([asset, tag]) => {
      const site = siteOf.get(asset)
      return site === undefined ? [] : foreignTag(tag, site, `${at}.tags.${asset}`)
    }),
    ...(tenants.size > 1 ? [{ path: `${at}.tags`, problem: 'machines of several customers' }] : []),
  ]
}

/** What is read at one site is shown to its people only. */
function foreignTag(tag: TagId, site: string, path: string): FleetProblem[] {
  if (parseTagId(tag)?.site === site) return []
  return [{ path, problem: `"${tag}" is not of site ${site}` }]
}

function duplicates(path: string, ids: readonly string[]): FleetProblem[] {
  return ids.flatMap((id, index) =>
    ids.indexOf(id) < index ? [{ path: `${path}[${index}]`, problem: `"${id}" stands twice` }] : [],
  )
}

function missing(known: ReadonlySet<string>, id: string, path: string): FleetProblem[] {
  return known.has(id) ? [] : [{ path, problem: `there is no "${id}"` }]
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined
  } catch {
    return false
  }
}
