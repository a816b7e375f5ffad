/** The fleet as the console shows it: sites with their gateways, devices and assets, from the store and the newest samples. */
import type { AssetDetail, AssetSummary, Fleet, GatewayView } from '../../protocol/api.ts'
import type { MaintenanceMark } from '../../protocol/api-maintenance.ts'
import { derivedTagId, parseTagId, quality, type Sample, type TagId } from '../../protocol/model.ts'
import type { Store } from '../store/store.ts'
import { type FleetRows as Rows, readFleetRows } from './fleet-rows.ts'
import { judgeHealth } from './health.ts'
import { toSampleView } from './sample-view.ts'

export interface FleetSources {
  store: Store
  /** The newest sample of each tag that has one. */
  latest(tags: readonly TagId[]): Promise<Sample[]>
  /** The loaded model of an asset. */
  modelOf(asset: string): AssetDetail['model']
  /** Why its model gives no score just now; undefined: it does, or there is none. */
  unknownWhy(asset: string): string | undefined
  /** How long a score of its model counts as now; undefined: as usual. */
  freshMs(asset: string): number | undefined
  /** The planned work on an asset just now; undefined: none. */
  workOn(of: { asset: string; site: string }): MaintenanceMark | undefined
  tunnelUp(site: string, gateway: string): boolean
  /** Why its certificate was not renewed when it asked last. */
  renewalProblem(
    site: string,
    gateway: string,
  ): NonNullable<GatewayView['certificate']>['problem'] | undefined
  /** When its certificates were revoked, this one included; undefined: they are good. */
  revokedAt(
    name: { site: string; gateway: string },
    certificate: { from: number; until: number } | undefined,
  ): number | undefined
  contestedAt(site: string, gateway: string): number | undefined
  now(): number
}

/** The console shows the newest; the rest stays in the store. */
const GAPS_SHOWN = 20
/** The ingest tells a contest that goes on every ten minutes: one left out is forgiven. */
const CONTEST_SHOWN_MS = 1_200_000
/** Part of a certificate's life after which its gateway should have renewed it, several tries included. */
const LATE_PART = 0.85

/** The sites asked for (`undefined`: all). */
export async function viewFleet(
  sources: FleetSources,
  sites: readonly string[] | undefined,
): Promise<Fleet> {
  const rows = await readFleetRows(sources.store, sites)
  const ratioTags = rows.assets.map((asset) => derivedTagId(asset.site, asset.id, 'Ratio'))
  const tags = rows.tags.map((tag) => tag.id as TagId)
  const latest = new Map(
    (await sources.latest([...tags, ...ratioTags])).map((sample) => [sample.tag, sample]),
  )
  return {
    now: sources.now(),
    sites: rows.sites.map((site) => ({
      id: site.id,
      name: site.name,
      tenant: site.tenant_name,
      timeZone: site.time_zone,
      gateways: rows.gateways
        .filter((gateway) => gateway.site === site.id)
        .map((gateway) => viewGateway(sources, { gateway, rows, latest })),
      assets: rows.assets
        .filter((asset) => asset.site === site.id)
        .map((asset) => viewAsset(sources, { asset, rows, latest })),
    })),
  }
}

/** Undefined: there is no such asset. */
export async function viewAssetDetail(
  sources: FleetSources,
  id: string,
): Promise<AssetDetail | undefined> {
  const found = await sources.store.db
    .selectFrom('assets')
    .select('site')
    .where('id', '=', id)
    .executeTakeFirst()
  if (!found) return undefined
  const rows = await readFleetRows(sources.store, [found.site])
  const asset = rows.assets.find((row) => row.id === id)
  if (!asset) return undefined
  const own = rows.assetTags.filter((row) => row.asset === id).map((row) => row.tag as TagId)
  const wanted = [...own, derivedTagId(asset.site, id, 'Ratio')]
  const latest = new Map((await sources.latest(wanted)).map((sample) => [sample.tag, sample]))
  return {
    ...viewAsset(sources, { asset, rows, latest }),
    tags: own.map((tag) => {
      const born = rows.tags.find((row) => row.id === tag)
      const sample = latest.get(tag)
      return {
        id: tag,
        name: born?.name ?? parseTagId(tag)?.name ?? tag,
        unit: born?.unit ?? null,
        type: born?.type ?? 'unknown',
        latest: sample ? toSampleView(sample) : null,
      }
    }),
    model: sources.modelOf(id),
    targets: rows.targets
      .filter((target) =>
        rows.assetTargets.some(
          (row) => row.asset === id && row.gateway === target.gateway && row.target === target.id,
        ),
      )
      .map(({ site, gateway, id: target, kind, title, consent }) => {
        return { site, gateway, id: target, kind, title, consent }
      }),
  }
}

type Latest = ReadonlyMap<string, Sample>

