/** The rules that alarms follow, and how they are kept in the store. */
import { isDeepStrictEqual } from 'node:util'
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
  /** The version of the model behind the tag; null: none. */
  model: string | null
  /** False: awareness only (ISA-18.2 "alert"): nobody is asked to act, no case is opened. */
  opensCase: boolean
}

/** What a manifest says about its alarms. */
export interface AlarmTiming {
  onDelayMs: number
  offDelayMs: number
  peakClear: number
  deadband?: number
  periodMs: number
}

/** Where no manifest says otherwise: a score is noisy from row to row, five seconds above are meant, ten below are over. */
const USUAL: AlarmTiming = { onDelayMs: 5_000, offDelayMs: 10_000, peakClear: 0.1, periodMs: 1_000 }
/** A hole shorter than this is no hole, whatever the period. */
const MIN_HOLE_MS = 60_000
/** A value is held on for three periods; what is silent for longer is a hole. */
const HOLE_PERIODS = 3

/** The rule of an asset with a model: its ratio (score / threshold) above 1. */
export function ratioRule(
  asset: { id: AssetId; site: SiteId; severity: number },
  { model = null, timing = USUAL }: { model?: string | null; timing?: AlarmTiming } = {},
): AlarmRule {
  return {
    id: `${asset.id}:ratio`,
    asset: asset.id,
    site: asset.site,
    tag: derivedTagId(asset.site, asset.id, 'Ratio'),
    title: 'Abnormal behaviour',
    severity: asset.severity,
    highLimit: 1,
    ...limitsOf(timing),
    model,
    opensCase: true,
  }
}

export function limitsOf(timing: AlarmTiming): Omit<AlarmLimits, 'highLimit'> {
  const { onDelayMs, offDelayMs, peakClear, deadband, periodMs } = timing
  const maxHoleMs = Math.max(MIN_HOLE_MS, HOLE_PERIODS * periodMs)
  return { onDelayMs, offDelayMs, peakClear, deadband, maxHoleMs }
}

/** Writes the rules in one transaction; shelving and suppression of a rule that is there already stay as they are. */
export async function writeRules({ db }: Store, rules: readonly AlarmRule[]): Promise<void> {
  await db.transaction().execute(async (trx) => {
    for (const rule of rules) {
      const { id, asset, site, tag, title, severity, model } = rule
      const told = {
        ...{ asset, site, tag, title, severity, model },
        high_limit: rule.highLimit,
        on_delay_ms: rule.onDelayMs,
        off_delay_ms: rule.offDelayMs,
        peak_clear: rule.peakClear,
        opens_case: rule.opensCase ? (1 as const) : (0 as const),
      }
      await trx
        .insertInto('alarm_rules')
        .values({
          ...{ id, ...told, shelving: 'Unshelved', shelved_until: null, shelved_by: null },
          ...{ suppressed: 0, out_of_service: 0 },
        })
        .onConflict((conflict) => conflict.column('id').doUpdateSet(told))
        .execute()
    }
  })
}

/** Rules that are other than what is known under their id. */
export function changedRules(
  rules: readonly AlarmRule[],
  known: ReadonlyMap<string, { rule: AlarmRule }>,
): AlarmRule[] {
  return rules.filter((rule) => !isDeepStrictEqual(known.get(rule.id)?.rule, rule))
}
