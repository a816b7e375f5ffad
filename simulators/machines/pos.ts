/** A POS terminal: an OPC UA server with the UnifiedPOS statistics of its devices and its own health. */
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openControl } from '../kit/control-server.ts'
import { openOpcuaServer } from '../kit/opcua-server.ts'
import type { OpcuaVariable } from '../kit/opcua-variables.ts'
import { createSeededRandom } from '../kit/seeded-random.ts'
import { openTicker } from '../kit/ticker.ts'
import {
  counterNames,
  createPosState,
  injectPosFault,
  nextPosState,
  type PosFault,
  type PosState,
  posCategories,
  posFaults,
} from './pos-trade.ts'

export const POS_NAMESPACE = 'urn:mimamori:simulator:pos'
export const POS_DEVICE = 'Pos'
const TICK_MS = 1000
/** Counters survive a restart; at most so many seconds of trade are forgotten by a sudden death. */
const SAVE_TICKS = 5

export interface PosOptions {
  name: string
  /** PKI, certificate and the counters. */
  dir: string
  host?: string
  opcuaPort?: number
  httpPort?: number
  /** Seconds of trade per second. */
  speed?: number
  seed?: number
  /** Seconds until the cutter is worn; undefined: never. */
  faultAfter?: number
  /** Unix ms. */
  now?: () => number
}

export interface Pos extends AsyncDisposable {
  readonly endpoints: { opcua: string; control: string; certificate: string }
  state(): PosState
  inject(fault: PosFault): void
}

/** Opens the terminal; rejects with the system's error when a port is taken. */
export async function openPos(options: PosOptions): Promise<Pos> {
  await using stack = new AsyncDisposableStack()
  const { host, dir, now = Date.now } = options
  const machine = createMachine(options, await loadState(dir))
  const server = stack.use(
    await openOpcuaServer({
      host,
      port: options.opcuaPort,
      namespaceUri: POS_NAMESPACE,
      title: `Simulated POS terminal ${options.name}`,
      folder: dir,
      device: POS_DEVICE,
      variables: variables(options, machine.state()),
      security: 'encrypted',
    }),
  )
  const control = stack.use(
    await openControl({
      host,
      port: options.httpPort,
      state: machine.state,
      commands: {},
      faults: posFaults,
      inject: (fault) => machine.inject(fault as PosFault),
    }),
  )
  stack.defer(machine.save)
  const tick = (at: number, count: number) => {
    machine.tick(count)
    const { name, seed = 1 } = options
    const serial = serialOf('POSPrinter', { name, seed, printers: machine.state().printers })
    server.set('POSPrinter.SerialNumber', serial, { at })
    publish((name, value) => server.set(name, value, { at }), machine.state())
  }
  stack.use(openTicker({ periodMs: TICK_MS, now, tick }))
  const owned = stack.move()
  return {
    endpoints: {
      opcua: server.endpoint,
      control: control.url,
      certificate: server.certificateFile,
    },
    state: machine.state,
    inject: machine.inject,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function createMachine(options: PosOptions, kept: Partial<PosState>) {
  const { dir, seed = 1, speed = 1, faultAfter } = options
  const random = createSeededRandom(seed)
  let state: PosState = { ...createPosState(random), ...kept }
  /** Seconds of trade not yet stepped: a slow till owes fractions. */
  let owed = 0
  const inject = (fault: PosFault) => {
    state = injectPosFault(state, fault)
  }
  // One save after the other: two at once would write the same file.
  let saving = Promise.resolve()
  const save = () => {
    saving = saving.catch(() => undefined).then(() => saveState(dir, state))
    return saving
  }
  return {
    state: () => state,
    inject,
    save,
    tick(count: number) {
      if (faultAfter !== undefined && count === Math.max(1, Math.round(faultAfter))) {
        inject('cutter-worn')
      }
      for (owed += speed; owed >= 1; owed--) state = nextPosState(state, random)
      // A full disk costs the counters' memory, not the terminal; the last save still tells.
      if (count % SAVE_TICKS === 0) void save().catch(() => undefined)
    },
  }
}

/** Makers and models are invented; the names of the statistics are not. */
const models = {
  POSPrinter: ['Example Print', 'TP-80'],
  CashDrawer: ['Example Steel', 'CD-4'],
  MSR: ['Example Card', 'MR-3'],
  Scanner: ['Example Optics', 'SC-2D'],
} as const satisfies Record<(typeof posCategories)[number], readonly [string, string]>

/** The first printer's number is the till's; its successors count on. */
function serialOf(
  category: (typeof posCategories)[number],
  { name, seed, printers }: { name: string; seed: number; printers: number },
): string {
  const serial = `${models[category][1]}-${String(seed).padStart(4, '0')}-${name}`
  return category === 'POSPrinter' && printers > 1 ? `${serial}-${printers}` : serial
}

function variables({ name, seed = 1 }: PosOptions, state: PosState): OpcuaVariable[] {
  const identity = posCategories.flatMap((category): OpcuaVariable[] => {
    const [maker, model] = models[category]
    const serial = serialOf(category, { name, seed, printers: state.printers })
    return [
      { name: `${category}.ManufacturerName`, type: 'String', initial: maker },
      { name: `${category}.ModelName`, type: 'String', initial: model },
      { name: `${category}.SerialNumber`, type: 'String', initial: serial },
      {
        name: `${category}.HoursPoweredCount`,
        type: 'UInt32',
        initial: Math.floor(state.hoursPowered),
      },
    ]
  })
  return [
    ...identity,
    ...counterNames.map((counter): OpcuaVariable => {
      return { name: counter, type: 'UInt32', initial: state.counters[counter] }
    }),
    { name: 'Receipts', type: 'UInt32', initial: state.receipts },
    { name: 'System.Cpu', type: 'Double', unit: '%', range: [0, 100], initial: state.cpu },
    {
      name: 'System.DiskUsed',
      type: 'Double',
      unit: '%',
      range: [0, 100],
      initial: state.diskUsed,
    },
    {
      name: 'System.Temperature',
      type: 'Double',
      unit: '°C',
      range: [-20, 120],
      initial: state.temperature,
    },
  ]
}

function publish(set: (name: string, value: number) => void, state: PosState): void {
  for (const counter of counterNames) set(counter, state.counters[counter])
  for (const category of posCategories) {
    set(`${category}.HoursPoweredCount`, Math.floor(state.hoursPowered))
  }
  set('Receipts', state.receipts)
  set('System.Cpu', state.cpu)
  set('System.DiskUsed', state.diskUsed)
  set('System.Temperature', state.temperature)
}

function stateFile(dir: string): string {
  return join(dir, 'counters.json')
}

/** What the last run left; a file that is not there or not whole means a new till. */
async function loadState(dir: string): Promise<Partial<PosState>> {
  try {
    return JSON.parse(await readFile(stateFile(dir), 'utf8')) as Partial<PosState>
  } catch {
    return {}
  }
}

/** Written beside and renamed: a sudden death leaves the old file or the new one. */
async function saveState(dir: string, state: PosState): Promise<void> {
  await mkdir(dir, { recursive: true })
  const { fault: _, ...kept } = state
  await writeFile(`${stateFile(dir)}.new`, JSON.stringify(kept))
  await rename(`${stateFile(dir)}.new`, stateFile(dir))
}
