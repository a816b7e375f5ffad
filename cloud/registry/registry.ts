/** The registry of models: versions that are never edited, their stages, and whether they still are what was registered. */
import { randomBytes } from 'node:crypto'
import { sha256Hex } from '../../models/manifest.ts'
import type { ModelStage, ModelVersionView } from '../../protocol/api-models.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import type { Audit } from '../audit/audit.ts'
import type { Store } from '../store/store.ts'
import { createModelCheck } from './model-check.ts'
import {
  hashModelFiles,
  MODEL_FILE,
  type ModelFiles,
  removeModelFiles,
  removeOrphans,
  type Signer,
  sweepModelFiles,
  writeModelFiles,
} from './model-files.ts'
import {
  changeFactor,
  changeStage,
  findVersion,
  insertVersion,
  listVersions,
  retireSurplus,
} from './registry-rows.ts'
import {
  deleteVersion,
  findObsolete,
  KEPT_AUTOMATIC,
  type RetentionPolicy,
  readUse,
  sayTooMany,
} from './retention.ts'
import type { ModelFacts, ModelVersion } from './version.ts'

export interface RegistryOptions {
  store: Store
  audit: Audit
  /** DATA/models */
  dir: string
  signer: Signer
  /** So many automatic versions of an asset and name stay in shadow. */
  keepAutomatic?: number
  /** Unix ms. */
  now?(): number
  /** Something about the asset's models is different now. */
  onChange(of: { asset: string; site: string }): void | Promise<void>
}

export interface NewModel
  extends Pick<ModelVersion, 'asset' | 'site' | 'name' | 'kind' | 'source' | 'periods'> {
  /** Whatever is registered by a person begins in shadow; only the configuration's own begins active. */
  stage: Extract<ModelStage, 'shadow' | 'active'>
  createdBy: string
  facts: ModelFacts
  /** `model.onnx` and `manifest.json` at least. */
  files: ModelFiles
  /** Nobody asked for this very version. */
  automatic?: true
}

/** Who acts; the caller has asked the policy already. */
export interface Person {
  login: string
}

export interface Registry {
  /** Writes the files, signs them, and enters the version. */
  register(wanted: NewModel): Promise<ModelVersion>
  /** Newest first. */
  list(query: { asset?: string; sites?: readonly string[] }): Promise<ModelVersion[]>
  get(id: string): Promise<ModelVersion | undefined>
  /** With the verdict of the last check; files that were not looked at yet are now. */
  view(version: ModelVersion): Promise<ModelVersionView>
  /** The checked files; throws Fault 'model.tampered' when they are not what was registered, 'object.missing'. */
  load(id: string): Promise<ModelFiles>
  /** Throws Fault 'model.conflict' when the stage cannot follow, 'model.tampered' when it may not be used. */
  setStage(
    actor: Person,
    id: string,
    wanted: { stage: ModelStage; reason: string },
  ): Promise<ModelVersion>
  /** A factor on the trained threshold; 1 takes every change back. */
  setFactor(
    actor: Person,
    id: string,
    wanted: { factor: number; reason: string },
  ): Promise<ModelVersion>
  /** Removes what nobody needs any more, rows and files; each is an entry of the audit. Answers their ids. */
  retain(policy: RetentionPolicy): Promise<string[]>
}

export async function openRegistry(options: RegistryOptions): Promise<Registry> {
  const { store, audit, dir, signer, now = Date.now, onChange } = options
  const keep = options.keepAutomatic ?? KEPT_AUTOMATIC
  await sweepModelFiles(dir)
  const check = createModelCheck({ audit, dir, signer })
  // One change at a time: PostgreSQL lets two people retire the same version, and number two versions alike.
  let tail: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = tail.then(work)
    tail = done.catch(() => undefined)
    return done
  }

  async function find(id: string): Promise<ModelVersion> {
    const version = await findVersion(store, id)
    if (!version) throw new Fault('object.missing', { id })
    return version
  }

  async function changed(
    version: ModelVersion,
    actor: string,
    act: { action: string; detail: unknown },
  ): Promise<ModelVersion> {
    const { id, asset, site } = version
    await audit.append({ actor, ...act, object: id, site, outcome: 'done' })
    await onChange({ asset, site })
    return version
  }

  async function makeRoom({ asset, name }: ModelVersion): Promise<void> {
    const { needed } = await readUse(store)
    const act = { at: now(), actor: 'retention', reason: sayTooMany(keep), keep }
    const surplus = () => retireSurplus(store, { asset, name }, { ...act, needed })
    for (const version of await inTurn(surplus)) {
      const detail = { from: 'shadow', to: 'retired', reason: act.reason }
      await changed(version, act.actor, { action: 'model.stage', detail })
    }
  }

  async function retain(policy: RetentionPolicy): Promise<string[]> {
    const versions = await listVersions(store, {})
    const wanted = { policy, now: now() }
    const obsolete = findObsolete(versions, await readUse(store), wanted)
    for (const { id, asset, site, name, version, createdAt, sha256 } of obsolete) {
      // The rows first: what is left after a crash is a folder that nobody knows.
      await inTurn(() => deleteVersion(store, id))
      await removeModelFiles(dir, id)
      await audit.append({
        ...{ actor: 'retention', action: 'model.remove', object: id, site, outcome: 'done' },
        detail: { asset, name, version, createdAt, sha256 },
      })
      await onChange({ asset, site })
    }
    const before = wanted.now - policy.keepDays * 86_400_000
    const known = new Set(versions.map(({ id }) => id))
    for (const object of await removeOrphans(dir, { known, before }))
      await audit.append({
        ...{ actor: 'retention', action: 'model.remove', object, outcome: 'done' },
        detail: { reason: 'no row knows this folder' },
      })
    return obsolete.map(({ id }) => id)
  }

  return {
    async register({ files, facts, ...wanted }) {
      const id = `mdl_${randomBytes(9).toString('base64url')}`
      const sha256 = sha256Hex(files[MODEL_FILE] ?? new Uint8Array())
      await writeModelFiles(dir, { id, asset: wanted.asset }, { files, signer })
      const filesSha256 = hashModelFiles(files)
      const own = { ...wanted, id, sha256, filesSha256, createdAt: now(), factor: 1 }
      const version = await inTurn(() => insertVersion(store, own, facts))
      const detail = { asset: version.asset, name: version.name, version: version.version, sha256 }
      await changed(version, wanted.createdBy, { action: 'model.register', detail })
      if (wanted.automatic) await makeRoom(version)
      return version
    },
    list: (query) => listVersions(store, query),
    get: (id) => findVersion(store, id),
    view: (version) => check.view(version),
    load: async (id) => await check.load(await find(id)),
    async setStage({ login }, id, { stage, reason }) {
      const version = await find(id)
      if (stage !== 'retired') await check.load(version)
      const act = { stage, at: now(), actor: login, reason }
      const { from, after, replaced } = await inTurn(() => changeStage(store, version, act))
      const detail = { from, to: stage, reason, ...(replaced && { replaced }) }
      return await changed(after, login, { action: 'model.stage', detail })
    },
    async setFactor({ login }, id, { factor, reason }) {
      const version = await find(id)
      const act = { factor, at: now(), actor: login, reason }
      const { from, after } = await inTurn(() => changeFactor(store, version, act))
      const detail = { from, to: factor, reason }
      return await changed(after, login, { action: 'model.threshold', detail })
    },
    retain,
  }
}
