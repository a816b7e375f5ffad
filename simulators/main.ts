/** Runs one simulated machine as a process: `node simulators/main.ts press --dir DIR ...`. */
import { once } from 'node:events'
import { Fault } from '../protocol/kit/fault.ts'
import { createLog } from '../protocol/kit/log.ts'
import { type FlagName, type MachineFlags, parseFlags } from './flags.ts'

/** Wrong flags. */
const EXIT_USAGE = 2

interface Machine extends AsyncDisposable {
  readonly endpoints: object
}

/**
 * Opens the machine, prints one JSON line on stdout when it is ready, and stops it when the signal aborts.
 * Throws Fault 'config.invalid' or 'port.taken'.
 */
export async function runSimulator(args: readonly string[], signal: AbortSignal): Promise<void> {
  const flags = parseFlags(args)
  const log = createLog(flags.name)
  await using machine = await openMachine(flags).catch((error: unknown) => {
    throw namePort(flags, error)
  })
  const { endpoints } = machine
  process.stdout.write(`${JSON.stringify({ ready: true, name: flags.name, endpoints })}\n`)
  log.info({ machine: flags.machine, endpoints }, 'simulator ready')
  if (!signal.aborted) await once(signal, 'abort')
  log.info('simulator stops')
}

/** Only the machine that is asked for is loaded: OPC UA alone takes half a second. */
async function openMachine(flags: MachineFlags): Promise<Machine> {
  switch (flags.machine) {
    case 'press': {
      const { openPress } = await import('./machines/press.ts')
      return await openPress({ ...flags, dir: flags.dir ?? '.' })
    }
    case 'pos': {
      const { openPos } = await import('./machines/pos.ts')
      return await openPos({ ...flags, dir: flags.dir ?? '.' })
    }
    case 'chiller': {
      const { openChiller } = await import('./machines/chiller.ts')
      return await openChiller(flags)
    }
    case 'printer': {
      const { openPrinterMachine } = await import('./machines/printer.ts')
      return await openPrinterMachine(flags)
    }
  }
}

/** Says which flag's port is taken; any other error stays as it is. */
function namePort(flags: MachineFlags, error: unknown): unknown {
  const cause = error as { code?: string; port?: number; message?: string }
  const isTaken = cause.code === 'EADDRINUSE' || /EADDRINUSE/.test(cause.message ?? '')
  if (!isTaken) return error
  const ports: [FlagName, number | undefined][] = [
    ['opcua-port', flags.opcuaPort],
    ['modbus-port', flags.modbusPort],
    ['printer-port', flags.printerPort],
    ['http-port', flags.httpPort],
  ]
  const found = ports.find(([, port]) => port !== undefined && port === cause.port)
  const [flag, port] = found ?? ports.find(([, value]) => value) ?? ['http-port', cause.port]
  return new Fault('port.taken', { port, flag: `--${flag}` }, { cause: error })
}

async function main(): Promise<void> {
  const controller = new AbortController()
  process.once('SIGINT', () => controller.abort())
  process.once('SIGTERM', () => controller.abort())
  try {
    await runSimulator(process.argv.slice(2), controller.signal)
  } catch (error) {
    if (!(error instanceof Fault)) {
      createLog('simulator').fatal({ err: error }, 'unexpected error')
      process.exit(1)
    }
    console.error(error.message)
    if (error.detail.problems) console.error(error.detail.problems)
    process.exit(error.code === 'config.invalid' ? EXIT_USAGE : 1)
  }
}

if (import.meta.main) await main()
