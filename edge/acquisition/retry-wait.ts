/** The wait between two tries of a link, which somebody may end who has mended what was wrong. */
import { type BackoffOptions, pause } from '../../protocol/kit/backoff.ts'

/** A device that comes back is found within a minute; one that is dead costs a connect a minute. */
const DEFAULT_BACKOFF: BackoffOptions = { minMs: 500, maxMs: 60_000 }

export interface RetryWait {
  /** Given, for as long as it waits, what ends the wait. */
  onWait?(tryNow: (() => void) | undefined): void
  /** Default: 0.5 s doubling to 60 s. */
  backoff?: BackoffOptions
}

/** Never rejects. */
export async function waitForTry(
  { backoff = DEFAULT_BACKOFF, onWait }: RetryWait,
  attempt: number,
  signal: AbortSignal,
): Promise<void> {
  const called = new AbortController()
  onWait?.(() => called.abort())
  await pause(attempt, backoff, AbortSignal.any([signal, called.signal]))
  onWait?.(undefined)
}
