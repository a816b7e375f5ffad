/** Which versions of models nobody needs any more: retired, old, replaced by enough newer ones, and nothing refers to them. */
import { Fault } from '../../protocol/kit/fault.ts'
import type { Store } from '../store/store.ts'
import type { ModelVersion } from './version.ts'

export interface RetentionPolicy {
  /** The newest so many of an asset and name are kept. */
  keepVersions: number
  /** So is what was in use, or changed its stage, within so many days. */
  keepDays: number
}

export interface VersionUse {
  /** Ids of versions that something refers to, or that are the way back. */
  needed: ReadonlySet<string>
  /** When its stage last changed, by id. */
  changedAt: ReadonlyMap<string, number>
}

/** Automatic versions of an asset and name in shadow. Each is scored live: the newest counts, two more show whether they agree. */
export const KEPT_AUTOMATIC = 3
export const sayTooMany = (kept: number) =>
  `only the newest ${kept} automatic versions stay in shadow`

const DAY_MS = 86_400_000
/** Stands as the author of versions that nobody registered by hand: they would come back at the next start. */
const CONFIGURATION = 'configuration'

/** Oldest last, as given. */
export function findObsolete(
  versions: readonly ModelVersion[],
  { needed, changedAt }: VersionUse,
  { policy, now }: { policy: RetentionPolicy; now: number },
): ModelVersion[] {
  const groups = Map.groupBy(versions, ({ asset, name }) => `${asset} ${name}`)
  return [...groups.values()].flatMap((own) => {
    const newestFirst = own.toSorted((one, other) => other.version - one.version)
    const configured = newestFirst.find(({ createdBy }) => createdBy === CONFIGURATION)
    return newestFirst.slice(policy.keepVersions).filter((one) => {
      const lastAt = Math.max(one.createdAt, changedAt.get(one.id) ?? 0)
      const isOld = now - lastAt > policy.keepDays * DAY_MS
      return one.stage === 'retired' && isOld && !needed.has(one.id) && one !== configured
    })
  })
}

/** What alarms with a case or a label refer to, what spoke of one, what is alarming now, and the version before each active one. */
export async function readUse({ db }: Store): Promise<VersionUse> {
  const events = await db
    .selectFrom('model_events')
    .innerJoin('models', 'models.id', 'model_events.model')
    .select(['models.id', 'models.asset', 'models.kind', 'model_events.at', 'detail'])
    .where('model_events.kind', '=', 'stage')
    .orderBy('model_events.id')
    .execute()
  const changedAt = new Map(events.map(({ id, at }) => [id, at]))
  const before = new Map<string, string>()
  for (const { id, asset, kind, detail } of events) {
    const { from } = JSON.parse(detail) as { from: string }
    if (from === 'active') before.set(`${asset} ${kind}`, id)
  }
  const alarms = await db
    .selectFrom('alarms')
    .leftJoin('normal_periods', 'normal_periods.alarm', 'alarms.id')
    .select('model')
    .distinct()
    .where('model', 'is not', null)
    .where(({ eb, or }) =>
      or([
        eb('case_id', 'is not', null),
        eb('alarms.state', '<>', 'normal'),
        eb('normal_periods.id', 'is not', null),
      ]),
    )
    .execute()
  // What was said of a failure is evidence, and so is who said it.
  const spoke = await db
    .selectFrom('diagnoses')
    .select('model')
    .distinct()
    .where('stage', 'in', ['active', 'canary'])
    .execute()
  const referred = [...alarms, ...spoke].flatMap(({ model }) => model ?? [])
  return { needed: new Set([...before.values(), ...referred]), changedAt }
}

/** Its rows, in one transaction. Throws Fault 'model.conflict' when somebody uses it again meanwhile. */
export async function deleteVersion({ db }: Store, id: string): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await trx.updateTable('training_jobs').set({ model: null }).where('model', '=', id).execute()
    await trx.deleteFrom('model_events').where('model', '=', id).execute()
    const { numDeletedRows } = await trx
      .deleteFrom('models')
      .where('id', '=', id)
      .where('stage', '=', 'retired')
      .executeTakeFirst()
    if (numDeletedRows === 0n)
      throw new Fault('model.conflict', { stage: 'in use', wanted: 'removed' })
  })
}
