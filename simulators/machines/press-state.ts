/** The press's cooling circuit as a pure state machine: two coolers, a latched fault, a plan of wear. */
import type { CommandResult } from '../kit/control-server.ts'

export const pressFaults = ['cooler-reduced', 'cooler-failed', 'none'] as const
export type PressFault = (typeof pressFaults)[number]

/** Names of the recordings in `recordings/hydraulic/`. */
export const pressRecordings = ['healthy', 'cooler-reduced', 'cooler-failed'] as const
export type PressRecording = (typeof pressRecordings)[number]

export interface PressState {
  /** Which cooler the oil flows through. */
  inService: 'main' | 'spare'
  mainCooler: 'good' | 'reduced' | 'failed'
  /** Latched by the PLC when the main cooler fails in service; only a reset clears it. */
  coolerFault: boolean
  /** When the main cooler begins to fail by itself, Unix ms; undefined: not any more, or never. */
  failsFrom: number | undefined
}

/** The cooler works with a fifth of its power for so long before it fails altogether. */
export const REDUCED_MS = 45_000

export function createPressState(failsFrom?: number): PressState {
  return { inService: 'main', mainCooler: 'good', coolerFault: false, failsFrom }
}

/** What has become of it by now; the same object when nothing changed. */
export function nextPressState(state: PressState, now: number): PressState {
  const { failsFrom } = state
  if (failsFrom === undefined || now < failsFrom) return state
  if (now >= failsFrom + REDUCED_MS) return applyFault(state, 'cooler-failed')
  return state.mainCooler === 'good' ? { ...state, mainCooler: 'reduced' } : state
}

/** An experimenter's command; it ends the plan of wear. */
export function applyFault(state: PressState, fault: PressFault): PressState {
  const mainCooler = fault === 'none' ? 'good' : fault === 'cooler-reduced' ? 'reduced' : 'failed'
  const isTripped = mainCooler === 'failed' && state.inService === 'main'
  return {
    ...state,
    mainCooler,
    coolerFault: fault === 'none' ? false : state.coolerFault || isTripped,
    failsFrom: undefined,
  }
}

/** What the sensors show: the spare cooler is as good as a good main cooler. */
export function recordingOf(state: PressState): PressRecording {
  if (state.inService === 'spare' || state.mainCooler === 'good') return 'healthy'
  return state.mainCooler === 'reduced' ? 'cooler-reduced' : 'cooler-failed'
}

export type PressCommand = 'switch-to-spare' | 'switch-to-main' | 'reset-fault'

/** The operator's commands: the state after, or why not. */
export function applyCommand(
  state: PressState,
  command: PressCommand,
): { state: PressState; result: CommandResult } {
  const reason = refuse(state, command)
  if (reason !== undefined) return { state, result: { done: false, reason } }
  const after: PressState =
    command === 'switch-to-spare'
      ? { ...state, inService: 'spare' }
      : command === 'switch-to-main'
        ? { ...state, inService: 'main' }
        : { ...state, coolerFault: false }
  return { state: after, result: { done: true } }
}

/** Why a command is not possible now; undefined when it is. */
export function refuse(state: PressState, command: PressCommand): string | undefined {
  const { inService, mainCooler, coolerFault } = state
  if (command === 'switch-to-spare') {
    return inService === 'spare' ? 'The spare cooler is in service already.' : undefined
  }
  if (command === 'switch-to-main') {
    if (inService === 'main') return 'The main cooler is in service already.'
    return mainCooler === 'failed' ? 'The main cooler has failed: repair it first.' : undefined
  }
  if (!coolerFault) return 'There is no fault to reset.'
  return inService === 'main' && mainCooler === 'failed'
    ? 'The failed main cooler is still in service: switch to the spare cooler first.'
    : undefined
}
