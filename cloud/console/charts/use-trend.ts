/** Trends of some tags over a span that ends now, or over a fixed window. */
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useCallback, useMemo, useState } from 'react'
import type { SampleView } from '../../../protocol/api.ts'
import { getRange } from '../api/client.ts'
import { useLiveSamples } from '../api/live.tsx'
import { useNow } from '../parts/now.ts'
import { breakGaps, joinTrend, type Trend } from './trend.ts'

export interface Window {
  from: number
  to: number
}

/** About one point per two pixels of a wide chart. */
const points = 600
/** The API answers at most this many tags at once. */
const maxTags = 20

function trendsOf(
  tags: readonly string[],
  data: Awaited<ReturnType<typeof getRange>> | undefined,
  live: readonly SampleView[],
) {
  const trends = new Map<string, { trend: Trend; unit: string | null }>()
  for (const tag of tags) {
    const series = data?.series.find((each) => each.tag === tag)
    const own = live.filter((sample) => sample.tag === tag)
    trends.set(tag, { trend: breakGaps(joinTrend(series, own)), unit: series?.unit ?? null })
  }
  return trends
}

/** The last `spanMs`, growing by live samples of the asset and asked again now and then. */
export function useLiveTrends(asset: string, tags: readonly string[], spanMs: number) {
  const now = useNow()
  const wanted = tags.slice(0, maxTags)
  const [live, setLive] = useState<SampleView[]>([])
  const onSamples = useCallback(
    (samples: SampleView[]) =>
      setLive((before) => {
        // History replaces live samples at every answer; this bound only matters when it does not come.
        return [...before, ...samples].slice(-5_000)
      }),
    [],
  )
  useLiveSamples(asset, onSamples)
  const refetchMs = Math.min(60_000, Math.max(10_000, spanMs / 60))
  const query = useQuery({
    queryKey: ['range', spanMs, ...wanted],
    queryFn: async () => {
      const to = Date.now()
      const answer = await getRange({ tags: wanted, from: to - spanMs, to, points })
      setLive((before) => before.filter(({ at }) => at > to - refetchMs))
      return answer
    },
    enabled: wanted.length > 0,
    refetchInterval: refetchMs,
    placeholderData: keepPreviousData,
  })
  const key = wanted.join('\n')
  const trends = useMemo(() => trendsOf(key.split('\n'), query.data, live), [key, query.data, live])
  return { query, trends, window: { from: now - spanMs, to: now } }
}

/** A window of the past; `to` may still be ahead of the clock, then it is asked again as time goes. */
export function useTrend(tag: string | null, window: Window) {
  const ahead = window.to > Date.now()
  const query = useQuery({
    queryKey: ['range', 'window', tag, window.from, window.to],
    queryFn: () =>
      getRange({
        tags: [tag ?? ''],
        from: window.from,
        to: Math.min(window.to, Date.now()),
        points,
      }),
    enabled: tag !== null,
    refetchInterval: ahead ? 3_000 : false,
    placeholderData: keepPreviousData,
  })
  const trends = useMemo(() => trendsOf([tag ?? ''], query.data, []), [tag, query.data])
  return { query, trend: trends.get(tag ?? '') }
}
