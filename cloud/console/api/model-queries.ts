/** The questions about models, each with how often it is asked again when no event says so. */
import { useQuery } from '@tanstack/react-query'
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

/** What is explained is the past; only similar cases are added to it, and slowly. */
export const useExplanation = (alarm: string) =>
  useQuery({
    queryKey: ['explanation', alarm],
    queryFn: () => client.getExplanation(alarm),
    refetchInterval: 60_000,
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
