/** TEST fixture: models of the press as the API shows them: versions, back-test, explanation, remaining life. */
import type { Explanation, SimilarCase } from '../../../protocol/api-explanation.ts'
import type {
  BackTest,
  LifeView,
  ModelVersionView,
  TrainingProposal,
} from '../../../protocol/api-models.ts'
import { changesOf, failuresOf } from './failure-views.ts'
import { asset, contributions, minute, type Plant, site, tags } from './plant.ts'

export const day = 1_440 * minute
const hash = (seed: string) => seed.repeat(16).slice(0, 64).padEnd(64, '0')

const base = {
  asset,
  site,
  name: 'press-all-tags',
  kind: 'multivariate',
  source: 'trained',
  trainedRows: 40_320,
  periodMs: 1_000,
  threshold: 1.0498,
  tags: tags.map(({ name }) => name),
  metrics: { blocks: 8, heldOutFalseShare: 0.0031, lowestBlockQuantile: 0.812 },
  intact: true,
  problem: null,
  emptyCells: 'filled',
} as const

/** Newest first: one on trial, one in use, one that somebody has touched, the one it came with. */
export function modelsOf(startedAt: number): ModelVersionView[] {
  const version = (number: number, rest: Partial<ModelVersionView>): ModelVersionView => ({
    ...base,
    tags: [...base.tags],
    metrics: { ...base.metrics },
    id: `mod_${number}`,
    version: number,
    stage: 'retired',
    createdAt: startedAt - (10 - number) * 3 * day,
    createdBy: 'engineer',
    periods: [
      { from: startedAt - 50 * day, to: startedAt - 30 * day },
      { from: startedAt - 28 * day, to: startedAt - 22 * day },
    ],
    dataHash: hash('da7a'),
    sha256: hash(`c0de${number}`),
    ...rest,
  })
  return [
    version(4, {
      stage: 'shadow',
      modes: {
        tag: 'Program',
        known: [
          { value: 'slow', rows: 30_120, threshold: 1.0498 },
          { value: 'fast', rows: 10_200, threshold: 1.204 },
        ],
        tooFew: [{ value: 'clean', rows: 97 }],
      },
    }),
    version(3, { stage: 'active' }),
    version(2, {
      stageChange: { at: startedAt - day, by: 'engineer', reason: 'version 3 sees it earlier' },
      source: 'uploaded',
      kind: 'external',
      name: 'forest',
      intact: false,
      problem: 'model.onnx was changed',
      metrics: {},
      dataHash: null,
    }),
    version(1, {
      ...{ source: 'shipped', createdBy: 'system', periods: [], trainedRows: 3_360 },
      emptyCells: 'retrain',
    }),
  ]
}

/** Eight weeks with three alarms and a hole of two days. */
export function backTestOf(now: number): BackTest {
  const from = now - 56 * day
  const at = Array.from({ length: 400 }, (_, index) => Math.round(from + index * 0.14 * day))
  const alarms = [9, 23, 41].map((start, index) => ({
    from: Math.round(from + start * day),
    to: Math.round(from + start * day + (index + 1) * 35 * minute),
    peak: 1.6 + index,
    topTags: ['Cooling/Efficiency-', 'Temperature/TS1+'],
  }))
  const ratio = at.map((instant, index) => {
    if (instant > from + 30 * day && instant < from + 32 * day) return null
    const hit = alarms.find((alarm) => Math.abs(alarm.from - instant) < 0.2 * day)
    return hit ? hit.peak : 0.55 + 0.15 * Math.sin(index / 3)
  })
  return {
    ...{ from, to: now, rows: 4_838_400, unknownRows: 172_800 },
    alarms,
    alarmsPerWeek: alarms.length / 8,
    maintenance: {
      windows: [{ from: from + 14 * day, to: from + 18 * day, text: 'Cylinder exchanged' }],
      alarms: [
        {
          ...{ from: from + 16 * day, to: from + 16 * day + 50 * minute, peak: 1.4 },
          topTags: ['Pressure/PS1-'],
        },
      ],
    },
    modes: [
      { mode: 'slow', learned: true, rows: 3_600_000, unknownRows: 100_000, alarms: 2 },
      { mode: 'fast', learned: true, rows: 1_100_000, unknownRows: 34_400, alarms: 1 },
      { mode: 'clean', learned: false, rows: 38_400, unknownRows: 38_400, alarms: 0 },
    ],
    series: { at, ratio },
  }
}

