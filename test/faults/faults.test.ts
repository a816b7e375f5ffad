/** The quick faults, in every test run and side by side, for they mostly wait; `npm run faults` makes all of them. */
import { describe, expect, test } from 'vitest'
import { openChain } from './chain.ts'
import { runSweeps } from './cut-sweep.ts'
import { diskFaults } from './disk-faults.ts'
import { runOutage } from './edge-link-faults.ts'
import { runMisuse } from './modbus-faults.ts'
import { runKills } from './outbox-kills.ts'
import { missingMosquitto } from './processes.ts'
import { runRandomChains } from './random-chain.ts'
import { runScenario, type Seen } from './scenario.ts'
import { until } from './until.ts'

function expectGood({ lost, duplicated, failed }: Seen): void {
  expect({ lost, duplicated, failed }).toEqual({ lost: 0, duplicated: 0, failed: [] })
}

const missing = missingMosquitto()
const note = missing === undefined ? '' : ` (${missing})`

// On a machine with much else to do each of them may take as long as it likes.
describe.concurrent('quick faults', { timeout: 300_000 }, () => {
  test.skipIf(missing)(`F01: broker killed and back: the outbox drains${note}`, async () => {
    expectGood(
      await runOutage({
        begin: ({ broker }) => broker.kill(),
        lastsMs: 1500,
        end: ({ broker }) => broker.start(),
      }),
    )
  })

  test('F08: a line reset after exactly n bytes loses and doubles nothing', async () => {
    expectGood(
      await runSweeps([
        { direction: 'up', from: 1, to: 400, step: 25 },
        { direction: 'down', from: 0, to: 20, step: 2 },
      ]),
    )
  })

  test.skipIf(missing)(`F16: answers that come late are never another's${note}`, async () => {
    expectGood(await runMisuse({ behave: () => ({ delayMs: 900 }), lastsMs: 2000 }))
  })

  test('F10: a line that is cut right after every birth is met with growing waits, not hammered', async () => {
    await using chain = await openChain({ minMs: 10, maxMs: 60_000 })
    for (let birth = 1; birth < 8; birth++) {
      await until('born', () => chain.births() >= birth)
      chain.proxy.reset()
    }
    const cutAt = performance.now()
    await until('born again', () => chain.births() >= 8)
    // The eighth try waits at least half of 10 ms doubled seven times, less two looks of `until`.
    expect(performance.now() - cutAt).toBeGreaterThan(500)
  })

  test('F22: a killed writer has kept all that it answered for', async () => {
    expectGood(await runKills({ rounds: 5, seed: 22 }))
  })

  const f26 = diskFaults.find(({ id }) => id === 'F26')

  test.skipIf(missing)(`F26: a spoilt outbox is set aside, and told${note}`, async () => {
    if (!f26) throw new Error('F26 is gone')
    expectGood(await runScenario(f26))
  })

  test('random sequences of cuts, restarts, hangs, full disks, clock steps and configuration changes: nothing lost, nothing doubled', async () => {
    await runRandomChains({ runs: 8, seed: 20_261_122 })
  })
})