function viewGateway(
  sources: FleetSources,
  { gateway, rows, latest }: { gateway: Rows['gateways'][number]; rows: Rows; latest: Latest },
): GatewayView {
  const { site, id } = gateway
  const contestedAt = sources.contestedAt(site, id) ?? Number.NEGATIVE_INFINITY
  const isContested = sources.now() - contestedAt < CONTEST_SHOWN_MS
  const isOwn = (row: { site: string; gateway: string }) => row.site === site && row.gateway === id
  return {
    site,
    id,
    title: gateway.title,
    online: gateway.online === 1,
    since: gateway.since,
    tunnel: sources.tunnelUp(site, id),
    software: gateway.software,
    ...(isContested ? { contestedAt } : {}),
    ...viewCertificate(sources, gateway),
    ...(isExpectedOff(sources, rows, gateway) ? { inMaintenance: true } : {}),
    devices: rows.devices.filter(isOwn).map((device) => {
      const tags = rows.tags.filter((tag) => isOwn(tag) && tag.device === device.id)
      return {
        id: device.id,
        online: device.online === 1,
        since: device.since,
        tags: tags.length,
        ...countQualities(tags, device.online === 1, latest),
      }
    }),
    gaps: rows.gaps
      .filter(isOwn)
      .slice(0, GAPS_SHOWN)
      .map(({ gateway: from, from_at, to_at, reason, lost }) => {
        return { gateway: from, from: from_at, to: to_at, reason, lost }
      }),
  }
}

/** Nothing while no certificate of it was ever seen. */
function viewCertificate(
  sources: FleetSources,
  { site, id, certificate_from: from, certificate_until: until }: Rows['gateways'][number],
): Pick<GatewayView, 'certificate' | 'revokedAt'> {
  const isSeen = from !== null && until !== null
  const at = sources.revokedAt({ site, gateway: id }, isSeen ? { from, until } : undefined)
  const revoked = at === undefined ? {} : { revokedAt: at }
  if (!isSeen) return revoked
  const isLate = sources.now() > from + (until - from) * LATE_PART
  const problem = sources.renewalProblem(site, id)
  return {
    ...revoked,
    certificate: { until, isLate, ...(problem === undefined ? {} : { problem }) },
  }
}

/** Every machine it reads is worked on; a machine that is not keeps its gateway's silence news. */
function isExpectedOff(
  { workOn }: FleetSources,
  rows: Rows,
  { site, id }: { site: string; id: string },
): boolean {
  const own = rows.assets.filter((asset) => asset.site === site)
  const worked = new Set(
    own.filter(({ id: asset }) => workOn({ asset, site })).map((one) => one.id),
  )
  const isOfSite = workOn({ asset: '', site }) !== undefined
  if (isOfSite || worked.size === 0) return isOfSite
  const here = new Set(own.map((asset) => asset.id))
  const read = rows.assetTags.filter(
    ({ asset, tag }) => here.has(asset) && parseTagId(tag)?.gateway === id,
  )
  return read.length > 0 && read.every(({ asset }) => worked.has(asset))
}

/** Whatever was good before its device left is stale now; a tag that never had a sample counts nowhere. */
function countQualities(tags: readonly { id: string }[], online: boolean, latest: Latest) {
  const counts = { good: 0, stale: 0, bad: 0 }
  for (const tag of tags) {
    const found = latest.get(tag.id)?.quality
    if (found === undefined) continue
    if (found === quality.bad) counts.bad += 1
    else if (found === quality.good && online) counts.good += 1
    else counts.stale += 1
  }
  return counts
}

function viewAsset(
  sources: FleetSources,
  { asset, rows, latest }: { asset: Rows['assets'][number]; rows: Rows; latest: Latest },
): AssetSummary {
  const used = new Set(
    rows.assetTags
      .filter((row) => row.asset === asset.id)
      .map((row) => parseTagId(row.tag)?.gateway),
  )
  const activeAlarms = rows.alarms.filter((alarm) => alarm.asset === asset.id).length
  const { id, site, name, kind } = asset
  const maintenance = sources.workOn({ asset: id, site })
  return {
    id,
    site,
    name,
    kind,
    ...judgeHealth({
      hasModel: asset.model !== null || sources.modelOf(id) !== null,
      isScoring: sources.modelOf(id) !== null,
      why: sources.unknownWhy(id),
      freshMs: sources.freshMs(id),
      ratio: latest.get(derivedTagId(site, id, 'Ratio')),
      activeAlarms,
      offline: rows.gateways
        .filter((row) => row.site === site && used.has(row.id) && row.online === 0)
        .map((row) => ({ gateway: row.id, since: row.since })),
      now: sources.now(),
    }),
    activeAlarms,
    openCase: rows.cases.find((row) => row.asset === id)?.id ?? null,
    ...(maintenance ? { maintenance } : {}),
  }
}
