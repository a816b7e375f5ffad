/** Looks for tags that have fallen silent, as seldom as none can be missed. */
import type { Conditioner, GroupPlan } from './conditioner.ts'
import { createSleeper } from './schedule.ts'

/** Bounds of how often silence is looked for. */
const MIN_CHECK_MS = 50
const MAX_CHECK_MS = 1000

/** Stale tags are found while the line hangs too, so this runs beside it. */
export async function watchSilence(
  conditioner: Conditioner,
  groups: readonly GroupPlan[],
  signal: AbortSignal,
): Promise<void> {
  const shortestMs = Math.min(...groups.map(({ intervalMs }) => intervalMs))
  using sleeper = createSleeper(signal)
  for (;;) {
    conditioner.check()
    const nowMs = performance.now()
    const quietMs = conditioner.quietUntil() - nowMs
    const pauseMs = Math.min(MAX_CHECK_MS, Math.max(MIN_CHECK_MS, shortestMs, quietMs))
    if (!(await sleeper.sleepUntil(nowMs + pauseMs))) return
  }
}
