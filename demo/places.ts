/** The two customers' places of the demo: their ids, people and ports. */
import type { DemoLogin } from './screen.ts'

export const plant = {
  site: 'kita-plant',
  gateway: 'gw-plant',
  name: 'Kita Press Works, Osaka',
} as const
export const shop = { site: 'sakura-shop', gateway: 'gw-shop', name: 'Sakura Mart, Kyoto' } as const
export const timeZone = 'Asia/Tokyo'

/** Tags of the press that the model knows, in the order of its recording. */
export const pressSensors = [
  ['PS1', 'bar'],
  ['PS2', 'bar'],
  ['PS3', 'bar'],
  ['PS4', 'bar'],
  ['PS5', 'bar'],
  ['PS6', 'bar'],
  ['EPS1', 'W'],
  ['FS1', 'l/min'],
  ['FS2', 'l/min'],
  ['TS1', '°C'],
  ['TS2', '°C'],
  ['TS3', '°C'],
  ['TS4', '°C'],
  ['VS1', 'mm/s'],
  ['CE', '%'],
  ['CP', 'kW'],
  ['SE', '%'],
] as const

export interface DemoPerson extends Omit<DemoLogin, 'password'> {
  name: string
  roleId: 'engineer' | 'technician' | 'site-manager'
}

/** One service company looks after both places; each person does one thing. */
export const persons: readonly DemoPerson[] = [
  { role: 'Engineer', roleId: 'engineer', login: 'engineer', name: 'Emi Tanaka' },
  { role: 'Technician', roleId: 'technician', login: 'technician', name: 'Kenji Sato' },
  { role: 'Site manager', roleId: 'site-manager', login: 'manager', name: 'Aiko Mori' },
]

/** Every port of the demo but the console's, found free at start. */
export const portNames = [
  'pressOpcua',
  'pressHttp',
  'chillerModbus',
  'chillerHttp',
  'pos1Opcua',
  'pos1Http',
  'pos2Opcua',
  'pos2Http',
  'printerTcp',
  'printerHttp',
  'broker',
  'tunnel',
  'hmi',
  'plantLocal',
  'shopLocal',
] as const
export type PortName = (typeof portNames)[number]
export type Ports = Readonly<Record<PortName, number>>

/** UnifiedPOS statistics and health of a terminal. */
export const posTags: readonly (readonly [name: string, type: string, unit?: string])[] = [
  ['POSPrinter.SerialNumber', 'String'],
  ['CashDrawer.SerialNumber', 'String'],
  ['MSR.SerialNumber', 'String'],
  ['POSPrinter.HoursPoweredCount', 'UInt32', 'h'],
  ['POSPrinter.ReceiptLinePrintedCount', 'UInt32'],
  ['POSPrinter.PaperCutCount', 'UInt32'],
  ['POSPrinter.FailedPaperCutCount', 'UInt32'],
  ['POSPrinter.PrinterFaultCount', 'UInt32'],
  ['CashDrawer.DrawerGoodOpenCount', 'UInt32'],
  ['CashDrawer.DrawerFailedOpenCount', 'UInt32'],
  ['MSR.GoodReadCount', 'UInt32'],
  ['MSR.FailedReadCount', 'UInt32'],
  ['Scanner.GoodScanCount', 'UInt32'],
  ['Receipts', 'UInt32'],
  ['System.Cpu', 'Double', '%'],
  ['System.DiskUsed', 'Double', '%'],
  ['System.Temperature', 'Double', '°C'],
]

/** Parts of a terminal that wear: their counter, and the counter of what failed. */
export const posCounters: readonly (readonly [part: string, counter: string, failures?: string])[] =
  [
    ['POSPrinter', 'PaperCutCount', 'FailedPaperCutCount'],
    ['POSPrinter', 'ReceiptLinePrintedCount'],
    ['POSPrinter', 'HoursPoweredCount'],
    ['CashDrawer', 'DrawerGoodOpenCount', 'DrawerFailedOpenCount'],
    ['MSR', 'GoodReadCount', 'FailedReadCount'],
  ]

/** Rated lives of a terminal's parts, as their makers' data sheets usually give them. */
export const posWear: readonly (readonly [
  title: string,
  part: string,
  counter: string,
  limit: number,
  unit: string,
])[] = [
  ['Paper cutter', 'POSPrinter', 'PaperCutCount', 1_500_000, 'cuts'],
  ['Cash drawer', 'CashDrawer', 'DrawerGoodOpenCount', 1_000_000, 'openings'],
  ['Card reader', 'MSR', 'GoodReadCount', 500_000, 'reads'],
]

/** Fields of the printer's ESC/POS status. */
export const printerFields = [
  'online',
  'coverOpen',
  'paperNearEnd',
  'paperEnd',
  'cutterError',
  'drawerOpen',
]
