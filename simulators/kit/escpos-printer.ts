/** A receipt printer on TCP: swallows what is printed, answers ESC/POS status, reports changes by itself. */
import type { Socket } from 'node:net'
import { DLE, ESC, GS, type PrinterCommand, parseCommands } from './escpos-commands.ts'
import {
  encodeAutomaticStatus,
  encodeRealtimeStatus,
  encodeTransmitStatus,
  healthyPrinter,
  isOffline,
  isReported,
  type PrinterState,
} from './escpos-status.ts'
import { openTcpServer } from './tcp-server.ts'

export interface PrinterOptions {
  host?: string
  /** 0 takes a free one. */
  port?: number
  /** Like many real printers: while one host is connected, the next is closed at once. */
  singleConnection?: boolean
  /** Returns 'silent' to swallow a command unanswered; for tests of hosts. */
  behave?(command: PrinterCommand): 'silent' | undefined
}

/** What has come out of it since the start. */
export interface PrinterCounters {
  lines: number
  characters: number
  cuts: number
  failedCuts: number
  drawerKicks: number
}

export interface Printer extends AsyncDisposable {
  readonly port: number
  get(): Readonly<PrinterState>
  /** Changes what is named; hosts that asked for automatic status are told. */
  set(change: Partial<PrinterState>): void
  counters(): Readonly<PrinterCounters>
  /** Connections accepted since the start, the refused second ones included. */
  connections(): number
  dropConnections(): void
}

/** `ESC = n`, `GS a n` and the like are per printer on real devices; the mask here is per connection. */
interface Host {
  socket: Socket
  mask: number
  rest: Buffer
}

/** Opens the printer; rejects with the system's error when the port is taken. */
export async function openPrinter(options: PrinterOptions = {}): Promise<Printer> {
  const hosts = new Set<Host>()
  const counters: PrinterCounters = {
    lines: 0,
    characters: 0,
    cuts: 0,
    failedCuts: 0,
    drawerKicks: 0,
  }
  let state: PrinterState = { ...healthyPrinter }
  const set = (change: Partial<PrinterState>) => {
    const before = state
    state = { ...state, ...change }
    for (const { socket, mask } of hosts) {
      if (isReported(mask, before, state)) socket.write(encodeAutomaticStatus(state))
    }
  }
  const unit: PrintUnit = { get: () => state, set, counters }
  const server = await openTcpServer({
    host: options.host ?? '127.0.0.1',
    port: options.port ?? 0,
    onConnection: (socket) => {
      if (options.singleConnection && hosts.size > 0) return void socket.destroy()
      const host: Host = { socket, mask: 0, rest: Buffer.alloc(0) }
      hosts.add(host)
      socket.on('close', () => hosts.delete(host))
      socket.on('data', (chunk) => {
        const { commands, rest } = parseCommands(Buffer.concat([host.rest, chunk]))
        host.rest = rest
        for (const command of commands) {
          if (options.behave?.(command) !== 'silent') obey(unit, host, command)
        }
      })
    },
  })
  return {
    port: server.port,
    get: () => state,
    set,
    counters: () => counters,
    connections: server.connections,
    dropConnections: server.dropConnections,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

interface PrintUnit {
  get(): PrinterState
  set(change: Partial<PrinterState>): void
  counters: PrinterCounters
}

function obey(unit: PrintUnit, host: Host, command: PrinterCommand): void {
  if (command.kind === 'text') {
    printByte(unit, command.byte)
    return
  }
  const n = command.parameters[0] ?? 0
  const name = String.fromCharCode(command.fn)
  if (command.prefix === DLE) {
    if (command.fn === 0x04) answer(host, encodeRealtimeStatus(n, unit.get()))
    // DLE ENQ: recover from a recoverable error.
    if (command.fn === 0x05 && (n === 1 || n === 2)) unit.set({ cutterError: false })
  } else if (command.prefix === GS) {
    if (name === 'a') enableAutomaticStatus(unit, host, n)
    if (name === 'r') answer(host, encodeTransmitStatus(n, unit.get()))
    if (name === 'V') cut(unit)
  } else if (command.prefix === ESC && name === 'p') {
    unit.counters.drawerKicks++
    unit.set({ drawer: 'open' })
  }
}

function answer(host: Host, status: number | undefined): void {
  if (status !== undefined) host.socket.write(Buffer.from([status]))
}

/** The standard's first report comes at once, whether or not anything changed. */
function enableAutomaticStatus(unit: PrintUnit, host: Host, mask: number): void {
  host.mask = mask
  if (mask !== 0) host.socket.write(encodeAutomaticStatus(unit.get()))
}

function cut(unit: PrintUnit): void {
  if (isOffline(unit.get())) unit.counters.failedCuts++
  else unit.counters.cuts++
}

/** Off line nothing is printed: a real printer's buffer fills, this one's is the bin. */
function printByte(unit: PrintUnit, byte: number): void {
  if (isOffline(unit.get())) return
  if (byte === 0x0a) unit.counters.lines++
  else if (byte >= 0x20) unit.counters.characters++
}
