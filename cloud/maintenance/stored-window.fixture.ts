/** Planned maintenance of one press that is over, as a row, for tests that need some to have been. */
import type { Store } from '../store/store.ts'

/** `asset: null` is the whole site; `endedAt` before `to` is an early end. */
export async function insertWork(
  store: Store,
  { from, to, ...more }: { from: number; to: number; asset?: string | null; endedAt?: number },
): Promise<void> {
  const { asset = 'press', endedAt = to } = more
  const id = `mnt_${from}_${to}`
  await store.db
    .insertInto('maintenance_windows')
    .values({
      ...{ id, site: 'plant', asset, text: 'seal changed', from_at: from, to_at: to },
      ...{ previous_state: 'running', state: 'over', entered_at: from, entered_by: 'per_ina' },
      ...{ ended_at: endedAt, ended_by: null, cancelled_at: null, cancelled_by: null },
    })
    .execute()
}
