/** What a fault scenario is: data and one short function that answers what was seen. */

export interface Seen {
  /** What happened, in a few words with numbers. */
  said: string
  /** Integers acquired, not stored and in no reported gap. */
  lost: number
  /** Integers stored more than once. */
  duplicated: number
  /** From the end of the fault until fresh readings are stored and nothing older waits. */
  secondsToNormal: number
  /** Every expectation that did not hold; none: the row is good. */
  failed: string[]
}

export interface Scenario {
  /** `F07`, or `F13b` for a second way to make the same fault. */
  id: string
  fault: string
  expect: string
  /** Why it cannot run here; undefined when it can. */
  missing?(): string | undefined
  run(): Promise<Seen>
}

export interface Row extends Seen {
  id: string
  fault: string
  expect: string
  ok: boolean
}

/** Runs one scenario; an error of it is a row that is not ok, with the error's words. */
export async function runScenario(scenario: Scenario): Promise<Row> {
  const { id, fault, expect } = scenario
  try {
    const seen = await scenario.run()
    const ok = seen.failed.length === 0 && seen.lost === 0 && seen.duplicated === 0
    return { id, fault, expect, ok, ...seen }
  } catch (error) {
    const failed = [error instanceof Error ? error.message : String(error)]
    const nothing = { said: 'stopped', lost: -1, duplicated: -1, secondsToNormal: -1 }
    return { id, fault, expect, ok: false, ...nothing, failed }
  }
}
