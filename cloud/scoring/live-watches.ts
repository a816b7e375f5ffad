/** Comparison and drift of all assets while the cloud runs, and from one run to the next. */
import type { Log } from '../../protocol/kit/log.ts'
import { repeatUntilDisposed } from '../../protocol/kit/loop.ts'
import type { Store } from '../store/store.ts'
import { type Comparisons, createComparisons } from './comparison.ts'
import { createDriftWatch, type DriftWatch, type ManifestOf } from './drift-watch.ts'
import { createKeptStates } from './kept-states.ts'
import type { ScoringResult } from './result.ts'

/** A crash loses so much of a comparison of days, a stop nothing; each time costs a few commits. */
const SAVE_MS = 300_000

export interface LiveWatchesOptions {
  store: Pick<Store, 'db'>
  log: Log
  /** Of the versions that watch live data. */
  manifestOf: ManifestOf
  /** Its machine is in planned maintenance: what is measured then is neither compared nor taken for drift. */
  isInWork?(result: ScoringResult): boolean
  saveMs?: number
}

export interface LiveWatches extends AsyncDisposable {
  comparisons: Pick<Comparisons, 'of'>
  drift: Pick<DriftWatch, 'of' | 'coarserOf'>
  /** Everything one tick brought; answers the assets that drift from now on. */
  accept(results: readonly ScoringResult[]): string[]
  /** Only these versions are there now. */
  keep(models: ReadonlySet<string>): void
}

export async function openLiveWatches(options: LiveWatchesOptions): Promise<LiveWatches> {
  const { store, log, manifestOf, isInWork = () => false, saveMs = SAVE_MS } = options
  const states = createKeptStates(store)
  const comparisons = createComparisons(await states.read('comparison'))
  const drift = createDriftWatch({ kept: await states.read('drift'), manifestOf })
  const save = () => states.write([...comparisons.save(), ...drift.save()])
  const onError = (error: unknown) => log.error({ err: error }, 'live states were not written')
  const saving = repeatUntilDisposed(save, { everyMs: saveMs, onError })
  return {
    ...{ comparisons, drift },
    accept(results) {
      comparisons.accept(results, { ruleOf: manifestOf, isInWork })
      const counted = results.filter((result) => !isInWork(result))
      return drift.accept(counted, manifestOf)
    },
    keep: (models) => comparisons.keep(models),
    async [Symbol.asyncDispose]() {
      await saving[Symbol.asyncDispose]()
      await save().catch(onError)
    },
  }
}
