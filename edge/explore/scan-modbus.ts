/** `mimamori edge scan modbus`: which registers of a Modbus TCP device can be read, found by halving what is refused. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type Fault, isFault } from '../../protocol/kit/fault.ts'
import type { Table } from '../drivers/modbus/address-schema.ts'
import type { Line, ReadRequest, Reply } from '../drivers/modbus/line.ts'
import { openTcpLine } from '../drivers/modbus/tcp-line.ts'

export interface ScanOptions {
  host: string
  port: number
  units: readonly number[]
  table: Table
  /** First and last address, both included. */
  from: number
  to: number
  timeoutMs: number
  requestsPerS: number
}

/** Registers (or bits) that answered, by address, with the value they held. */
export interface ScannedUnit {
  unit: number
  values: ReadonlyMap<number, number>
  /** Why nothing more was found out; undefined when all was asked. */
  stopped?: string
}

/** Registers a request: below what small devices allow. */
const BLOCK = 100
/** Illegal function, address, value; failure; acknowledge, busy; gateway path, gateway target. */
const exceptions = { noFunction: 1, later: [5, 6], noUnit: [10, 11] } as const
/** Busy answers to one request before the scan gives the unit up. */
const MAX_BUSY = 10
const BUSY_WAIT_MS = 250

/** What a scan will do, in one sentence, told before it begins. */
export function announceScan(options: ScanOptions): string {
  const { host, port, units, table, from, to, requestsPerS } = options
  const count = to - from + 1
  const blocks = Math.ceil(count / BLOCK)
  // A block of n of which nothing answers is asked 2n - 1 times until each address stands alone.
  const most = units.length * (2 * count - blocks)
  const seconds = Math.ceil(most / requestsPerS)
  return `Reads ${table} ${from} to ${to} of ${units.length} unit(s) at ${host}:${port}, writes nothing: ${units.length * blocks} to ${most} requests, at most ${requestsPerS} a second (${seconds} s).`
}

/** Asks one unit after the other. Throws Fault 'driver.disconnected' when nobody listens. */
export async function scanModbus(
  options: ScanOptions,
  signal: AbortSignal,
): Promise<ScannedUnit[]> {
  await using asker = createAsker(options)
  const scanned: ScannedUnit[] = []
  for (const unit of options.units)
    scanned.push(await scanUnit(asker, { ...options, unit }, signal))
  return scanned
}

async function scanUnit(
  asker: Asker,
  { unit, table, from, to }: ScanOptions & { unit: number },
  signal: AbortSignal,
): Promise<ScannedUnit> {
  const values = new Map<number, number>()
  const open: ReadRequest[] = []
  for (let address = from; address <= to; address += BLOCK) {
    open.push({ unit, table, address, count: Math.min(BLOCK, to - address + 1) })
  }
  for (let next = open.shift(); next; next = open.shift()) {
    const reply = await asker.ask(next, signal)
    if ('data' in reply) keep(values, next, reply.data)
    else {
      const stopped = sayStopped(reply, next)
      if (stopped !== undefined) return { unit, values, stopped }
      open.unshift(...halve(next))
    }
  }
  return { unit, values }
}

function halve(request: ReadRequest): ReadRequest[] {
  if (request.count === 1) return []
  const count = request.count >> 1
  const rest = { address: request.address + count, count: request.count - count }
  return [
    { ...request, count },
    { ...request, ...rest },
  ]
}

function keep(values: Map<number, number>, { table, address, count }: ReadRequest, data: Buffer) {
  const isBits = table === 'coil' || table === 'discrete'
  for (let i = 0; i < count; i++) {
    const value = isBits ? ((data[i >> 3] ?? 0) >> (i & 7)) & 1 : data.readUInt16BE(i * 2)
    values.set(address + i, value)
  }
}

/** Undefined: only this place is refused, the scan goes on. */
function sayStopped(reply: Exclude<Reply, { data: Buffer }>, { table, address }: ReadRequest) {
  if ('lost' in reply) return `no answer when asked for ${table} ${address}`
  const { exception } = reply
  if (exception === exceptions.noFunction) return `it has no ${table} table (exception 1)`
  if (isOneOf(exceptions.noUnit, exception)) {
    return `there is no such unit behind the gateway (exception ${exception})`
  }
  return isOneOf(exceptions.later, exception) ? 'it stayed busy' : undefined
}

const isOneOf = (codes: readonly number[], code: number) => codes.includes(code)

interface Asker extends AsyncDisposable {
  ask(request: ReadRequest, signal: AbortSignal): Promise<Reply>
}

/** One request at a time, never faster than asked for; a line that timed out is opened anew for the next one. */
function createAsker({ host, port, timeoutMs, requestsPerS }: ScanOptions): Asker {
  let line: Line | undefined
  let dueMs = 0
  const once = async (request: ReadRequest, signal: AbortSignal): Promise<Reply> => {
    await sleep(Math.max(0, dueMs - performance.now()), undefined, { signal })
    dueMs = performance.now() + 1000 / requestsPerS
    line ??= await openTcpLine({ host, port, timeoutMs }, signal)
    try {
      return await line.read(request, signal)
    } catch (error) {
      await line[Symbol.asyncDispose]()
      line = undefined
      // Many gateways say nothing, or hang up, for a unit that is not there.
      const isSilence = isFault(error, 'driver.timeout') || isFault(error, 'driver.disconnected')
      if (!isSilence || signal.aborted) throw error
      return { lost: error as Fault }
    }
  }
  return {
    async ask(request, signal) {
      for (let turn = 1; ; turn++) {
        const reply = await once(request, signal)
        const isBusy = 'exception' in reply && isOneOf(exceptions.later, reply.exception)
        if (!isBusy || turn === MAX_BUSY) return reply
        await sleep(BUSY_WAIT_MS, undefined, { signal })
      }
    },
    async [Symbol.asyncDispose]() {
      await line?.[Symbol.asyncDispose]()
    },
  }
}
