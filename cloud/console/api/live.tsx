/** The live feed: one EventSource for the page; it refreshes what changed and hands out samples of the asset in view. */
import { useQueryClient } from '@tanstack/react-query'
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from 'react'
import type { LiveEvent, SampleView } from '../../../protocol/api.ts'

type Listener = (samples: SampleView[]) => void
interface Live {
  listeners: Set<Listener>
  watch(asset: string | null): void
}
const LiveContext = createContext<Live | null>(null)
/** The browser itself retries a dropped stream; a refused one is tried again after this. */
const reopenMs = 5_000
/** Changes come in bursts (an alarm opens a case); one question answers the whole burst. */
const gatherMs = 400

function isLiveEvent(value: unknown): value is LiveEvent {
  return typeof value === 'object' && value !== null && 'kind' in value
}

/** Holds the stream open for the logged-in part of the console. */
export function LiveProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient()
  const [asset, watch] = useState<string | null>(null)
  const [attempt, setAttempt] = useState(0)
  const live = useMemo<Live>(() => ({ listeners: new Set(), watch }), [])
  // biome-ignore lint/correctness/useExhaustiveDependencies: `attempt` reopens the stream
  useEffect(() => {
    const stream = new EventSource(
      asset === null ? '/api/events' : `/api/events?asset=${encodeURIComponent(asset)}`,
    )
    let timer: ReturnType<typeof setTimeout> | undefined
    let gathering: ReturnType<typeof setTimeout> | undefined
    const topics = new Set<string>()
    const renew = (what: string) => {
      topics.add(what)
      // Alarms, cases and sessions show on one another's pages.
      if (what !== 'fleet') topics.add('cases')
      if (what === 'models') topics.add('fleet')
      if (what === 'maintenance') for (const topic of ['fleet', 'alarms']) topics.add(topic)
      gathering ??= setTimeout(() => {
        gathering = undefined
        for (const topic of topics) void queries.invalidateQueries({ queryKey: [topic] })
        topics.clear()
      }, gatherMs)
    }
    stream.onmessage = ({ data }) => {
      const event: unknown = JSON.parse(data)
      if (!isLiveEvent(event)) return
      if (event.kind === 'samples') for (const listen of live.listeners) listen(event.samples)
      if (event.kind === 'changed') renew(event.what)
    }
    stream.onerror = () => {
      // Whether the API is gone or only this stream is told by asking it.
      void queries.invalidateQueries({ queryKey: ['me'] })
      if (stream.readyState === EventSource.CLOSED)
        timer = setTimeout(() => setAttempt((count) => count + 1), reopenMs)
    }
    return () => {
      clearTimeout(timer)
      clearTimeout(gathering)
      stream.close()
    }
  }, [asset, attempt, live, queries])
  return <LiveContext value={live}>{children}</LiveContext>
}

/** Calls the listener with each batch of samples of this asset while the component is shown. */
export function useLiveSamples(asset: string, listener: Listener): void {
  const live = useContext(LiveContext)
  useEffect(() => {
    if (!live) return
    live.listeners.add(listener)
    live.watch(asset)
    return () => {
      live.listeners.delete(listener)
      live.watch(null)
    }
  }, [live, asset, listener])
}
