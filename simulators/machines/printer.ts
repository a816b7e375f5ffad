/** The shop's receipt printer as a machine of its own: ESC/POS on TCP and faults by command. */
import { openControl } from '../kit/control-server.ts'
import { openPrinter as openEscposPrinter } from '../kit/escpos-printer.ts'
import { healthyPrinter, type PrinterState } from '../kit/escpos-status.ts'
import { openTicker } from '../kit/ticker.ts'

const faultStates = {
  'cover-open': { cover: 'open' },
  'paper-near-end': { paper: 'near-end' },
  'paper-end': { paper: 'end' },
  'cutter-jam': { cutterError: true },
  'drawer-open': { drawer: 'open' },
  offline: { online: false },
  none: healthyPrinter,
} as const satisfies Record<string, Partial<PrinterState>>

export type PrinterFault = keyof typeof faultStates
export const printerFaults = Object.keys(faultStates) as PrinterFault[]

export interface PrinterMachineOptions {
  name: string
  host?: string
  printerPort?: number
  httpPort?: number
  /** Seconds until the paper is nearly used up; undefined: never. */
  faultAfter?: number
}

export interface PrinterMachine extends AsyncDisposable {
  readonly endpoints: { printer: string; control: string }
  state(): Readonly<PrinterState>
  /** Faults add up until `none`. */
  inject(fault: PrinterFault): void
}

/** Opens the machine; rejects with the system's error when a port is taken. */
export async function openPrinterMachine(options: PrinterMachineOptions): Promise<PrinterMachine> {
  await using stack = new AsyncDisposableStack()
  const { host = '127.0.0.1', faultAfter } = options
  const printer = stack.use(await openEscposPrinter({ host, port: options.printerPort }))
  const inject = (fault: PrinterFault) => printer.set(faultStates[fault])
  const control = stack.use(
    await openControl({
      host,
      port: options.httpPort,
      state: () => ({ ...printer.get(), ...printer.counters() }),
      commands: {},
      faults: printerFaults,
      inject: (fault) => inject(fault as PrinterFault),
    }),
  )
  if (faultAfter !== undefined) {
    const tick = (_: number, count: number) => {
      if (count === 1) inject('paper-near-end')
    }
    stack.use(openTicker({ periodMs: Math.max(1, faultAfter * 1000), tick }))
  }
  const owned = stack.move()
  return {
    endpoints: { printer: `tcp://${host}:${printer.port}`, control: control.url },
    state: printer.get,
    inject,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}
