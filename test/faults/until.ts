/** Waiting for what must come, with a generous deadline and the name of what never came. */
import { setTimeout as sleep } from 'node:timers/promises'

/** Throws when the condition is not met in time; an error of the condition comes out at once. */
export async function until(
  what: string,
  condition: () => unknown,
  timeoutMs = 60_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await condition())) {
    if (performance.now() > deadline) {
      throw new Error(`waited ${timeoutMs / 1000} s in vain: ${what}`)
    }
    await sleep(50)
  }
}
