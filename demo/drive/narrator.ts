/** Tells the drive on the terminal, one line a step with its time, and stops it at the first step that does not hold. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Fault } from '../../protocol/kit/fault.ts'

/** Between two looks at something that is still to come. */
const LOOK_MS = 400

export interface Step {
  who: string
  /** What the person does or sees, in the words of the line. */
  what: string
  /** Answers the rest of the line; throws when it does not hold. */
  run(): Promise<string>
}

export interface Narrator {
  say(text: string): void
  /** Throws Fault 'drive.step-failed'. */
  step(step: Step): Promise<void>
  seconds(): number
}

export function createNarrator(write: (text: string) => void, now = () => performance.now()) {
  const startedAt = now()
  const seconds = (): number => (now() - startedAt) / 1000
  const line = (who: string, text: string): void =>
    write(`${seconds().toFixed(1).padStart(6)} s  ${who.padEnd(12)}${text}\n`)
  return {
    say: (text) => line('', text),
    seconds,
    async step({ who, what, run }) {
      let seen: string
      try {
        seen = await run()
      } catch (error) {
        const step = `${who} ${what}`
        throw new Fault('drive.step-failed', { step, why: sayWhy(error) }, { cause: error })
      }
      line(who, seen === '' ? what : `${what}: ${seen}`)
    },
  } satisfies Narrator
}

/** Without the call log that a browser driver adds below its first lines. */
function sayWhy(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error)
  return text.split('\n').slice(0, 3).join(' ').trim()
}

/** Looks until `look` answers something; what it answered last is the reason when it never does. */
export async function until<T>(
  wish: string,
  patienceMs: number,
  look: () => Promise<{ found: T } | { notYet: string }>,
): Promise<T> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    const answer = await look()
    if ('found' in answer) return answer.found
    if (performance.now() > deadline) {
      throw new Error(`${wish} did not come within ${patienceMs / 1000} s; ${answer.notYet}`)
    }
    await sleep(LOOK_MS)
  }
}
