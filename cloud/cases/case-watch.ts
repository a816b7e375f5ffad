/** Watches the ratio of every asset with an open case, and says when its recovery has held or was lost. */
import type { Sample } from '../../protocol/model.ts'
import type { Store } from '../store/store.ts'
import {
  applyRatio,
  initialRecovery,
  type RecoveryChange,
  type RecoveryMemory,
} from './recovery.ts'

export interface CaseWatch {
  /** Begins to watch; a sample from before the case says nothing about it. */
  begin(asset: string, openedAt: number, isVerified: boolean): void
  end(asset: string): void
  take(
    asset: string,
    sample: Sample,
    condition: { holdMs: number; holeMs?: number },
  ): RecoveryChange
  memoryOf(asset: string): RecoveryMemory | undefined
}

export async function openCaseWatch({ db }: Store): Promise<CaseWatch> {
  const memories = new Map<string, RecoveryMemory>()
  const watch: CaseWatch = {
    begin(asset, openedAt, isVerified) {
      memories.set(asset, { ...initialRecovery(isVerified), lastAt: openedAt })
    },
    end: (asset) => void memories.delete(asset),
    take(asset, sample, condition) {
      const before = memories.get(asset)
      if (!before) return undefined
      const { memory, change } = applyRatio(before, sample, condition)
      memories.set(asset, memory)
      return change
    },
    memoryOf: (asset) => memories.get(asset),
  }
  const open = await db
    .selectFrom('cases')
    .select(['asset', 'opened_at', 'verified_at'])
    .where('state', 'not in', ['closed', 'dismissed'])
    .execute()
  for (const row of open) watch.begin(row.asset, row.opened_at, row.verified_at !== null)
  return watch
}
