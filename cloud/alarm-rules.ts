/** All rules that alarms follow: of the models that watch just now, of assets they cannot judge, and of one machine beside its peers. */
import type { AlarmRule } from './alarms/alarm-rule.ts'
import { peerRules } from './open-wear.ts'
import type { Parts } from './parts.ts'
import { unjudgedRules } from './unjudged-rule.ts'
import { rulesOf } from './watched-models.ts'

export function allRules({ scored, config: { fleet } }: Parts): AlarmRule[] {
  return [...rulesOf(scored, fleet.assets), ...unjudgedRules(scored), ...peerRules(fleet)]
}
