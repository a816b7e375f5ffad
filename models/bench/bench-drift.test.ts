/** End to end on simulated machines: slow wear alarms long before the failure, and names its culprit. */
import { expect, test } from 'vitest'
import { judgeMachine } from './bench-drift.ts'
import { simulateMachine } from './simulated-wear.ts'

const days = { train: 1, calm: 0.25, wear: [0.25, 0.4] as const }

test.each([1, 2])(
  'machine %i alarms at least 10 minutes before it fails, not before it wears',
  async (seed) => {
    const machine = simulateMachine(seed, days)
    expect(machine.failureRow).toBeGreaterThan(machine.wearRow + 100)
    const { leadMinutes, falseAlarms, named } = await judgeMachine(machine)
    expect(leadMinutes).toBeGreaterThanOrEqual(10)
    expect(falseAlarms).toBe(0)
    expect(named.afterAnHour).toBe(true)
  },
)
