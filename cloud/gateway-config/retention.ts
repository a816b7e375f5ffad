/** Which versions of a gateway's configuration nobody needs any more: ended, old, and replaced by enough newer ones. */
import { type ConfigRow, type Db, isUnderWay } from './config-rows.ts'
import type { GatewayName } from './gateway-orders.ts'

export interface RetentionPolicy {
  /** The newest so many of a gateway are kept. */
  keepVersions: number
  /** So is what changed within so many days. */
  keepDays: number
}

type VersionFacts = Pick<ConfigRow, 'version' | 'state' | 'at'>

const DAY_MS = 86_400_000

/** `present`: the version that the gateway runs with; null: none of ours. */
export function findObsolete(
  versions: readonly VersionFacts[],
  present: number | null,
  { policy, now }: { policy: RetentionPolicy; now: number },
): number[] {
  const newestFirst = versions.toSorted((one, other) => other.version - one.version)
  const ways = newestFirst.filter(({ state, version }) => {
    return state === 'confirmed' && version !== present
  })
  // What was found there first, what runs there, and the last good one beside it are ways back.
  const kept = new Set([newestFirst.at(-1)?.version, present, ways[0]?.version])
  return newestFirst
    .slice(policy.keepVersions)
    .filter((row) => row.state !== 'draft' && !isUnderWay(row))
    .filter(({ version, at }) => !kept.has(version) && now - at > policy.keepDays * DAY_MS)
    .map(({ version }) => version)
}

export async function listGateways(db: Db): Promise<GatewayName[]> {
  return await db.selectFrom('gateway_configs').select(['site', 'gateway']).distinct().execute()
}

/** Answers the numbers of those that were removed. */
export async function removeObsolete(
  db: Db,
  { site, gateway }: GatewayName,
  wanted: { policy: RetentionPolicy; now: number },
): Promise<number[]> {
  const versions = await db
    .selectFrom('gateway_configs')
    .select(['version', 'state', 'at'])
    .where('site', '=', site)
    .where('gateway', '=', gateway)
    .execute()
  const present = await db
    .selectFrom('gateway_config_present')
    .select('version')
    .where('site', '=', site)
    .where('gateway', '=', gateway)
    .executeTakeFirst()
  const obsolete = findObsolete(versions, present?.version ?? null, wanted)
  if (obsolete.length > 0)
    await db
      .deleteFrom('gateway_configs')
      .where('site', '=', site)
      .where('gateway', '=', gateway)
      .where('version', 'in', obsolete)
      .execute()
  return obsolete
}
