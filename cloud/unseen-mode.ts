/** Whether an alarm came in an operating mode that no case was in: then a model of known failures cannot know it. */
import { holdMsOf } from '../models/modes.ts'
import type { FailureModel } from './explanation/diagnosis.ts'
import { pickLearnable, readLabelledCases } from './feedback/labelled-cases.ts'
import type { AssetConfig } from './fleet/fleet-config.ts'
import type { Historian } from './historian/historian.ts'
import { namedTags } from './models-of.ts'
import type { Registry } from './registry/registry.ts'
import type { Store } from './store/store.ts'
import { readModes } from './training/mode-history.ts'

export interface UnseenModeParts {
  store: Store
  registry: Pick<Registry, 'list' | 'get'>
  historian: Pick<Historian, 'raw'>
  assets: readonly AssetConfig[]
}

/** Answers the mode; undefined: some case was in it, or nobody can say. */
export function createUnseenMode({ store, registry, historian, assets }: UnseenModeParts) {
  /** The mode of an asset at an instant; '' where it is not known any more. */
  async function readMode(asset: string, how: { name: string; holdMs: number; at: number }) {
    const config = assets.find(({ id }) => id === asset)
    const tag = config && namedTags(config)[how.name]
    if (!tag) return ''
    const [mode = ''] = await readModes(
      historian,
      { tag, holdMs: how.holdMs },
      Float64Array.of(how.at),
    )
    return mode
  }

  /** The modes of the cases that a version learned from, '' where one is not known any more. */
  async function readCaseModes(
    { asset, before }: { asset: string; before: number },
    how: { name: string; holdMs: number },
  ): Promise<Set<string>> {
    const { cases } = await readLabelledCases(store, asset)
    const modes = new Set<string>()
    for (const one of [...pickLearnable(cases).values()].flat())
      if (one.closedAt <= before) modes.add(await readMode(one.asset, { ...how, at: one.from }))
    return modes
  }
  /** By version: its cases do not change any more, and an alarm is looked at again and again. */
  const kept = new Map<string, Set<string>>()

  return async ({ id, asset }: FailureModel, at: number): Promise<string | undefined> => {
    const versions = await registry.list({ asset })
    const active = versions.find(({ kind, stage }) => kind === 'multivariate' && stage === 'active')
    const own = await registry.get(id)
    if (!active?.modes || !own) return undefined
    const how = { name: active.modes.tag, holdMs: holdMsOf(active.periodMs) }
    const mode = await readMode(asset, { ...how, at })
    if (mode === '') return undefined
    const key = `${id} ${how.name}`
    const known = kept.get(key) ?? (await readCaseModes({ asset, before: own.createdAt }, how))
    kept.set(key, known)
    // One whose mode is forgotten may have been in this one.
    return known.has('') || known.has(mode) ? undefined : mode
  }
}
