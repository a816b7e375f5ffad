/** One alarm rule of one press, as a row, for tests that need an alarm to hang on it. */
import type { Store } from '../store/store.ts'

/** Inserts rule `r` of asset `press`; `model`: the version behind it. */
export async function insertPressRule(store: Store, model: string | null = null): Promise<void> {
  await store.db
    .insertInto('alarm_rules')
    .values({
      ...{ id: 'r', asset: 'press', site: 'plant', tag: 't', title: 'x' },
      ...{ severity: 1, high_limit: 1, on_delay_ms: 0, off_delay_ms: 0, shelving: 'Unshelved' },
      ...{ shelved_until: null, shelved_by: null, suppressed: 0, out_of_service: 0, model },
    })
    .execute()
}
