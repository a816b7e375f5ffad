/** Live samples in, scores out: windows per model and asset, one batch per file and tick, "unknown" whenever data or model fail. */
import type { Manifest } from '../../models/manifest.ts'
import type { Log } from '../../protocol/kit/log.ts'
import type { AssetId, Sample, TagId } from '../../protocol/model.ts'
import { type Inference, openInference } from './inference.ts'
import { type KeptRows, openKeptRows } from './kept-rows.ts'
import { createPaces, type Paces } from './paces.ts'
import type { ScoringResult } from './result.ts'
import { runKeyOf } from './run-key.ts'
import { scoreDue } from './score-due.ts'
import {
  createWatched,
  filesOf,
  isSameWindow,
  runsOf,
  type Watched,
  type WatchedModel,
  type WindowTiming,
} from './watched.ts'

export interface ScoringOptions extends WindowTiming {
  models: readonly WatchedModel[]
  log: Log
  /** Replaces the model thread. */
  inference?: Inference
  /** Replaces the thread of slow models. */
  aside?: Inference
  /** Replaces what knows them. */
  paces?: Paces
  /** Replaces what reads the kept training rows. */
  keptRows?: KeptRows
}

export interface ScoredBy {
  asset: AssetId
  /** The version. */
  id: string
  version: number
  isPrimary: boolean
  manifest: Manifest
  modelSha256: string
  tags: Readonly<Record<string, TagId>>
  factor: number
}

export interface Scoring extends AsyncDisposable {
  /** Samples in any order; tags that no model looks at are passed over. */
  accept(samples: readonly Sample[]): void
  /**
   * Scores every grid instant that is due; [] while an earlier tick is still running. Assets with a slow model are
   * scored aside: their results come with a later tick.
   */
  tick(now: number): Promise<ScoringResult[]>
  /** From now on these; a version that was there before keeps its window. */
  watch(models: readonly WatchedModel[]): Promise<void>
  /** Those that can be used. */
  models(): ScoredBy[]
  /** `[B, T, p]` of the past through a model; throws Fault 'scoring.failed'. */
  infer: Inference['run']
}

/** Nothing is loaded into the model thread before the first window is full. */
export async function openScoring(options: ScoringOptions): Promise<Scoring> {
  const { log } = options
  const inference = options.inference ?? openInference({ log })
  // Threads of their own: neither a slow model nor somebody's question holds up the scores of the others.
  const aside = options.aside ?? openInference({ log })
  const asked = openInference({ log })
  /** How many questions to each file are under way. */
  const asking = new Map<string, number>()
  const paces = options.paces ?? createPaces()
  const late = createLateResults(log)
  const keptRows = options.keptRows ?? openKeptRows({ log })
  let watched: Watched[] = []
  let byTag = new Map<TagId, Watched[]>()
  let busy = false
  let latest = 0

  function watch(models: readonly WatchedModel[]): void {
    watched = models.map((wanted) => {
      const before = watched.find((one) => one.id === wanted.id && one.asset === wanted.asset)
      return before && isSameWindow(before, wanted)
        ? { ...before, ...wanted }
        : createWatched(wanted, options, { keptRows, log })
    })
    byTag = new Map()
    for (const one of watched)
      for (const tag of new Set(Object.values(one.tags)))
        byTag.set(tag, [...(byTag.get(tag) ?? []), one])
  }
  watch(options.models)

  return {
    accept(samples) {
      for (const sample of samples)
        for (const one of byTag.get(sample.tag) ?? []) one.window?.accept(sample)
    },
    async tick(now) {
      if (busy) return []
      busy = true
      try {
        const slow = findSlow(watched, paces)
        const quick = slow.size === 0 ? watched : watched.filter(({ asset }) => !slow.has(asset))
        latest = now
        if (slow.size > 0) {
          const others = watched.filter(({ asset }) => slow.has(asset))
          late.begin(groupByFiles(others), (own) =>
            scoreDue(own, latest, { inference: aside, paces, log }),
          )
        }
        return [...late.take(), ...(await scoreDue(quick, now, { inference, paces, log }))]
      } finally {
        busy = false
      }
    },
    async watch(models) {
      const [files, keys] = [allFiles(watched), allRunKeys(watched)]
      watch(models)
      for (const sha256 of files.difference(allFiles(watched))) {
        keptRows.release(sha256)
        paces.forget(sha256)
      }
      // One file may stay under another manifest: the session of this one goes all the same.
      for (const key of keys.difference(allRunKeys(watched))) {
        await inference.release(key)
        await aside.release(key)
      }
    },
    models: () => watched.flatMap(describe),
    async infer(model, windows, batch) {
      const { sha256 } = model
      asking.set(sha256, (asking.get(sha256) ?? 0) + 1)
      try {
        return await asked.run(model, windows, batch)
      } finally {
        const others = (asking.get(sha256) ?? 1) - 1
        asking.set(sha256, others)
        // It is asked once in a while: it does not stay loaded. The last one to ask closes it.
        if (others === 0) {
          asking.delete(sha256)
          await asked.release(sha256)
        }
      }
    },
    async [Symbol.asyncDispose]() {
      await keptRows[Symbol.asyncDispose]()
      await inference[Symbol.asyncDispose]()
      await aside[Symbol.asyncDispose]()
      await asked[Symbol.asyncDispose]()
      await late.settled()
    },
  }
}

function allFiles(watched: readonly Watched[]): Set<string> {
  return new Set(watched.flatMap(filesOf))
}

function allRunKeys(watched: readonly Watched[]): Set<string> {
  return new Set(watched.flatMap(runsOf).map(runKeyOf))
}

function describe({ model, problem, ...one }: Watched): ScoredBy[] {
  if ('problem' in model || problem !== undefined) return []
  const { asset, id, version, isPrimary, tags, factor } = one
  const { manifest, sha256: modelSha256 } = model
  return [{ asset, id, version, isPrimary, tags, factor, manifest, modelSha256 }]
}

/** Assets with a slow model among those that watch them: all of these stay together, or nothing could be compared. */
function findSlow(watched: readonly Watched[], paces: Paces): Set<AssetId> {
  const slow = watched.filter((one) => filesOf(one).some((sha256) => paces.isSlow(sha256)))
  return new Set(slow.map(({ asset }) => asset))
}

/** Assets with the same files go together: they share their runs. */
function groupByFiles(watched: readonly Watched[]): Watched[][] {
  const assets = [...Map.groupBy(watched, ({ asset }) => asset).values()]
  const groups = Map.groupBy(assets, (own) => own.flatMap(filesOf).sort().join())
  return [...groups.values()].map((group) => group.flat())
}

/**
 * One pass at a time, whose results wait for somebody to take them, group by group: those of the first must not grow too
 * old for an alarm while the last is scored.
 */
function createLateResults(log: Log) {
  let running: Promise<void> | undefined
  let results: ScoringResult[] = []
  type Score = (own: readonly Watched[]) => Promise<ScoringResult[]>
  async function pass(groups: readonly Watched[][], score: Score): Promise<void> {
    for (const own of groups) {
      const found = await score(own).catch((error: unknown) => {
        log.error({ err: error }, 'slow models were not scored')
        return []
      })
      results.push(...found)
    }
  }
  return {
    begin(groups: readonly Watched[][], score: Score): void {
      running ??= pass(groups, score).finally(() => {
        running = undefined
      })
    },
    take(): ScoringResult[] {
      const taken = results
      results = []
      return taken
    },
    settled: async () => await running,
  }
}
