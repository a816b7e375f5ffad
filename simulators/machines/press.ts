/** The press: a PLC with OPC UA and a web HMI that shows what a recorded hydraulic rig really measured. */
import { join } from 'node:path'
import { openControl } from '../kit/control-server.ts'
import { type OpcuaServer, openOpcuaServer } from '../kit/opcua-server.ts'
import type { OpcuaVariable } from '../kit/opcua-variables.ts'
import { openTicker } from '../kit/ticker.ts'
import { sensorNames, sensors } from '../recordings/sensors.ts'
import {
  CYCLE_ROWS,
  loadRecording,
  type Recording,
  type ReplayState,
  rowAt,
  switchRecording,
} from '../replay.ts'
import { formatPage } from './hmi-page.ts'
import {
  applyCommand,
  applyFault,
  createPressState,
  nextPressState,
  type PressCommand,
  type PressFault,
  type PressRecording,
  type PressState,
  pressFaults,
  pressRecordings,
  recordingOf,
} from './press-state.ts'
import { formatPressView } from './press-view.ts'

export const PRESS_NAMESPACE = 'urn:mimamori:simulator:press'
export const PRESS_DEVICE = 'Press'
/** The ledger's step: tests count its integers to prove that nothing was lost. */
const LEDGER_MS = 250

export interface PressOptions {
  name: string
  /** PKI and certificate of its OPC UA server. */
  dir: string
  host?: string
  opcuaPort?: number
  httpPort?: number
  /** Seconds of machine time per second. */
  speed?: number
  /** Seconds until the main cooler begins to fail by itself; undefined: never. */
  faultAfter?: number
  /** Unix ms. */
  now?: () => number
}

export interface Press extends AsyncDisposable {
  readonly endpoints: { opcua: string; hmi: string; certificate: string }
  state(): PressState
  inject(fault: PressFault): void
}

/** Opens the machine; rejects with the system's error when a port is taken. */
export async function openPress(options: PressOptions): Promise<Press> {
  await using stack = new AsyncDisposableStack()
  const { host, now = Date.now } = options
  const plc = stack.use(
    await openOpcuaServer({
      host,
      port: options.opcuaPort,
      namespaceUri: PRESS_NAMESPACE,
      title: `Simulated press ${options.name}`,
      folder: options.dir,
      device: PRESS_DEVICE,
      variables: variables(),
      security: 'encrypted',
    }),
  )
  const machine = createMachine({ plc, recordings: await loadRecordings(), options, now })
  machine.show(now())
  const hmi = stack.use(
    await openControl({
      host,
      port: options.httpPort,
      page: formatPage(`Press ${options.name}`),
      state: () => formatPressView(options.name, machine.state(), (name) => plc.get(name)),
      commands: {
        'switch-to-spare': () => machine.command('switch-to-spare'),
        'switch-to-main': () => machine.command('switch-to-main'),
        'reset-fault': () => machine.command('reset-fault'),
      },
      faults: pressFaults,
      inject: (fault) => machine.inject(fault as PressFault),
    }),
  )
  const rowMs = 1000 / (options.speed ?? 1)
  stack.use(openTicker({ periodMs: rowMs, now, tick: machine.show }))
  stack.use(openTicker({ periodMs: LEDGER_MS, now, tick: machine.count }))
  const owned = stack.move()
  return {
    endpoints: { opcua: plc.endpoint, hmi: hmi.url, certificate: plc.certificateFile },
    state: machine.state,
    inject: machine.inject,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

function variables(): OpcuaVariable[] {
  return [
    ...sensors.map((sensor) => ({ ...sensor, type: 'Double' as const, initial: 0 })),
    { name: 'Cycle', type: 'Int32', initial: 0, description: 'Load cycles since the start' },
    { name: 'Running', type: 'Boolean', initial: true },
    { name: 'CoolerInService', type: 'String', initial: 'main' },
    { name: 'CoolerFault', type: 'Boolean', initial: false },
    { name: 'Ledger', type: 'Int64', initial: 0n, description: 'Consecutive, +1 every 250 ms' },
  ]
}

async function loadRecordings(): Promise<Record<PressRecording, Recording>> {
  const folder = join(import.meta.dirname, '../recordings/hydraulic')
  const loaded = pressRecordings.map(
    async (name) => [name, await loadRecording(join(folder, `${name}.csv.gz`))] as const,
  )
  return Object.fromEntries(await Promise.all(loaded)) as Record<PressRecording, Recording>
}

interface MachineParts {
  plc: OpcuaServer
  recordings: Record<PressRecording, Recording>
  options: PressOptions
  now: () => number
}

function createMachine({ plc, recordings, options, now }: MachineParts) {
  const startedAt = now()
  const { faultAfter, speed = 1 } = options
  let state = createPressState(faultAfter === undefined ? undefined : startedAt + faultAfter * 1000)
  let replay: ReplayState<PressRecording> = { name: 'healthy', since: 0 }
  /** Half a row early, so that a tick at a row's very beginning never falls back into the row before. */
  const machineSeconds = (at: number) => ((at - startedAt) / 1000) * speed + 0.5

  function show(at: number): void {
    state = nextPressState(state, at)
    const seconds = machineSeconds(at)
    replay = switchRecording(replay, recordingOf(state), seconds)
    const { values } = rowAt(recordings[replay.name], seconds - replay.since)
    sensorNames.forEach((name, i) => {
      plc.set(name, values[i] ?? 0, { at })
    })
    plc.set('Cycle', Math.floor(seconds / CYCLE_ROWS), { at })
    plc.set('CoolerInService', state.inService, { at })
    plc.set('CoolerFault', state.coolerFault, { at })
  }
  return {
    show,
    count: (at: number, count: number) => plc.set('Ledger', BigInt(count), { at }),
    state: () => state,
    command: (command: PressCommand) => {
      const { state: after, result } = applyCommand(state, command)
      state = after
      show(now())
      return result
    },
    inject: (fault: PressFault) => {
      state = applyFault(state, fault)
      show(now())
    },
  }
}
