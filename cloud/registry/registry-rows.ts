/** The rows of the registry: entering a version, changing its stage and its factor, each with its event in one transaction. */
import type { Transaction } from 'kysely'
import type { ModelStage } from '../../protocol/api-models.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import type { Schema } from '../store/schema.ts'
import type { Store } from '../store/store.ts'
import { canChangeStage } from './stages.ts'
import { fromRow, type ModelFacts, type ModelVersion, toRow } from './version.ts'

type Trx = Transaction<Schema>

interface Act {
  at: number
  actor: string
  reason: string
}

export async function findVersion({ db }: Store, id: string): Promise<ModelVersion | undefined> {
  const row = await db.selectFrom('models').selectAll().where('id', '=', id).executeTakeFirst()
  return row && fromRow(row)
}

/** Newest first; `sites` left out: all of them. */
export async function listVersions(
  { db }: Store,
  { asset, sites }: { asset?: string; sites?: readonly string[] },
): Promise<ModelVersion[]> {
  if (sites?.length === 0) return []
  let query = db
    .selectFrom('models')
    .selectAll()
    .orderBy('created_at', 'desc')
    .orderBy('version', 'desc')
  if (asset !== undefined) query = query.where('asset', '=', asset)
  if (sites) query = query.where('site', 'in', sites)
  return (await query.execute()).map(fromRow)
}

/** Numbers it after the versions of the same name; whoever is active already makes room for an active one. */
export async function insertVersion(
  store: Store,
  wanted: Omit<ModelVersion, keyof ModelFacts | 'version'>,
  facts: ModelFacts,
): Promise<ModelVersion> {
  return await store.db.transaction().execute(async (trx) => {
    const newest = await trx
      .selectFrom('models')
      .select(({ fn }) => fn.max('version').as('version'))
      .where('asset', '=', wanted.asset)
      .where('name', '=', wanted.name)
      .executeTakeFirst()
    const version = { ...wanted, version: Number(newest?.version ?? 0) + 1 }
    const { createdAt: at, createdBy: actor, id } = wanted
    if (wanted.stage === 'active') {
      await retireActive(trx, wanted, { at, actor, reason: `replaced by ${wanted.name}` })
    }
    await trx.insertInto('models').values(toRow(version, facts)).execute()
    await writeEvent(trx, id, { at, actor, kind: 'registered', detail: { stage: wanted.stage } })
    return await read(trx, id)
  })
}

/** Throws Fault 'model.conflict'. `replaced`: the version that was active before. */
export async function changeStage(
  store: Store,
  { id, asset, kind }: ModelVersion,
  { stage, ...act }: Act & { stage: ModelStage },
): Promise<{ from: ModelStage; after: ModelVersion; replaced: string | undefined }> {
  return await store.db.transaction().execute(async (trx) => {
    const { stage: from } = await read(trx, id)
    if (!canChangeStage(from, stage))
      throw new Fault('model.conflict', { stage: from, wanted: stage })
    const replaced = stage === 'active' ? await retireActive(trx, { asset, kind }, act) : undefined
    await moveTo(trx, id, { from, stage, ...act })
    return { from, after: await read(trx, id), replaced }
  })
}

export async function changeFactor(
  store: Store,
  { id }: ModelVersion,
  { factor, at, actor, reason }: Act & { factor: number },
): Promise<{ from: number; after: ModelVersion }> {
  return await store.db.transaction().execute(async (trx) => {
    const { factor: from } = await read(trx, id)
    await trx.updateTable('models').set({ factor }).where('id', '=', id).execute()
    await writeEvent(trx, id, {
      at,
      actor,
      kind: 'threshold',
      detail: { from, to: factor, reason },
    })
    return { from, after: await read(trx, id) }
  })
}

/** Automatic versions of a name that nobody ever touched, all in shadow, beyond the newest `keep`; answers them retired. */
export async function retireSurplus(
  store: Store,
  { asset, name }: Pick<ModelVersion, 'asset' | 'name'>,
  { keep, needed, ...act }: Act & { keep: number; needed: ReadonlySet<string> },
): Promise<ModelVersion[]> {
  return await store.db.transaction().execute(async (trx) => {
    const rows = await trx
      .selectFrom('models')
      .select('id')
      .where('asset', '=', asset)
      .where('name', '=', name)
      .where('stage', '=', 'shadow')
      .where('automatic', '=', 1)
      .where(({ not, exists, selectFrom }) => {
        const events = selectFrom('model_events').select('id')
        const touched = events.whereRef('model_events.model', '=', 'models.id')
        return not(exists(touched.where('model_events.kind', '<>', 'registered')))
      })
      .orderBy('version', 'desc')
      .execute()
    const surplus = rows.slice(keep).filter(({ id }) => !needed.has(id))
    for (const { id } of surplus)
      await moveTo(trx, id, { from: 'shadow', stage: 'retired', ...act })
    return await Promise.all(surplus.map(({ id }) => read(trx, id)))
  })
}

async function retireActive(
  trx: Trx,
  { asset, kind }: Pick<ModelVersion, 'asset' | 'kind'>,
  act: Act,
): Promise<string | undefined> {
  const active = await trx
    .selectFrom('models')
    .select('id')
    .where('asset', '=', asset)
    .where('kind', '=', kind)
    .where('stage', '=', 'active')
    .executeTakeFirst()
  if (active) await moveTo(trx, active.id, { from: 'active', stage: 'retired', ...act })
  return active?.id
}

async function moveTo(
  trx: Trx,
  id: string,
  { from, stage, at, actor, reason }: Act & { from: ModelStage; stage: ModelStage },
): Promise<void> {
  const stage_change = JSON.stringify({ at, by: actor, reason })
  await trx.updateTable('models').set({ stage, stage_change }).where('id', '=', id).execute()
  await writeEvent(trx, id, { at, actor, kind: 'stage', detail: { from, to: stage, reason } })
}

async function read(trx: Trx, id: string): Promise<ModelVersion> {
  return fromRow(
    await trx.selectFrom('models').selectAll().where('id', '=', id).executeTakeFirstOrThrow(),
  )
}

async function writeEvent(
  trx: Trx,
  model: string,
  { detail, ...event }: { at: number; actor: string; kind: string; detail: object },
): Promise<void> {
  await trx
    .insertInto('model_events')
    .values({ model, ...event, detail: JSON.stringify(detail) })
    .execute()
}
