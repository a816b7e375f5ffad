/** Which stage may follow which, as the registry has it (cloud/registry/stages.ts): a retired version made active again is a roll-back. */
import type { ModelStage, ModelVersionView } from '../../../protocol/api-models.ts'

export const stageMoves = {
  shadow: ['canary', 'active', 'retired'],
  canary: ['active', 'shadow', 'retired'],
  active: ['retired'],
  retired: ['active', 'shadow'],
} as const satisfies Record<ModelStage, readonly ModelStage[]>

type Model = Pick<ModelVersionView, 'kind' | 'stage'>

/** What is offered for a version: a remaining life has no trial of its own. */
export function movesOf({ kind, stage }: Model): readonly ModelStage[] {
  const moves: readonly ModelStage[] = stageMoves[stage]
  return kind === 'life' ? moves.filter((to) => to !== 'canary') : moves
}

/** The words of the button for a move. */
export function moveKey(from: ModelStage, to: ModelStage) {
  return from === 'retired' && to === 'active' ? 'stage.do.back' : (`stage.do.${to}` as const)
}

/** What a version does in its stage; one of known failures or of remaining life never alarms. */
export function aboutKey({ kind, stage }: Model) {
  if (kind === 'life') return `life.stage.${stage}` as const
  return kind === 'failures'
    ? (`failures.stage.${stage}` as const)
    : (`stage.about.${stage}` as const)
}

/** What a move would change. */
export function effectKey({ kind }: Model, to: ModelStage) {
  if (kind === 'life') return `life.effect.${to}` as const
  return kind === 'failures' ? (`failures.effect.${to}` as const) : (`stage.effect.${to}` as const)
}
