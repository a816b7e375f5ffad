/** A till's counters only grow, hang together, and show its faults as ratios. */
import { describe, expect, it } from 'vitest'
import { createSeededRandom } from '../kit/seeded-random.ts'
import {
  type CounterName,
  counterNames,
  createPosState,
  injectPosFault,
  nextPosState,
  type PosFault,
} from './pos-trade.ts'

function trade(seconds: number, fault: PosFault = 'none', seed = 3) {
  const random = createSeededRandom(seed)
  const before = createPosState(random)
  let after = { ...before, fault }
  for (let i = 0; i < seconds; i++) after = nextPosState(after, random)
  const grown = (name: CounterName) => after.counters[name] - before.counters[name]
  return { before, after, grown }
}

describe('trade', () => {
  it('comes out the same for the same seed', () => {
    expect(trade(600).after).toEqual(trade(600).after)
    expect(trade(600).after).not.toEqual(trade(600, 'none', 4).after)
  })

  it('never counts backwards, and cuts each receipt once', () => {
    const { before, after, grown } = trade(7200)
    for (const name of counterNames) expect(grown(name)).toBeGreaterThanOrEqual(0)
    const receipts = after.receipts - before.receipts
    expect(receipts).toBeGreaterThan(200)
    expect(grown('POSPrinter.PaperCutCount')).toBe(receipts)
    expect(grown('CashDrawer.DrawerGoodOpenCount') + grown('MSR.GoodReadCount')).toBeGreaterThan(
      receipts * 0.95,
    )
    expect(after.hoursPowered - before.hoursPowered).toBeCloseTo(2, 6)
  })

  it.each([
    ['cutter-worn', 'POSPrinter.FailedPaperCutCount'],
    ['msr-dirty', 'MSR.FailedReadCount'],
    ['drawer-jammed', 'CashDrawer.DrawerFailedOpenCount'],
  ] as const)('with %s counts more in %s than a good till', (fault, counter) => {
    expect(trade(7200, fault).grown(counter)).toBeGreaterThan(trade(7200).grown(counter) + 10)
  })

  it('another printer starts at zero with its own number, a reset one keeps it; the drawer knows nothing of it', () => {
    const { after: before } = trade(600)
    const exchanged = injectPosFault(before, 'printer-exchanged')
    const reset = injectPosFault(before, 'printer-reset')
    for (const state of [exchanged, reset]) {
      expect(state.counters['POSPrinter.PaperCutCount']).toBe(0)
      expect(state.counters['CashDrawer.DrawerGoodOpenCount']).toBeGreaterThan(0)
      expect(state.fault).toBe('none')
    }
    expect([before.printers, reset.printers, exchanged.printers]).toEqual([1, 1, 2])
  })

  it('overheated runs hotter', () => {
    expect(trade(600, 'overheated').after.temperature).toBeGreaterThan(70)
    expect(trade(600).after.temperature).toBeLessThan(50)
  })
})
