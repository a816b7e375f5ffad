/** What the operator writes down about tenants, sites, gateways and assets, and what can be wrong with it. */
import { type Static, Type } from 'typebox'
import { parseTagId, type TagId } from '../../protocol/model.ts'

/** Sparkplug names: no `+`, `/`, `#`; short, because they stand in every topic. */
const Name = Type.String({ pattern: '^[^+/#\\s]{1,64}$' })
const Title = Type.String({ minLength: 1, maxLength: 200 })
const closed = { additionalProperties: false }

const TagIdText = Type.Unsafe<TagId>(Type.String({ pattern: '^[^/]+/[^/]+/[^/]+/.+$' }))

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
    ...asset.tags.flatMap((tag, position) => {
      const path = parseTagId(tag)
      if (path?.site !== asset.site) {
        return [
          { path: `${at}.tags[${position}]`, problem: `"${tag}" is not of site ${asset.site}` },
        ]
      }
      return missing(gateways, `${path.site}/${path.gateway}`, `${at}.tags[${position}]`)
    }),
    ...asset.targets.flatMap((target, position) =>
      missing(gateways, `${asset.site}/${target.gateway}`, `${at}.targets[${position}].gateway`),
    ),
  ]
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
