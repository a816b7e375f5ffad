/** The fleet, its assets, and the history of their tags. */
import type { RangeResponse } from '../../../protocol/api.ts'
import { Fault } from '../../../protocol/kit/fault.ts'
import { parseTagId } from '../../../protocol/model.ts'
import { type Call, idOf, type Route, siteOfAsset, sitesOf, tagsOf } from '../route.ts'

const MAX_POINTS = 2_000
const DEFAULT_POINTS = 600

export const fleetRoutes: readonly Route[] = [
  {
    method: 'GET',
    url: '/api/fleet',
    access: 'telemetry.read',
    handle: ({ services, actor }) => services.fleet.fleet(sitesOf(actor)),
  },
  {
    method: 'GET',
    url: '/api/assets/:id',
    access: 'telemetry.read',
    sitesOf: siteOfAsset,
    async handle(call) {
      const asset = await call.services.fleet.asset(idOf(call))
      if (!asset) throw new Fault('object.missing')
      return asset
    },
  },
  {
    method: 'GET',
    url: '/api/range',
    access: 'telemetry.read',
    async sitesOf(call) {
      const paths = tagsOf(call).map(parseTagId)
      const sites = paths.flatMap((path) => (path ? [path.site] : []))
      return sites.length < paths.length ? undefined : [...new Set(sites)]
    },
    handle: readRange,
  },
]

async function readRange(call: Call): Promise<RangeResponse> {
  const { services, query } = call
  const from = numberOf(query, 'from')
  const to = numberOf(query, 'to')
  const points = query.points === undefined ? DEFAULT_POINTS : numberOf(query, 'points')
  if (to <= from) throw new Fault('request.invalid', { problem: 'to must be after from' })
  if (points < 1 || points > MAX_POINTS) {
    throw new Fault('request.invalid', { problem: `points must be 1 to ${MAX_POINTS}` })
  }
  const series = await Promise.all(
    tagsOf(call).map(async (tag) => {
      const buckets = await services.historian.range({ tag, from, to, points })
      return {
        tag,
        unit: await services.fleet.unitOf(tag),
        at: buckets.map((bucket) => bucket.at),
        min: buckets.map((bucket) => bucket.min),
        mean: buckets.map((bucket) => bucket.mean),
        max: buckets.map((bucket) => bucket.max),
        quality: buckets.map((bucket) => bucket.quality),
      }
    }),
  )
  return { series }
}

function numberOf(query: Call['query'], key: string): number {
  const text = query[key] ?? ''
  if (!/^\d{1,15}$/.test(text)) {
    throw new Fault('request.invalid', { problem: `${key} must be a whole number` })
  }
  return Number(text)
}
