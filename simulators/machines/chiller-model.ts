/** A water chiller as a first-order thermal model: pure, stepped by seconds, disturbed by seeded noise. */
import type { CommandResult } from '../kit/control-server.ts'
import type { SeededRandom } from '../kit/seeded-random.ts'

export const chillerFaults = ['condenser-fouled', 'pump-worn', 'compressor-trip', 'none'] as const
export type ChillerFault = (typeof chillerFaults)[number]

export interface ChillerState {
  /** Water to the consumers, °C. */
  supply: number
  /** Water back from them, °C. */
  return: number
  /** °C, one decimal. */
  setpoint: number
  /** rpm. */
  pumpSpeed: number
  /** Wh since the machine was built. */
  energy: number
  /** What the consumers take, kW. */
  load: number
  isRunning: boolean
  /** Latched trip; only a reset clears it. */
  hasTripped: boolean
  fault: ChillerFault
}

export const SETPOINT_LOW = 5
export const SETPOINT_HIGH = 15
export const SETPOINT_STEP = 0.5
/** kW of cooling with clean and with fouled fins. */
const CAPACITY = 60
const CAPACITY_FOULED = 34
const MEAN_LOAD = 40
/** kWs to change the loop's water by 1 K: some 190 l. */
const LOOP_CAPACITY = 800
/** Heat that leaks in from the hall, kW/K, and the hall itself, °C. */
const LEAK = 0.4
const HALL = 24
/** kW to change the water by 1 K on its way round, per rpm. */
const FLOW_PER_RPM = 0.0052
const PUMP_RPM = 1450
/** A worn impeller turns faster and moves less. */
const PUMP_RPM_WORN = 1720
const FLOW_WORN = 0.6
/** Cooling per electricity. */
const EFFICIENCY = 3.6
const EFFICIENCY_FOULED = 2.3
/** kW more cooling per K above the setpoint. */
const GAIN = 30

export function createChillerState(): ChillerState {
  return {
    supply: 7.2,
    return: 12.5,
    setpoint: 7,
    pumpSpeed: PUMP_RPM,
    energy: 48_211_000,
    load: MEAN_LOAD,
    isRunning: true,
    hasTripped: false,
    fault: 'none',
  }
}

/** The state some seconds of machine time later; steps of a second or less keep the model stable. */
export function nextChillerState(
  state: ChillerState,
  seconds: number,
  random: SeededRandom,
): ChillerState {
  const isFouled = state.fault === 'condenser-fouled'
  const isWorn = state.fault === 'pump-worn'
  const load = state.load + ((MEAN_LOAD - state.load) / 120) * seconds + random.normal() * 0.6
  const demand = load + (state.supply - state.setpoint) * GAIN
  const capacity = isFouled ? CAPACITY_FOULED : CAPACITY
  const cooling = state.isRunning ? Math.min(capacity, Math.max(0, demand)) : 0
  const taken = state.isRunning ? load : 0
  const leak = (HALL - state.supply) * LEAK
  const supply = state.supply + ((taken + leak - cooling) / LOOP_CAPACITY) * seconds
  const rpm = isWorn ? PUMP_RPM_WORN : PUMP_RPM
  const pumpSpeed = state.isRunning ? Math.round(rpm + random.normal() * 6) : 0
  const flow = rpm * FLOW_PER_RPM * (isWorn ? FLOW_WORN : 1)
  const spread = state.isRunning ? load / flow : 0
  const efficiency = isFouled ? EFFICIENCY_FOULED : EFFICIENCY
  return {
    ...state,
    load,
    supply: supply + random.normal() * 0.01,
    return: state.return + (supply + spread - state.return) * Math.min(1, seconds / 8),
    pumpSpeed,
    energy: state.energy + (cooling / efficiency / 3.6) * seconds,
  }
}

/** An experimenter's command. */
export function applyChillerFault(state: ChillerState, fault: ChillerFault): ChillerState {
  if (fault === 'compressor-trip') return { ...state, fault, hasTripped: true, isRunning: false }
  return { ...state, fault, hasTripped: fault === 'none' ? false : state.hasTripped }
}

export const chillerCommands = ['setpoint-up', 'setpoint-down', 'start', 'stop', 'reset'] as const
export type ChillerCommand = (typeof chillerCommands)[number]

/** Why a command is not possible now; undefined when it is. */
export function refuseChiller(state: ChillerState, command: ChillerCommand): string | undefined {
  switch (command) {
    case 'setpoint-up':
      return state.setpoint >= SETPOINT_HIGH ? `${SETPOINT_HIGH} °C is the highest.` : undefined
    case 'setpoint-down':
      return state.setpoint <= SETPOINT_LOW ? `${SETPOINT_LOW} °C is the lowest.` : undefined
    case 'start':
      if (state.hasTripped) return 'The compressor has tripped: reset the fault first.'
      return state.isRunning ? 'It is running already.' : undefined
    case 'stop':
      return state.isRunning ? undefined : 'It is stopped already.'
    case 'reset':
      return state.hasTripped ? undefined : 'There is no fault to reset.'
  }
}

/** The operator's commands: the state after, or why not. */
export function applyChillerCommand(
  state: ChillerState,
  command: ChillerCommand,
): { state: ChillerState; result: CommandResult } {
  const reason = refuseChiller(state, command)
  if (reason !== undefined) return { state, result: { done: false, reason } }
  const changes: Record<ChillerCommand, Partial<ChillerState>> = {
    'setpoint-up': { setpoint: Math.min(SETPOINT_HIGH, state.setpoint + SETPOINT_STEP) },
    'setpoint-down': { setpoint: Math.max(SETPOINT_LOW, state.setpoint - SETPOINT_STEP) },
    start: { isRunning: true },
    stop: { isRunning: false },
    reset: { hasTripped: false, fault: 'none' },
  }
  return { state: { ...state, ...changes[command] }, result: { done: true } }
}
