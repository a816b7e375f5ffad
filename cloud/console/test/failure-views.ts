/** TEST fixture: known failures of the press and changes of level, as the API shows them. */
import type {
  FailureReadiness,
  FailureView,
  LevelChange,
} from '../../../protocol/api-explanation.ts'
import { minute, type Plant, tags } from './plant.ts'

const day = 1_440 * minute

export const readiness: FailureReadiness = {
  ...{ casesWanted: 3, modesWanted: 2, withoutAlarm: 1, withoutMode: 2 },
  modes: [
    { mode: 'cooler fouling', cases: 5 },
    { mode: 'valve leak', cases: 3 },
    { mode: 'pump worn', cases: 1 },
  ],
  ...{ ready: true, proposed: true },
  record: [{ model: 'mod_9', version: 2, cases: 4, right: 3, wrong: 0 }],
}

/** The two tags that moved most: half a minute after the fault began, and back when it was mended. */
export function changesOf(plant: Plant, from: number): LevelChange[] {
  const mended = plant.mended()
  return tags.slice(0, 2).flatMap(({ id: tag, name, unit, normal, faulty }) => {
    const about = { tag, name, unit }
    const fault = { ...about, at: plant.faultAt + 30_000, before: normal, after: faulty }
    if (mended === null) return [fault].filter(({ at }) => at >= from)
    const back = { ...about, at: mended, before: faulty, after: normal }
    return [fault, back].filter(({ at }) => at >= from)
  })
}

/** Named by the version in use, none of the known ones by the one on trial. */
export function failuresOf(plant: Plant, now: number): FailureView[] {
  const at = Math.min(now, plant.faultAt + 2 * minute)
  const base = { candidates: [], reason: null, earlier: [], cases: 0, fixed: [], recorded: true }
  return [
    {
      ...{ ...base, at, state: 'named', mode: 'cooler fouling', probability: 0.86 },
      candidates: [
        { mode: 'cooler fouling', probability: 0.86 },
        { mode: 'valve leak', probability: 0.07 },
      ],
      ...{ model: 'mod_9', version: 2, stage: 'active', cases: 5 },
      earlier: [{ at: at - minute, state: 'unclear', mode: null, probability: null }],
      fixed: [
        {
          case: {
            ...{ id: 'cas_0', title: 'Abnormal behaviour: Cooling/Efficiency low' },
            ...{ assetName: 'Hydraulic press 2', closedAt: now - 40 * day },
          },
          part: 'Filter',
          cause: 'The filter of the cooler was blocked',
          action: 'Took the filter out and cleaned it',
        },
        {
          ...{ case: null, part: null, cause: 'The fan of the cooler stood' },
          action: 'Exchanged the fan',
        },
      ],
    },
    {
      ...{ ...base, at, state: 'none', mode: null, probability: null },
      ...{ model: 'mod_10', version: 3, stage: 'canary' },
    },
  ]
}
