/** Who and what is out there: the configured fleet, and what its gateways say about themselves. */
import type { AssetDetail, Fleet as FleetBody } from '../../protocol/api.ts'
import type { Gap, Sample, SiteId, TagId } from '../../protocol/model.ts'
import type { Audit } from '../audit/audit.ts'
import type { Store } from '../store/store.ts'
import { writeFleet } from './apply-fleet.ts'
import type { FleetConfig } from './fleet-config.ts'
import { viewAssetDetail, viewFleet } from './fleet-view.ts'
import { createIntake } from './intake.ts'
import {
  forgetPresence,
  type NodeEvent,
  type QuarantineEntry,
  writeQuarantine,
} from './presence.ts'

export interface FleetOptions {
  store: Store
  audit: Audit
  /** The historian's newest samples. */
  latest(tags: readonly TagId[]): Promise<Sample[]>
  /** The loaded model of an asset; null: none. */
  modelOf?(asset: string): AssetDetail['model']
  tunnelUp?(site: string, gateway: string): boolean
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
  const sources = {
    store,
    latest: options.latest,
    modelOf: options.modelOf ?? (() => null),
    tunnelUp: options.tunnelUp ?? (() => false),
    now,
  }
  const intake = createIntake({ store, audit, onChange })
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
