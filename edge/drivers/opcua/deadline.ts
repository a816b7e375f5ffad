/** Waits for a promise no longer than allowed; what the library leaves pending is settled here. */
import { Fault } from '../../../protocol/kit/fault.ts'

export interface Deadline {
  endpoint: string
  timeoutMs: number
  signal: AbortSignal
}

/** Rejects with Fault 'driver.timeout' or the signal's reason; a later rejection of the promise is swallowed. */
export async function withDeadline<T>(promise: Promise<T>, deadline: Deadline): Promise<T> {
  const { endpoint, timeoutMs, signal } = deadline
  const { promise: ended, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  const timer = setTimeout(
    () => reject(new Fault('driver.timeout', { endpoint, timeoutMs })),
    timeoutMs,
  )
  if (signal.aborted) onAbort()
  signal.addEventListener('abort', onAbort, { once: true })
  promise.catch(() => {})
  try {
    return await Promise.race([ended, promise])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}
