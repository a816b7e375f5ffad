/** The legal changes of stage, as data: born in shadow, tried as canary, active one at a time, retired and back again. */
import type { ModelStage } from '../../protocol/api-models.ts'

/** Roll-back is a retired version made active again. */
const stageChanges = [
  { from: 'shadow', to: 'canary' },
  { from: 'shadow', to: 'active' },
  { from: 'shadow', to: 'retired' },
  { from: 'canary', to: 'shadow' },
  { from: 'canary', to: 'active' },
  { from: 'canary', to: 'retired' },
  { from: 'active', to: 'retired' },
  { from: 'retired', to: 'shadow' },
  { from: 'retired', to: 'active' },
] as const satisfies readonly { from: ModelStage; to: ModelStage }[]

export function canChangeStage(from: ModelStage, to: ModelStage): boolean {
  return stageChanges.some((row) => row.from === from && row.to === to)
}
