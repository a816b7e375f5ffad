/** A till's trade and wear as pure steps: receipts come in seeded, UnifiedPOS statistics count what they cost. */
import type { SeededRandom } from '../kit/seeded-random.ts'

export const posFaults = [
  'cutter-worn',
  'msr-dirty',
  'drawer-jammed',
  'overheated',
  'printer-exchanged',
  'printer-reset',
  'none',
] as const
export type PosFault = (typeof posFaults)[number]

/** Names of UnifiedPOS, after the device category that reports them; all but the hours are whole. */
export const counterNames = [
  'POSPrinter.ReceiptLinePrintedCount',
  'POSPrinter.ReceiptCharacterPrintedCount',
  'POSPrinter.ReceiptLineFeedCount',
  'POSPrinter.ReceiptCoverOpenCount',
  'POSPrinter.BarcodePrintedCount',
  'POSPrinter.PaperCutCount',
  'POSPrinter.FailedPaperCutCount',
  'POSPrinter.PrinterFaultCount',
  'CashDrawer.DrawerGoodOpenCount',
  'CashDrawer.DrawerFailedOpenCount',
  'MSR.GoodReadCount',
  'MSR.FailedReadCount',
  'MSR.UnreadableCardCount',
  'Scanner.GoodScanCount',
] as const
export type CounterName = (typeof counterNames)[number]

export const posCategories = ['POSPrinter', 'CashDrawer', 'MSR', 'Scanner'] as const

export interface PosState {
  counters: Record<CounterName, number>
  /** Of all its devices: they share one power supply. */
  hoursPowered: number
  /** Receipts since the till was installed. */
  receipts: number
  /** %, °C, % */
  cpu: number
  temperature: number
  diskUsed: number
  fault: PosFault
  /** Printers this till has had; each has its own serial number. */
  printers: number
}

/** A till that has worked some two years; which two years, the seed says. */
export function createPosState(random: SeededRandom): PosState {
  const receipts = random.between(180_000, 260_000)
  const per = (rate: number) => Math.round(receipts * rate)
  return {
    counters: {
      'POSPrinter.ReceiptLinePrintedCount': per(19),
      'POSPrinter.ReceiptCharacterPrintedCount': per(430),
      'POSPrinter.ReceiptLineFeedCount': per(24),
      'POSPrinter.ReceiptCoverOpenCount': per(0.006),
      'POSPrinter.BarcodePrintedCount': per(1),
      'POSPrinter.PaperCutCount': receipts,
      'POSPrinter.FailedPaperCutCount': per(0.0004),
      'POSPrinter.PrinterFaultCount': per(0.0004),
      'CashDrawer.DrawerGoodOpenCount': per(0.42),
      'CashDrawer.DrawerFailedOpenCount': per(0.0002),
      'MSR.GoodReadCount': per(0.55),
      'MSR.FailedReadCount': per(0.004),
      'MSR.UnreadableCardCount': per(0.001),
      'Scanner.GoodScanCount': per(9),
    },
    hoursPowered: random.between(9000, 13_000),
    receipts,
    cpu: 12,
    temperature: 41,
    diskUsed: random.between(38, 55),
    fault: 'none',
    printers: 1,
  }
}

/** What a fault by command does at once: the two about the printer happen and are over. */
export function injectPosFault(state: PosState, fault: PosFault): PosState {
  if (fault === 'printer-reset') return { ...state, counters: zeroPrinter(state) }
  if (fault !== 'printer-exchanged') return { ...state, fault }
  return { ...state, counters: zeroPrinter(state), printers: state.printers + 1 }
}

function zeroPrinter({ counters }: PosState): PosState['counters'] {
  const names = counterNames.filter((name) => name.startsWith('POSPrinter.'))
  return { ...counters, ...Object.fromEntries(names.map((name) => [name, 0])) }
}

/** One customer every so many seconds on average. */
const CUSTOMER_SECONDS = 20
const CASH_SHARE = 0.42
/** Chances that one action fails, healthy and with its fault. */
const FAILED_CUT = [0.0004, 0.25] as const
const FAILED_DRAWER = [0.0002, 0.2] as const
const FAILED_READ = [0.004, 0.3] as const
/** °C of the board, idle and hot. */
const BOARD_TEMPERATURE = [41, 78] as const

/** One second of machine time later. */
export function nextPosState(state: PosState, random: SeededRandom): PosState {
  const isServing = random.chance(1 / CUSTOMER_SECONDS)
  const target = BOARD_TEMPERATURE[state.fault === 'overheated' ? 1 : 0]
  const cpuTarget = isServing ? 45 : 11
  const after: PosState = {
    ...state,
    counters: { ...state.counters },
    hoursPowered: state.hoursPowered + 1 / 3600,
    cpu: clampPercent(state.cpu + (cpuTarget - state.cpu) * 0.4 + random.normal() * 1.5),
    temperature: state.temperature + (target - state.temperature) / 60 + random.normal() * 0.1,
    diskUsed: Math.min(99, state.diskUsed + 1e-6),
  }
  if (isServing) sell(after, random)
  return after
}

/** Adds one receipt with everything that belongs to it. */
function sell(state: PosState, random: SeededRandom): void {
  const { counters, fault } = state
  const count = (name: CounterName, by = 1) => {
    counters[name] += by
  }
  const items = random.between(1, 17)
  const lines = items + random.between(7, 12)
  state.receipts++
  count('Scanner.GoodScanCount', items)
  count('POSPrinter.ReceiptLinePrintedCount', lines)
  count('POSPrinter.ReceiptCharacterPrintedCount', lines * random.between(18, 28))
  count('POSPrinter.ReceiptLineFeedCount', lines + 5)
  count('POSPrinter.BarcodePrintedCount')
  if (random.chance(0.006)) count('POSPrinter.ReceiptCoverOpenCount')
  if (random.chance(FAILED_CUT[fault === 'cutter-worn' ? 1 : 0])) {
    count('POSPrinter.FailedPaperCutCount')
    count('POSPrinter.PrinterFaultCount')
  }
  count('POSPrinter.PaperCutCount')
  if (random.chance(CASH_SHARE)) {
    if (random.chance(FAILED_DRAWER[fault === 'drawer-jammed' ? 1 : 0])) {
      count('CashDrawer.DrawerFailedOpenCount')
    }
    count('CashDrawer.DrawerGoodOpenCount')
    return
  }
  // A card that does not read is tried again; some never do.
  while (random.chance(FAILED_READ[fault === 'msr-dirty' ? 1 : 0])) count('MSR.FailedReadCount')
  count(random.chance(0.001) ? 'MSR.UnreadableCardCount' : 'MSR.GoodReadCount')
}

function clampPercent(value: number): number {
  return Math.min(100, Math.max(0, value))
}
