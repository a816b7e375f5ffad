/** The rules that alarms follow, and how they are kept in the store. */
import { type AssetId, derivedTagId, type SiteId, type TagId } from '../../protocol/model.ts'
import type { Store } from '../store/store.ts'
import type { AlarmLimits } from './alarm.ts'

export interface AlarmRule extends AlarmLimits {
  id: string
  asset: AssetId
  site: SiteId
  tag: TagId
  title: string
  /** OPC UA severity, 1..1000. */
  severity: number
}

/** A model's score is noisy from row to row: five seconds above are meant. */
const ON_DELAY_MS = 5_000
/** And ten seconds below are over. */
const OFF_DELAY_MS = 10_000

/** The rule of an asset with a model: its ratio (score / threshold) above 1. */
export function ratioRule(asset: { id: AssetId; site: SiteId; severity: number }): AlarmRule {
  return {
    id: `${asset.id}:ratio`,
    asset: asset.id,
    site: asset.site,
    tag: derivedTagId(asset.site, asset.id, 'Ratio'),
    title: 'Abnormal behaviour',
    severity: asset.severity,
    highLimit: 1,
    onDelayMs: ON_DELAY_MS,
    offDelayMs: OFF_DELAY_MS,
  }
}

/** Writes the rules; shelving and suppression of a rule that is there already stay as they are. */
export async function writeRules(store: Store, rules: readonly AlarmRule[]): Promise<void> {
  for (const rule of rules) {
    const { id, asset, site, tag, title, severity } = rule
    const limits = {
      high_limit: rule.highLimit,
      on_delay_ms: rule.onDelayMs,
      off_delay_ms: rule.offDelayMs,
    }
    await store.db
      .insertInto('alarm_rules')
      .values({
        ...{ id, asset, site, tag, title, severity, ...limits },
        shelving: 'Unshelved',
        shelved_until: null,
        shelved_by: null,
        suppressed: 0,
        out_of_service: 0,
      })
      .onConflict((conflict) =>
        conflict.column('id').doUpdateSet({ asset, site, tag, title, severity, ...limits }),
      )
      .execute()
  }
}
