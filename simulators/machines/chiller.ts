/** The chiller: a controller with Modbus TCP in four byte orders and a web HMI, over a thermal model. */
import { openControl } from '../kit/control-server.ts'
import type { ModbusMemory } from '../kit/modbus-memory.ts'
import type { ModbusRequest, ModbusWrite } from '../kit/modbus-pdu.ts'
import { createModbusMemory, type ModbusBehaviour, openModbusServer } from '../kit/modbus-server.ts'
import { createSeededRandom } from '../kit/seeded-random.ts'
import { openTicker } from '../kit/ticker.ts'
import {
  applyChillerCommand,
  applyChillerFault,
  type ChillerCommand,
  type ChillerFault,
  type ChillerState,
  chillerCommands,
  chillerFaults,
  createChillerState,
  nextChillerState,
  SETPOINT_HIGH,
  SETPOINT_LOW,
} from './chiller-model.ts'
import { formatChillerView } from './chiller-view.ts'
import {
  createWearState,
  instrumentNames,
  nextWearState,
  startWear,
  type WearKind,
  wearKinds,
} from './chiller-wear.ts'
import { formatPage } from './hmi-page.ts'

/** Zero-based addresses; what is not named here does not exist and answers exception 2. */
export const chillerMap = {
  unit: 1,
  holding: { supply: 0, return: 2, pumpSpeed: 4, energy: 5, setpoint: 10 },
  input: { ledger: 0, instruments: 10 },
  coils: { run: 0, fault: 1 },
} as const

const TICK_MS = 1000
/** Machine seconds from the first wear to the failure: a shift. */
const WEAR_LASTS = 8 * 3600

export interface ChillerOptions {
  name: string
  host?: string
  modbusPort?: number
  httpPort?: number
  /** Seconds of machine time per second. */
  speed?: number
  seed?: number
  /** Seconds until the compressor trips by itself; undefined: never. */
  faultAfter?: number
  /** Unix ms. */
  now?: () => number
}

export interface Chiller extends AsyncDisposable {
  readonly endpoints: { modbus: string; hmi: string }
  state(): ChillerState
  inject(fault: ChillerFault | WearKind): void
}

const isWear = (fault: string): fault is WearKind => Object.hasOwn(wearKinds, fault)

/** Opens the machine; rejects with the system's error when a port is taken. */
export async function openChiller(options: ChillerOptions): Promise<Chiller> {
  await using stack = new AsyncDisposableStack()
  const { host = '127.0.0.1', now = Date.now } = options
  const machine = createMachine(options)
  const plc = stack.use(
    await openModbusServer({
      host,
      port: options.modbusPort,
      units: { [chillerMap.unit]: machine.memory },
      behave: judgeWrite,
      onWrite: machine.write,
    }),
  )
  const hmi = stack.use(
    await openControl({
      host,
      port: options.httpPort,
      page: formatPage(`Chiller ${options.name}`),
      state: () => formatChillerView(options.name, machine.state()),
      commands: Object.fromEntries(
        chillerCommands.map((command) => [command, () => machine.command(command)]),
      ),
      faults: [...chillerFaults, ...Object.keys(wearKinds)],
      inject: (fault) => machine.inject(fault as ChillerFault | WearKind),
    }),
  )
  stack.use(openTicker({ periodMs: TICK_MS, now, tick: (_, count) => machine.tick(count) }))
  const owned = stack.move()
  return {
    endpoints: { modbus: `tcp://${host}:${plc.port}`, hmi: hmi.url },
    state: machine.state,
    inject: machine.inject,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** Only the setpoint (5.0 to 15.0 °C, as tenths) and the run coil can be written. */
function judgeWrite({ fn, address, quantity, values }: ModbusRequest): ModbusBehaviour {
  if (fn === 5 || fn === 15) {
    const isRun = address === chillerMap.coils.run && quantity === 1
    return isRun ? undefined : { exception: 2 }
  }
  if (fn !== 6 && fn !== 16) return undefined
  if (address !== chillerMap.holding.setpoint || quantity !== 1) return { exception: 2 }
  const tenths = ((values?.[0] ?? 0) << 16) >> 16
  return tenths < SETPOINT_LOW * 10 || tenths > SETPOINT_HIGH * 10 ? { exception: 3 } : undefined
}

function createMachine({ seed = 1, speed = 1, faultAfter }: ChillerOptions) {
  const random = createSeededRandom(seed)
  const wearRandom = createSeededRandom(seed + 1)
  const memory = createModbusMemory({
    holding: [
      [0, 7],
      [chillerMap.holding.setpoint, 1],
    ],
    input: [
      [0, 2],
      [chillerMap.input.instruments, 2 * instrumentNames.length],
    ],
    coils: [[0, 2]],
  })
  let state = createChillerState()
  let wear = createWearState()
  store(memory, state)
  const become = (after: ChillerState) => {
    state = after
    store(memory, state)
  }
  return {
    memory,
    state: () => state,
    tick(count: number) {
      memory.setUint32('input', chillerMap.input.ledger, count)
      if (faultAfter !== undefined && count === Math.max(1, Math.round(faultAfter))) {
        become(applyChillerFault(state, 'compressor-trip'))
      }
      let after = state
      // The model is stepped by a second of machine time, whatever the speed.
      for (let left = speed; left > 0; left -= 1) {
        const seconds = Math.min(1, left)
        after = nextChillerState(after, seconds, random)
        const hadFailed = wear.failure !== undefined
        wear = nextWearState(wear, { water: after, seconds, random: wearRandom })
        if (wear.failure !== undefined && !hadFailed)
          after = applyChillerFault(after, 'compressor-trip')
      }
      instrumentNames.forEach((name, i) => {
        const address = chillerMap.input.instruments + 2 * i
        memory.setFloat32('input', address, wear.shown[name], 'ABCD')
      })
      become(after)
    },
    command(command: ChillerCommand) {
      const { state: after, result } = applyChillerCommand(state, command)
      become(after)
      return result
    },
    inject(fault: ChillerFault | WearKind) {
      if (isWear(fault)) wear = startWear(wear, { kind: fault, lasts: WEAR_LASTS })
      else become(applyChillerFault(state, fault))
      if (fault === 'none') wear = startWear(wear, undefined)
    },
    write({ table }: ModbusWrite) {
      if (table === 'holding') {
        become({ ...state, setpoint: memory.getInt16('holding', chillerMap.holding.setpoint) / 10 })
        return
      }
      const wanted = memory.getBit('coils', chillerMap.coils.run)
      become(applyChillerCommand(state, wanted ? 'start' : 'stop').state)
    },
  }
}

function store(memory: ModbusMemory, state: ChillerState): void {
  const { holding, coils } = chillerMap
  memory.setFloat32('holding', holding.supply, state.supply, 'ABCD')
  memory.setFloat32('holding', holding.return, state.return, 'CDAB')
  memory.setUint16('holding', holding.pumpSpeed, state.pumpSpeed)
  memory.setUint32('holding', holding.energy, Math.floor(state.energy), 'DCBA')
  memory.setInt16('holding', holding.setpoint, Math.round(state.setpoint * 10))
  memory.setBit('coils', coils.run, state.isRunning)
  memory.setBit('coils', coils.fault, state.hasTripped)
}
