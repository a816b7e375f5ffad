/** Who and what is out there: the configured fleet, and what its gateways say about themselves. */
import type { AssetDetail, Fleet as FleetBody } from '../../protocol/api.ts'
import type { Gap, Sample, SiteId, TagId } from '../../protocol/model.ts'
import type { NodeEvent } from '../../protocol/sparkplug/node-event.ts'
import type { Audit } from '../audit/audit.ts'
import type { Store } from '../store/store.ts'
import { writeFleet } from './apply-fleet.ts'
import type { FleetConfig } from './fleet-config.ts'
import { type FleetSources, viewAssetDetail, viewFleet } from './fleet-view.ts'
import { createIntake } from './intake.ts'
import { forgetPresence, type QuarantineEntry, writeQuarantine } from './presence.ts'

export interface FleetOptions {
  store: Store
  audit: Audit
  /** The historian's newest samples. */
  latest(tags: readonly TagId[]): Promise<Sample[]>
  /** The loaded model of an asset; null: none. */
  modelOf?(asset: string): AssetDetail['model']
  /** Why its model gives no score just now; undefined: it does, or there is none. */
  unknownWhy?(asset: string): string | undefined
  /** How long a score of its model counts as now; undefined: as usual. */
  freshMs?(asset: string): number | undefined
  /** The planned work on an asset just now; undefined: none. */
  workOn?: FleetSources['workOn']
  tunnelUp?(site: string, gateway: string): boolean
  /** When its certificates were revoked, the newest it has come in with included. */
  revokedAt?: FleetSources['revokedAt']
  /** Why its certificate was not renewed when it asked last; undefined: it was, or it did not ask. */
  renewalProblem?: FleetSources['renewalProblem']
  /** Something of this site changed; `null`: everything may have. */
  onChange?(site: string | null): void
  /** Unix ms. */
  now?(): number
}

export interface Fleet {
  /** Makes the stored fleet equal to the configuration; throws Fault 'config.invalid'. */
  applyFleet(config: FleetConfig): Promise<void>
  /** Marks everything offline, for a start: who is there says so again. */
  forgetPresence(): Promise<void>
  /** Answers false for a gateway that nobody configured: it is counted and audited, nothing else. */
  onNode(event: NodeEvent): Promise<boolean>
  /** The gateway has these devices and no others: the rest is forgotten, not shown as offline for ever. */
  keepDevices(site: string, gateway: string, devices: readonly string[]): Promise<void>
  gap(gap: Gap & { site: SiteId }): Promise<void>
  quarantine(entries: readonly QuarantineEntry[]): Promise<void>
  /** `undefined`: every site. */
  fleet(sites: readonly string[] | undefined): Promise<FleetBody>
  /** Undefined: there is no such asset. */
  asset(id: string): Promise<AssetDetail | undefined>
  /** The site of an asset; undefined: there is no such asset. */
  siteOf(asset: string): Promise<string | undefined>
  /** The unit a tag was born with; null: none, or no such tag. */
  unitOf(tag: TagId): Promise<string | null>
  /** How many events of unknown gateways were turned away. */
  unknownEvents(): number
}

export async function openFleet(options: FleetOptions): Promise<Fleet> {
  const { store, audit, now = Date.now, onChange = () => undefined } = options
  const intake = createIntake({ store, audit, onChange })
  const sources = {
    store,
    contestedAt: intake.contestedAt,
    latest: options.latest,
    modelOf: options.modelOf ?? (() => null),
    unknownWhy: options.unknownWhy ?? (() => undefined),
    freshMs: options.freshMs ?? (() => undefined),
    workOn: options.workOn ?? (() => undefined),
    tunnelUp: options.tunnelUp ?? (() => false),
    revokedAt: options.revokedAt ?? (() => undefined),
    renewalProblem: options.renewalProblem ?? (() => undefined),
    now,
  }
  return {
    async applyFleet(config) {
      await writeFleet(store, config)
      onChange(null)
    },
    async forgetPresence() {
      await forgetPresence(store, now())
      onChange(null)
    },
    onNode: intake.onNode,
    keepDevices: intake.keepDevices,
    gap: intake.gap,
    quarantine: (entries) => writeQuarantine(store, entries),
    fleet: (sites) => viewFleet(sources, sites),
    asset: (id) => viewAssetDetail(sources, id),
    async siteOf(asset) {
      const row = await store.db
        .selectFrom('assets')
        .select('site')
        .where('id', '=', asset)
        .executeTakeFirst()
      return row?.site
    },
    async unitOf(tag) {
      const row = await store.db
        .selectFrom('tags')
        .select('unit')
        .where('id', '=', tag)
        .executeTakeFirst()
      return row?.unit ?? null
    },
    unknownEvents: intake.unknownEvents,
  }
}
