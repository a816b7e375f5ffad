/** The models of this configuration: a change of theirs reaches scoring, alarms and the pages. */
import { allRules } from './alarm-rules.ts'
import { type Models, openModels } from './open-models.ts'
import type { Parts } from './parts.ts'

export async function openConfiguredModels(parts: Parts): Promise<Models> {
  const { config, store, audit, historian, log, dataDir } = parts
  return await openModels({
    ...{ store, audit, historian, log, dataDir },
    baseDir: config.baseDir,
    assets: config.fleet.assets,
    keepAutomatic: config.retention.models.keepAutomatic,
    isInWork: (machine) => parts.maintenance.workOn(machine) !== undefined,
    async onWatched(models) {
      parts.scored = models
      // The alarms open later, with these rules.
      await parts.alarms?.setRules(allRules(parts))
    },
    onDue: async (due) => void (await parts.cases.fromHook(due)),
    onChange({ asset, site }) {
      parts.http?.live.changed({ kind: 'changed', what: 'models', id: asset }, site)
    },
  })
}
