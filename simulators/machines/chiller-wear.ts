/** The chiller's instruments, and five kinds of slow wear that end in a failure: pure, stepped by seconds, seeded. */
import type { SeededRandom } from '../kit/seeded-random.ts'
import type { ChillerState } from './chiller-model.ts'

/** What the instruments show, in the order of their registers. */
export const instrumentNames = [
  'SupplyTemperature',
  'ReturnTemperature',
  'WaterFlow',
  'PumpSpeed',
  'PumpVibration',
  'BearingTemperature',
  'CompressorPower',
  'CondensingPressure',
  'EvaporatingPressure',
  'DischargeTemperature',
  'HallTemperature',
] as const
export type InstrumentName = (typeof instrumentNames)[number]

/** Each kind of wear with the instrument that shows its cause, and what ends it. */
export const wearKinds = {
  'condenser-fouling': { culprit: 'CondensingPressure', ends: 'high pressure trip' },
  'bearing-wear': { culprit: 'PumpVibration', ends: 'vibration trip' },
  'pump-leak': { culprit: 'WaterFlow', ends: 'low flow trip' },
  'refrigerant-loss': { culprit: 'EvaporatingPressure', ends: 'low pressure trip' },
  'sensor-drift': { culprit: 'ReturnTemperature', ends: 'the heat meter is refused' },
} as const satisfies Record<string, { culprit: InstrumentName; ends: string }>
export type WearKind = keyof typeof wearKinds

/** Trips of the machine's own protection: bar, mm/s (ISO 10816 zone D), m³/h, bar; and K by which a sensor is off. */
const HIGH_PRESSURE = 21
const HIGH_VIBRATION = 7.1
const LOW_FLOW = 4.5
const LOW_PRESSURE = 2.3
const SENSOR_LIMIT = 3
/** Degree of wear at which the last trip has come whatever the weather: from 0 by the square of time. */
const WORN_OUT = 1.25
/** The hall by day and night, °C, and the seconds of a day. */
const HALL_MEAN = 24
const HALL_SWING = 2.5
const DAY = 86_400
/** m³/h per rpm; kW to warm 1 m³/h by 1 K. */
const FLOW_PER_RPM = 0.00515
const HEAT_PER_FLOW = 1.163
const WATER_LAG = 8
const BEARING_LAG = 1200
const CONDENSER_LAG = 60

export interface WearState {
  seconds: number
  /** Undefined: nothing wears. */
  wear?: { kind: WearKind; since: number; lasts: number }
  /** Degree of wear, 0 as new, about 1 at the failure. */
  degree: number
  /** Degree per kind is all that differs: what the instruments show follows from it. */
  shown: Record<InstrumentName, number>
  /** Why the machine's own protection has stopped it. */
  failure?: string
}

export function createWearState(): WearState {
  const shown = {
    SupplyTemperature: 7.2,
    ReturnTemperature: 12.5,
    WaterFlow: 7.47,
    PumpSpeed: 1450,
    PumpVibration: 2,
    BearingTemperature: 44,
    CompressorPower: 12,
    CondensingPressure: 14.5,
    EvaporatingPressure: 3.4,
    DischargeTemperature: 66,
    HallTemperature: HALL_MEAN,
  }
  return { seconds: 0, degree: 0, shown }
}

/** Begins a kind of wear that ends in the failure after about `lasts` seconds; undefined mends everything. */
export function startWear(
  state: WearState,
  wear: { kind: WearKind; lasts: number } | undefined,
): WearState {
  const { wear: _, failure: __, ...rest } = state
  return { ...rest, degree: 0, ...(wear ? { wear: { ...wear, since: state.seconds } } : {}) }
}

/** How far the return sensor stands above the water, K; nothing is controlled by it, bills are made of it. */
function sensorError({ wear, degree }: WearState): number {
  return wear?.kind === 'sensor-drift' ? SENSOR_LIMIT * degree : 0
}

/** The instruments some seconds later; `water` is the thermal model. */
export function nextWearState(
  state: WearState,
  { water, seconds, random }: { water: ChillerState; seconds: number; random: SeededRandom },
): WearState {
  const at = state.seconds + seconds
  const { wear } = state
  const age = wear ? (at - wear.since) / wear.lasts : 0
  const degree = Math.min(WORN_OUT, age ** 2)
  const shown = readInstruments({ ...state, seconds: at, degree }, { water, seconds, random })
  const next = { ...state, seconds: at, degree, shown }
  const failure = state.failure ?? findFailure(next, water)
  return failure === undefined ? next : { ...next, failure }
}

function readInstruments(
  state: WearState,
  { water, seconds, random }: { water: ChillerState; seconds: number; random: SeededRandom },
): WearState['shown'] {
  const before = state.shown
  const worn = (kind: WearKind) => (state.wear?.kind === kind ? state.degree : 0)
  const follow = (name: InstrumentName, aim: number, lag: number, noise: number) =>
    before[name] + (aim - before[name]) * Math.min(1, seconds / lag) + noise * random.normal()
  const hall = HALL_MEAN + HALL_SWING * Math.sin((2 * Math.PI * state.seconds) / DAY)
  const { supply } = water
  const flow = water.pumpSpeed * FLOW_PER_RPM * (1 - 0.42 * worn('pump-leak'))
  const spread = flow > 0 ? water.load / (flow * HEAT_PER_FLOW) : 0
  const charge = worn('refrigerant-loss')
  const evaporating = 3.42 + 0.11 * (supply - 7) - 0.008 * (water.load - 40) - 0.95 * charge
  const heat = water.load * 1.25
  const lift = 0.05 * (heat - 50) + 6.2 * worn('condenser-fouling')
  const condensing = 14.5 + 0.33 * (hall - HALL_MEAN) + lift - 0.5 * charge
  const power = (water.load / 3.6) * (1 + 0.045 * (condensing - 14.5) + 0.12 * charge)
  const compression = condensing / Math.max(1, evaporating)
  const bearing = worn('bearing-wear')
  return {
    SupplyTemperature: supply + 0.02 * random.normal(),
    ReturnTemperature: follow(
      'ReturnTemperature',
      supply + spread + sensorError(state),
      WATER_LAG,
      0.01,
    ),
    WaterFlow: flow + 0.03 * random.normal(),
    PumpSpeed: water.pumpSpeed,
    PumpVibration: 2 + 0.0006 * (water.pumpSpeed - 1450) + 5.2 * bearing + 0.1 * random.normal(),
    BearingTemperature: follow('BearingTemperature', hall + 20 + 14 * bearing, BEARING_LAG, 0.01),
    CompressorPower: power + 0.08 * random.normal(),
    CondensingPressure: follow('CondensingPressure', condensing, CONDENSER_LAG, 0.01),
    EvaporatingPressure: evaporating + 0.015 * random.normal(),
    DischargeTemperature: 38 + 6.6 * compression + 12 * charge + 0.15 * random.normal(),
    HallTemperature: hall + 0.05 * random.normal(),
  }
}

function findFailure(state: WearState, water: ChillerState): string | undefined {
  const { shown, wear } = state
  if (shown.CondensingPressure >= HIGH_PRESSURE) return 'high pressure trip'
  if (shown.PumpVibration >= HIGH_VIBRATION) return 'vibration trip'
  if (water.isRunning && shown.WaterFlow <= LOW_FLOW) return 'low flow trip'
  if (shown.EvaporatingPressure <= LOW_PRESSURE) return 'low pressure trip'
  const isOff = sensorError(state) >= SENSOR_LIMIT
  return wear?.kind === 'sensor-drift' && isOff ? wearKinds[wear.kind].ends : undefined
}
