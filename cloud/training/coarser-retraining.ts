/** Live values coarser than the training's: a version that knows their steps is trained into shadow, once for each active one. */
import { Fault } from '../../protocol/kit/fault.ts'
import type { Log } from '../../protocol/kit/log.ts'
import type { Store } from '../store/store.ts'
import type { Training } from './training.ts'

/** Stands where a login is, on the job and on its version. */
export const COARSER = 'coarser live values'
/** To look whether the history is enough reads much of it: again when there is twice as much, between these. */
const LOOK_AGAIN_MS = { least: 60_000, most: 3_600_000 } as const
/** What failed is not tried again the same day. */
const PAUSE_MS = 86_400_000

export interface CoarserRetrainingOptions {
  store: Pick<Store, 'db'>
  training: Pick<Training, 'propose' | 'train'>
  log: Log
  /** Unix ms. */
  now?(): number
}

export interface CoarserLive {
  /** The active version. */
  model: string
  /** By tag name, in the tag's own unit. */
  steps: Readonly<Record<string, number>>
  /** From here on its live values are known to come in these steps. */
  since: number
}

export interface CoarserRetraining {
  /** Told as often as one likes: a job is queued as soon as the history since then is enough, and once. */
  note(asset: string, found: CoarserLive): Promise<void>
}

export function createCoarserRetraining(options: CoarserRetrainingOptions): CoarserRetraining {
  const { store, training, log, now = Date.now } = options
  const lookAt = new Map<string, number>()

  /** By the jobs, so that a restart does not begin anew. */
  async function isDone(asset: string, since: number): Promise<boolean> {
    const job = await store.db
      .selectFrom('training_jobs')
      .select(['state', 'requested_at'])
      .where('asset', '=', asset)
      .where('requested_by', '=', COARSER)
      .where('requested_at', '>', since)
      .orderBy('requested_at', 'desc')
      .executeTakeFirst()
    return job !== undefined && (job.state !== 'failed' || now() - job.requested_at < PAUSE_MS)
  }

  async function train(asset: string, { steps, since }: CoarserLive): Promise<void> {
    const { periods, enough } = await training.propose(asset, { from: since })
    if (!enough) return
    const named = Object.entries(steps).map(([name, step]) => `${name} in ${step.toPrecision(2)}`)
    const note = `live values are coarser than those the active version learned from: ${named.join(', ')}`
    const wanted = { periods, note: note.slice(0, 1000), automatic: true } as const
    await training.train({ login: COARSER }, asset, wanted)
    log.info({ asset, steps }, 'training with the live steps, into shadow')
  }

  return {
    async note(asset, found) {
      const key = `${asset} ${found.model}`
      if (now() < (lookAt.get(key) ?? 0)) return
      const { least, most } = LOOK_AGAIN_MS
      lookAt.set(key, now() + Math.min(most, Math.max(least, now() - found.since)))
      if (await isDone(asset, found.since)) return
      try {
        await train(asset, found)
      } catch (error) {
        if (!(error instanceof Fault)) throw error
        log.warn({ asset, problem: error.message }, 'no training with the live steps yet')
      }
    },
  }
}
