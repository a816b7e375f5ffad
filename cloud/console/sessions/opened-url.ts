/** Where the frame of an opened session points; kept in memory only, because its ticket works once. */
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useSyncExternalStore } from 'react'
import { openSession } from '../api/client.ts'

const urls = new Map<string, string>()
const listeners = new Set<() => void>()

function watch(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

function keep(session: string, url: string): void {
  urls.set(session, url)
  for (const listener of listeners) listener()
}

/** The address handed out for this session in this tab, or null. */
export const useOpenedUrl = (session: string) =>
  useSyncExternalStore(watch, () => urls.get(session) ?? null)

/** Opens the session and keeps its address for the session page. */
export function useOpenSession(session: string) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: () => openSession(session),
    onSuccess: ({ url }) => {
      keep(session, url)
      void queries.invalidateQueries({ queryKey: ['cases'] })
      return queries.invalidateQueries({ queryKey: ['sessions'] })
    },
  })
}
