/** Opens what watches wear and like machines, and gives it alarms, cases and the historian. */
import { repeatUntilDisposed } from '../protocol/kit/loop.ts'
import { parseTagId } from '../protocol/model.ts'
import { type AlarmRule, limitsOf } from './alarms/alarm-rule.ts'
import type { FleetConfig } from './fleet/fleet-config.ts'
import type { Parts } from './parts.ts'
import { createPeerWatch, type PeerGroup, type PeerResult, peerTagId } from './wear/peer-watch.ts'
import { createWear } from './wear/wear.ts'

/** Counters change in minutes, peers by their own period. */
const TICK_MS = 30_000
/** A machine must stand apart for so many periods before it is told, and be back for so many. */
const ON_PERIODS = 3
const OFF_PERIODS = 6

/** Needs historian, store, cases and alarms. */
export function openWear(parts: Parts, stack: AsyncDisposableStack): void {
  const { config, store, audit, historian, log } = parts
  const tenantOf = new Map(config.fleet.sites.map(({ id, tenant }) => [id, tenant]))
  parts.wear = createWear({
    ...{ store, audit, history: historian },
    parts: config.fleet.assets.flatMap(({ id, name, site, kind, wear = [] }) =>
      wear.map((part) => {
        const tenant = tenantOf.get(site) ?? ''
        return { asset: id, assetName: name, site, tenant, kind, ...part }
      }),
    ),
    onDue: async (due) => void (await parts.cases.fromHook(due)),
  })
  const peers = createPeerWatch(groupsOf(config.fleet), historian)
  const onError = (error: unknown) => log.error({ err: error }, 'wear cannot be followed')
  // Two loops: trouble with the one must not silence the other.
  stack.use(repeatUntilDisposed(() => parts.wear.tick(Date.now()), { everyMs: TICK_MS, onError }))
  const told = new Map<string, string | undefined>()
  const compare = async () => {
    for (const result of await peers.tick(Date.now())) await tell(parts, result)
    for (const { id } of config.fleet.peers ?? []) {
      const reason = peers.reasonOf(id)
      if (reason === told.get(id)) continue
      told.set(id, reason)
      if (reason === undefined) log.info({ group: id }, 'like machines are compared')
      else log.warn({ group: id, reason }, 'like machines are not compared')
    }
  }
  stack.use(repeatUntilDisposed(compare, { everyMs: TICK_MS, onError }))
}

/** One rule for each machine of a group: its ratio against its like above 1. */
export function peerRules(fleet: FleetConfig): AlarmRule[] {
  const configs = fleet.peers ?? []
  return groupsOf(fleet).flatMap((group, index) =>
    group.machines.map(({ asset, site }): AlarmRule => {
      const { periodMs } = group
      const timing = { onDelayMs: ON_PERIODS * periodMs, offDelayMs: OFF_PERIODS * periodMs }
      return {
        ...{ id: `${asset}:peers:${group.id}`, asset, site, tag: peerTagId(site, asset, group.id) },
        title: `Differs from its like: ${group.title}`,
        severity: configs[index]?.severity ?? 1,
        highLimit: 1,
        ...limitsOf({ ...timing, peakClear: 0, periodMs }),
        ...{ model: null, opensCase: true },
      }
    }),
  )
}

function groupsOf({ assets, peers = [] }: FleetConfig): PeerGroup[] {
  const siteOf = new Map(assets.map(({ id, site }) => [id, site]))
  return peers.map(({ tags, ...group }) => ({
    ...group,
    machines: Object.entries(tags).map(([asset, tag]) => {
      return { asset, site: siteOf.get(asset) ?? '', tag }
    }),
  }))
}

async function tell({ historian, alarms }: Parts, result: PeerResult): Promise<void> {
  const { sample, tag, deviation } = result
  await historian.write([sample])
  const name = parseTagId(tag)?.name ?? tag
  const direction = (deviation ?? 0) < 0 ? ('low' as const) : ('high' as const)
  const contributions = deviation === null ? [] : [{ tag, name, z: deviation, direction }]
  await alarms.accept([sample], { contributions, breaches: [] })
}
