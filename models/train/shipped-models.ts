/** How each shipped model is trained; `node models/train/shipped-models.ts` writes them all again. */
import { fileURLToPath } from 'node:url'
import { runTrain } from './train.ts'
import type { TrainOptions } from './train-options.ts'

const inTree = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const bar = 'bar'
const litres = 'l/min'
const celsius = '°C'

export const hydraulicPress = {
  in: inTree('simulators/recordings/hydraulic/normal.csv.gz'),
  out: inTree('models/shipped/hydraulic-press'),
  name: 'hydraulic-press',
  periodMs: 1000,
  seed: 1,
  // The recording has whole rows; a subscription to a real PLC has not.
  timing: 1,
  // Both wander with the room, and both are what a failing cooler moves first.
  keep: ['CE', 'TS4'],
  units: {
    PS1: bar,
    PS2: bar,
    PS3: bar,
    PS4: bar,
    PS5: bar,
    PS6: bar,
    EPS1: 'W',
    FS1: litres,
    FS2: litres,
    TS1: celsius,
    TS2: celsius,
    TS3: celsius,
    TS4: celsius,
    VS1: 'mm/s',
    CE: '%',
    CP: 'kW',
    SE: '%',
  },
  notes: [
    'Healthy load cycles of the data set "Condition monitoring of hydraulic systems" (UCI Machine Learning',
    'Repository 447), CC BY 4.0, by ZeMA gGmbH: N. Helwig, E. Pignanelli, A. Schütze, "Condition Monitoring of a',
    'Complex Hydraulic System Using Multivariate Statistics", I2MTC 2015. Reduced to 1 Hz.',
  ].join('\n'),
} satisfies TrainOptions

if (import.meta.main) await runTrain(hydraulicPress)
