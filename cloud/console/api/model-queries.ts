/** The questions about models, each with how often it is asked again when no event says so. */
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import type { TrainingJobView } from '../../../protocol/api-models.ts'
import * as client from './model-client.ts'
import { pollMs } from './queries.ts'

/** Versions change by people's hands; events tell of them, this is the net below. */
const slowMs = 15_000
/** Progress of a training is what people watch. */
const jobMs = 1_000

export const isRunning = (job: Pick<TrainingJobView, 'state'> | null | undefined) =>
  job?.state === 'queued' || job?.state === 'running'

export const useAssetModels = (asset: string) =>
  useQuery({
    queryKey: ['models', 'asset', asset],
    queryFn: () => client.getAssetModels(asset),
    refetchInterval: ({ state }) => (isRunning(state.data?.job) ? jobMs : pollMs),
  })

export const useModel = (id: string) =>
  useQuery({
    queryKey: ['models', 'one', id],
    queryFn: () => client.getModel(id),
    refetchInterval: slowMs,
  })

export const useLife = (asset: string) =>
  useQuery({
    queryKey: ['models', 'life', asset],
    queryFn: () => client.getLife(asset),
    refetchInterval: slowMs,
  })

export const useScoreboard = () =>
  useQuery({
    queryKey: ['models', 'scoreboard'],
    queryFn: client.getScoreboard,
    refetchInterval: slowMs,
  })

export const useFailures = (asset: string) =>
  useQuery({
    queryKey: ['models', 'failures', asset],
    queryFn: () => client.getFailures(asset),
    refetchInterval: slowMs,
  })

/** Of the last `spanMs`; a change is known some rows late, so nobody asks every second. */
export const useLevelChanges = (asset: string, tags: readonly string[], spanMs: number) =>
  useQuery({
    queryKey: ['changes', asset, spanMs, ...tags],
    queryFn: () => {
      const to = Date.now()
      return client.getLevelChanges(asset, { tags, from: to - spanMs, to })
    },
    enabled: tags.length > 0,
    refetchInterval: Math.min(60_000, Math.max(10_000, spanMs / 60)),
    placeholderData: keepPreviousData,
  })

/** What is explained is the past; similar cases are added to it slowly, what it looks like while the alarm is active. */
export const useExplanation = (alarm: string) =>
  useQuery({
    queryKey: ['explanation', alarm],
    queryFn: () => client.getExplanation(alarm),
    refetchInterval: slowMs,
  })

/** Asked once: a proposal that changed under somebody's hands would be no help. */
export const useTrainingProposal = (asset: string, spanMs: number | null) =>
  useQuery({
    queryKey: ['training-proposal', asset, spanMs],
    queryFn: () => client.getTrainingProposal(asset, spanMs),
    staleTime: Number.POSITIVE_INFINITY,
    // Whoever comes back to the page gets a fresh one.
    gcTime: 0,
  })