export function proposalOf(now: number, from: number): TrainingProposal {
  const begin = Math.max(from, now - 30 * day)
  const excluded = [
    { from: begin + 4 * day, to: begin + 5 * day, reason: 'planned maintenance: oil change' },
    { from: now - 2 * day, to: now - day, reason: 'alarm: Abnormal behaviour' },
  ].filter((each) => each.to < now && each.from > begin)
  const cuts = [begin, ...excluded.flatMap((each) => [each.from, each.to]), now]
  const periods = cuts.flatMap((at, index) =>
    index % 2 === 0 ? [{ from: at, to: cuts[index + 1] ?? now }] : [],
  )
  const rows = Math.floor(periods.reduce((sum, one) => sum + one.to - one.from, 0) / 1_000)
  const without = [{ name: 'Ledger', reason: 'it comes every 60 s, rows are 1 s apart' }]
  return {
    periods,
    excluded,
    without,
    rows,
    rowsWanted: 3_600,
    modeTags: [{ name: 'Program', values: ['clean', 'fast', 'slow'] }],
    periodMs: 1_000,
    enough: rows >= 3_600,
  }
}

const similar = (now: number): SimilarCase => ({
  case: {
    id: 'cas_0',
    title: 'Abnormal behaviour: Cooling/Efficiency low',
    assetName: 'Hydraulic press 2',
    closedAt: now - 40 * day,
  },
  cause: 'The filter of the cooler was blocked',
  action: 'Cleaned the filter; switched back to the main cooler',
  usefulness: 'useful',
  similarity: 0.91,
})

export function explanationOf(plant: Plant, now: number): Explanation {
  return {
    tags: contributions.map(({ tag, name, z, direction }) => {
      const found = tags.find(({ id }) => id === tag)
      const values = { value: found?.faulty ?? null, expected: found?.normal ?? null }
      return { tag, name, unit: found?.unit ?? null, z, direction, ...values }
    }),
    filled: ['Flow/FS1'],
    movedFirst: contributions.map(({ tag, name }, index) => ({
      ...{ tag, name },
      at: plant.faultAt + index * 7_000,
    })),
    changes: changesOf(plant, 0),
    failures: failuresOf(plant, now),
    similar: [
      similar(now),
      { ...similar(now), case: null, similarity: 0.62, action: 'Set the valve anew' },
    ],
  }
}

export function lifeOf(now: number): LifeView {
  return {
    items: [
      {
        ...{ what: 'Hydraulic pump', source: 'life', at: now, health: null },
        end: { early: now + 9 * day, expected: now + 21 * day, late: now + 40 * day },
        text: 'From 34 pumps of this kind that ran to their end.',
        orderBy: now + 4 * day,
      },
      {
        ...{ what: 'Main valve', source: 'health', at: now, health: 0.37 },
        end: null,
        text: 'Only 3 failures are known; 20 are needed for a date.',
        orderBy: null,
      },
      {
        ...{ what: 'Oil filter', source: 'wear', at: now, health: 0.93 },
        end: { early: now - day, expected: now + 2 * day, late: null },
        text: '4,650 of 5,000 cycles; 120 a day',
        orderBy: now - 3 * day,
      },
    ],
  }
}

export const card = `# press-all-tags

Multivariate anomaly detector of 5 tags, one row every 1 s.

## Training

40320 complete rows of normal operation; SHA-256 of the matrix \`da7a\`; seed 1.

| tag | unit | mean |
|---|---|---|
| Cooling/Efficiency | % | 46.1 |
| Temperature/TS1 | °C | 38.0 |

## Limits

- It knows the operation it was trained on: another product looks like a fault.
- **It does not say** which part is broken.
`
