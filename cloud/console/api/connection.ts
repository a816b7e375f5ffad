/** Whether the API answers, and since when it does not: one value for the whole page. */
import { useSyncExternalStore } from 'react'

let lostAt: number | null = null
const listeners = new Set<() => void>()

function set(next: number | null): void {
  if (next === lostAt) return
  lostAt = next
  for (const listener of listeners) listener()
}

/** The first unanswered call sets the time; later ones keep it. */
export const reportUnreachable = (at: number) => set(lostAt ?? at)
export const reportAnswered = () => set(null)
export const connectionLostAt = () => lostAt

/** Calls the listener on every change; returns how to stop. */
export function watchConnection(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** Unix ms since when the API has not answered, or null. */
export const useConnectionLostAt = () => useSyncExternalStore(watchConnection, connectionLostAt)
