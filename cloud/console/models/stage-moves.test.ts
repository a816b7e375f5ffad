/** That the console offers the very changes of stage that the registry allows. */
import { expect, it } from 'vitest'
import { type ModelStage, modelStages } from '../../../protocol/api-models.ts'
import { canChangeStage } from '../../registry/stages.ts'
import { moveKey, movesOf, stageMoves } from './stage-moves.ts'

it('offers the very changes of stage that the registry allows', () => {
  for (const from of modelStages) {
    const moves: readonly ModelStage[] = stageMoves[from]
    const legal = modelStages.filter((to) => canChangeStage(from, to))
    expect(moves.toSorted()).toEqual(legal.toSorted())
  }
})

it('offers no trial of a remaining life, which has none', () => {
  expect(movesOf({ kind: 'life', stage: 'shadow' })).toEqual(['active', 'retired'])
  expect(movesOf({ kind: 'external', stage: 'shadow' })).toContain('canary')
})

it('calls a retired version made active again a roll-back', () => {
  expect(moveKey('retired', 'active')).toBe('stage.do.back')
  expect(moveKey('shadow', 'active')).toBe('stage.do.active')
})
