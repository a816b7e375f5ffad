/** A bell a loop sleeps by: rung before or during the wait, the loop goes on at once. */
export interface Bell {
  ring(): void
  /** Resolves at the next ring, after `ms`, or when the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>
}

export function createBell(): Bell {
  let rung = false
  let wake: (() => void) | undefined
  return {
    ring() {
      rung = true
      wake?.()
    },
    wait: (ms, signal) =>
      new Promise((resolve) => {
        const done = () => {
          rung = false
          wake = undefined
          clearTimeout(timer)
          signal.removeEventListener('abort', done)
          resolve()
        }
        const timer = setTimeout(done, ms)
        wake = done
        signal.addEventListener('abort', done, { once: true })
        if (rung || signal.aborted) done()
      }),
  }
}
