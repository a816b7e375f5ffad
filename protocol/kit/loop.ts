/** A loop as a disposable thing: disposing aborts it and waits for its end. */
import { wait } from './backoff.ts'

/** Starts `loop` at once. A rejection of it comes out at disposal. */
export function runUntilDisposed(loop: (signal: AbortSignal) => Promise<void>): AsyncDisposable {
  const stop = new AbortController()
  const ended = loop(stop.signal)
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await ended
    },
  }
}

/** Resolves when the signal aborts, at once when it has. */
export async function untilAborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
}

export interface RepeatOptions {
  everyMs: number
  /** What to do with a failure; the loop goes on. */
  onError(error: unknown): void
}

/** Runs `work` again and again with a pause between, never two at a time, until disposed. */
export function repeatUntilDisposed(
  work: () => Promise<void>,
  options: RepeatOptions,
): AsyncDisposable {
  return runUntilDisposed(async (signal) => {
    while (await wait(options.everyMs, signal)) {
      try {
        await work()
      } catch (error) {
        options.onError(error)
      }
    }
  })
}
