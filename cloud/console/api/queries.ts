/** The questions pages ask, each with how often it is asked again when no event says so. */
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import * as client from './client.ts'
import { ApiFailure } from './failure.ts'

/** Events of the live feed invalidate at once; this is the net below them, and the heartbeat. */
export const pollMs = 5_000

export const useMeQuery = () =>
  useQuery({
    queryKey: ['me'],
    queryFn: () =>
      client.getMe().catch((error) => {
        if (error instanceof ApiFailure && error.status === 401) return null
        throw error
      }),
    staleTime: 60_000,
    refetchInterval: (query) => (query.state.status === 'error' ? 3_000 : false),
  })

export const useFleet = () =>
  useQuery({ queryKey: ['fleet'], queryFn: client.getFleet, refetchInterval: pollMs })

export const useAsset = (id: string) =>
  useQuery({
    queryKey: ['fleet', 'asset', id],
    queryFn: () => client.getAsset(id),
    refetchInterval: pollMs,
  })

export const useAlarms = (scope: client.Scope) =>
  useQuery({
    queryKey: ['alarms', scope],
    queryFn: () => client.getAlarms(scope),
    refetchInterval: pollMs,
  })

export const useCases = (scope: client.Scope) =>
  useQuery({
    queryKey: ['cases', scope],
    queryFn: () => client.getCases(scope),
    refetchInterval: pollMs,
  })

/** An open case is asked for often: its recovery counter is what people watch. */
export const useCase = (id: string | undefined) =>
  useQuery({
    queryKey: ['cases', 'one', id],
    queryFn: () => client.getCase(id ?? ''),
    enabled: id !== undefined,
    refetchInterval: ({ state }) => (state.data?.closedAt ? false : 2_000),
  })

export const useSessions = (scope: client.Scope) =>
  useQuery({
    queryKey: ['sessions', scope],
    queryFn: () => client.getSessions(scope),
    refetchInterval: pollMs,
  })

export const useRecording = (id: string) =>
  useQuery({
    queryKey: ['sessions', 'recording', id],
    queryFn: () => client.getRecording(id),
    refetchInterval: ({ state }) => (state.data?.session.state === 'active' ? pollMs : false),
  })

export const useAudit = (limit: number) =>
  useQuery({
    queryKey: ['audit', limit],
    queryFn: () => client.getAudit(limit),
    refetchInterval: 15_000,
  })

/** A change: nothing is shown as done before the server says so; then everything it may touch is asked again. */
export function useChange<Input, Answer>(change: (input: Input) => Promise<Answer>) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: change,
    onSuccess: () =>
      Promise.all(
        ['fleet', 'alarms', 'cases', 'sessions', 'models', 'maintenance', 'audit'].map((topic) =>
          queries.invalidateQueries({ queryKey: [topic] }),
        ),
      ),
  })
}
