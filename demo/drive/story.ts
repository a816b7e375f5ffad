/** The story of the demo as a table of steps, whoever plays it: a browser or the bare API. */
import type { Step } from './narrator.ts'

/** Every method of a player does one step, asserts what it says, and answers what it saw. */
export interface Watching {
  seeAllGood(): Promise<string>
  seeNormal(): Promise<string>
  seeScoreRise(): Promise<string>
  seeCase(): Promise<string>
  acknowledge(): Promise<string>
  seeRatioFall(): Promise<string>
  seeAlarmClear(): Promise<string>
}

export interface Visiting {
  requestAccess(): Promise<string>
  approve(): Promise<string>
  openSession(): Promise<string>
  mend(): Promise<string>
  endSession(): Promise<string>
}

export interface Closing {
  seeVerified(): Promise<string>
  closeCase(): Promise<string>
  readReport(): Promise<string>
  readRecording(): Promise<string>
  readAudit(): Promise<string>
}

export interface Player extends Watching, Visiting, Closing, AsyncDisposable {
  /** What can be kept of what was on the screen, e.g. paths of pictures. */
  keepEvidence(dir: string): Promise<string[]>
}

/** How long a person would be willing to wait for each thing; generous, because machines are slow at times. */
export const patience = {
  devicesGoodMs: 90_000,
  /** The model looks at a window of rows before it says anything. */
  normalMs: 90_000,
  faultMs: 240_000,
  pageMs: 30_000,
  /** The recording cools down in its own time. */
  recoveryMs: 180_000,
} as const

export const texts = {
  reason: 'The cooling efficiency is too low: look at the cooler and switch to the spare one',
  minutes: 30,
  note: 'Yes, production knows',
  cause: 'The main cooler of the press failed',
  action: 'Switched to the spare cooler; the main one is to be exchanged',
} as const

export const PRESS = 'Hydraulic press'
export const SWITCH = 'Switch to spare cooler'
export const RESET = 'Reset fault'
/** What the recording and the report must name. */
export const SWITCH_PATH = /\/command\/switch-to-spare$/

export function createStory(player: Player): Step[] {
  const step = (who: string, what: string, run: () => Promise<string>): Step => ({ who, what, run })
  return [
    step('engineer', 'sees every device of both sites good', () => player.seeAllGood()),
    step('engineer', `sees "${PRESS}" normal`, () => player.seeNormal()),
    step('engineer', 'sees the score rise above 1', () => player.seeScoreRise()),
    step('engineer', 'finds the case that the alarm opened', () => player.seeCase()),
    step('engineer', 'acknowledges the alarm', () => player.acknowledge()),
    step('technician', 'opens the case and requests access', () => player.requestAccess()),
    step('manager', 'reads the request and approves', () => player.approve()),
    step('technician', "opens the session and sees the machine's own page", () =>
      player.openSession(),
    ),
    step('technician', `presses "${SWITCH}"`, () => player.mend()),
    step('technician', 'ends the session', () => player.endSession()),
    step('engineer', 'sees the score fall below 1', () => player.seeRatioFall()),
    step('engineer', 'sees the alarm clear', () => player.seeAlarmClear()),
    step('technician', 'sees the recovery verified', () => player.seeVerified()),
    step('technician', 'closes the case with cause and action', () => player.closeCase()),
    step('technician', 'reads the report', () => player.readReport()),
    step('technician', 'replays the recording', () => player.readRecording()),
    step('manager', 'reads the audit log', () => player.readAudit()),
  ]
}
