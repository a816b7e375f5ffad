/** What the terminal shows: progress while starting, then the address, the logins and what to do first. */
import type { PartEvent } from './supervisor.ts'

export interface DemoLogin {
  role: string
  login: string
  password: string
}

export interface ScreenOptions {
  /** Parts in the order they are shown. */
  parts: readonly { name: string; title: string }[]
  write(text: string): void
  /** Colours only on a terminal. */
  colour: boolean
}

export interface Screen {
  event(event: PartEvent): void
  ready(view: ReadyView): void
}

export interface ReadyView {
  url: string
  seconds: number
  logins: readonly DemoLogin[]
  faultAfterSeconds: number
  dataDir: string
}

const PAINT = { bold: '1', dim: '2', green: '32', red: '31', yellow: '33', cyan: '36' } as const

/** Collects the parts' events into lines a person can follow. */
export function createScreen({ parts, write, colour }: ScreenOptions): Screen {
  const titles = new Map(parts.map(({ name, title }) => [name, title]))
  const width = Math.max(...parts.map(({ title }) => title.length))
  const paint = (style: keyof typeof PAINT, text: string): string =>
    colour ? `\u001b[${PAINT[style]}m${text}\u001b[0m` : text
  const line = (mark: string, event: PartEvent, say: string): void =>
    write(`  ${mark} ${(titles.get(event.name) ?? event.name).padEnd(width)}  ${say}\n`)
  let started = false
  write(
    `\n  ${paint('bold', 'Mimamori')} 見守り  a plant, a shop and the cloud on this machine\n\n`,
  )
  return {
    event(event) {
      if (event.kind === 'ready')
        line(paint('green', '✓'), event, started ? 'running again' : 'running')
      if (event.kind === 'died')
        line(paint('red', '✗'), event, `stopped by itself (${event.why}); it starts again`)
      if (event.kind === 'stopped') line(paint('dim', '·'), event, 'stopped')
    },
    ready(view) {
      started = true
      write(formatReady(view, paint))
    },
  }
}

function formatReady(
  view: ReadyView,
  paint: (style: keyof typeof PAINT, text: string) => string,
): string {
  const logins = view.logins.map(
    ({ role, login, password }) =>
      `    ${role.padEnd(13)} ${paint('bold', login.padEnd(11))} ${paint('bold', password)}`,
  )
  return `
  ${paint('green', 'Ready')} after ${view.seconds.toFixed(0)} s

    Console  ${paint('cyan', view.url)}

${logins.join('\n')}
    ${paint('dim', '(passwords made for this run)')}

  What to do first
    1. Log in as ${paint('bold', 'engineer')} and open "Hydraulic press": the score is calm.
    2. About ${view.faultAfterSeconds} s after start its cooler fails: the score rises, an alarm opens a case.
    3. In a private window, as ${paint('bold', 'technician')}: open the case, request access to the press HMI.
    4. As ${paint('bold', 'manager')}: approve the request (it stands on the fleet page).
    5. As technician: open the session, press "Switch to spare cooler", end the session.
       The score falls, the alarm clears, the case shows verified: close it and read its report.

  Data in ${view.dataDir} (a second start goes on with it) · logs in ${view.dataDir}/logs
  Ctrl-C stops everything.

`
}
