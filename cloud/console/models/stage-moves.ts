/** Which stage may follow which, as the registry has it (cloud/registry/stages.ts): a retired version made active again is a roll-back. */
import type { ModelStage } from '../../../protocol/api-models.ts'

export const stageMoves = {
  shadow: ['canary', 'active', 'retired'],
  canary: ['active', 'shadow', 'retired'],
  active: ['retired'],
  retired: ['active', 'shadow'],
} as const satisfies Record<ModelStage, readonly ModelStage[]>

/** The words of the button for a move. */
export function moveKey(from: ModelStage, to: ModelStage) {
  return from === 'retired' && to === 'active' ? 'stage.do.back' : (`stage.do.${to}` as const)
}
