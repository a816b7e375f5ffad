/** Nothing acquired is lost: the demo as real processes, kill -9 of the cloud, then of the plant's gateway. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { runLedger } from '../demo/ledger.ts'

it('after kill -9 of the cloud and of the gateway every integer is stored once or lies in the one reported gap', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'mimamori-ledger-'))
  onTestFinished(() => rm(dir, { recursive: true, force: true }))
  const report = await runLedger({ dir, cloudSeconds: 6, gatewaySeconds: 4, say: () => undefined })
  expect(report.problems).toEqual([])
  // The dead cloud left no hole, the dead gateway did: both counters went on counting meanwhile.
  expect(report.ledgers).toHaveLength(2)
  for (const { missing, gaps } of report.ledgers) {
    expect(missing.length).toBeGreaterThan(0)
    expect(gaps).toMatchObject([{ reason: 'gateway-down' }])
  }
}, 240_000)
