/** The alarm for awareness that an asset could not be judged for long: neither trouble nor health, and nobody is to take it for one. */

import { derivedTagId } from '../protocol/model.ts'
import { type AlarmRule, limitsOf } from './alarms/alarm-rule.ts'
import {
  bucketMsOf,
  UNJUDGED_DEADBAND,
  UNJUDGED_LIMIT,
  UNJUDGED_OUTPUT,
} from './scoring/unjudged-watch.ts'
import type { WatchedModel } from './scoring/watched.ts'

/** The lowest of four bands of the OPC UA severity. */
const SEVERITY = 100

/** One for each asset with a model of its own, also where that cannot be used. */
export function unjudgedRules(watched: readonly WatchedModel[]): AlarmRule[] {
  return watched.flatMap(({ asset, site, isPrimary, model }): AlarmRule[] => {
    if (!isPrimary) return []
    const periodMs = bucketMsOf('problem' in model ? 0 : model.manifest.periodMs)
    const timing = { onDelayMs: 0, offDelayMs: 0, peakClear: 0, deadband: UNJUDGED_DEADBAND }
    return [
      {
        ...{
          id: `${asset}:unjudged`,
          asset,
          site,
          tag: derivedTagId(site, asset, UNJUDGED_OUTPUT),
        },
        ...{ title: 'Cannot be judged', severity: SEVERITY, highLimit: UNJUDGED_LIMIT },
        ...limitsOf({ ...timing, periodMs }),
        ...{ model: null, opensCase: false },
      },
    ]
  })
}
