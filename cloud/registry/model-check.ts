/** Whether a version still is what was registered: looked at whenever its files are read, said once when it is not. */
import { NORMAL_FILE } from '../../models/train/normal-rows.ts'
import type { ModelVersionView } from '../../protocol/api-models.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import type { Audit } from '../audit/audit.ts'
import { type ModelFiles, readModelFiles, type Signer } from './model-files.ts'
import type { ModelVersion } from './version.ts'

export interface ModelCheck {
  /** Throws Fault 'model.tampered'. */
  load(version: ModelVersion): Promise<ModelFiles>
  /** With the verdict of the last look; files that were not looked at yet are now. */
  view(version: ModelVersion): Promise<ModelVersionView>
}

export interface CheckOptions {
  audit: Audit
  dir: string
  signer: Signer
}

export function createModelCheck({ audit, dir, signer }: CheckOptions): ModelCheck {
  /** What the last look at a version's files found; null: nothing wrong. */
  const verdicts = new Map<string, string | null>()
  /** Versions whose training rows lie beside them. */
  const withRows = new Set<string>()

  async function look({ id, asset, site }: Pick<ModelVersion, 'id' | 'asset' | 'site'>) {
    const found = await readModelFiles(dir, { id, asset }, signer)
    const problem = 'problem' in found ? found.problem : null
    const isNews = problem !== null && problem !== verdicts.get(id)
    verdicts.set(id, problem)
    if ('files' in found && NORMAL_FILE in found.files) withRows.add(id)
    if (isNews)
      await audit.append({
        ...{ actor: 'registry', action: 'model.load', object: id, site },
        ...{ outcome: 'failed', detail: { asset, problem } },
      })
    return found
  }

  return {
    async load(version) {
      const found = await look(version)
      if ('files' in found) return found.files
      const { name, version: number } = version
      throw new Fault('model.tampered', { name, version: number, problem: found.problem })
    },
    async view({ factor: _, automatic: _a, filesSha256: _f, ...version }) {
      if (!verdicts.has(version.id)) await look(version)
      const problem = verdicts.get(version.id) ?? null
      const emptyCells = sayEmptyCells(version.kind, withRows.has(version.id))
      return { ...version, intact: problem === null, problem, emptyCells }
    },
  }
}

/** Filling needs the rows that the relations of the tags were learned from. */
function sayEmptyCells(
  kind: ModelVersionView['kind'],
  hasRows: boolean,
): ModelVersionView['emptyCells'] {
  if (kind === 'multivariate') return hasRows ? 'filled' : 'retrain'
  return kind === 'life' || kind === 'failures' ? null : 'unknown'
}
