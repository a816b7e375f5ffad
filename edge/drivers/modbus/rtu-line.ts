/** Modbus RTU, on a serial port or over TCP: no transaction ids, so order is proved by silence and by an echo. */
import { Fault, isFault } from '../../../protocol/kit/fault.ts'
import type { Wire } from './byte-stream.ts'
import { type Client, LibraryPort, loadClient } from './library-port.ts'
import { createLine, type Exchanger, type Line, type Reply, type Send, translate } from './line.ts'
import { createEchoJudge, createReplyJudge, encodeEcho, rtuReplyLength } from './rtu-frame.ts'
import { type BusFormat, interFrameMs, quietMs, transmissionMs } from './rtu-timing.ts'
import { type Reopen, RtuWire } from './rtu-wire.ts'

export interface RtuOptions {
  format: BusFormat
  timeoutMs: number
  /** Rest before each request; default t3.5 of the baud rate. */
  interFrameMs?: number
  /** Rest after each reply, for devices slow to listen again. */
  turnaroundMs: number
  /**
   * Units that may still answer an older request, and since when (monotonic). It outlives the line: a reply
   * that was late for one connection comes through the next one just as well.
   */
  suspects: Map<number, number>
  /** Of a wire that the other side may close while nothing is asked. */
  reopen?: Reopen
}

/**
 * A unit that gives no echo either is asked again only after so many timeouts without a byte: it may be one
 * that ignores function 8, against the standard, and by then nothing it owes us is still under way.
 */
const MUTE_TIMEOUTS = 5

/** A line over a wire that is open already, which it closes with itself. */
export function createRtuLine(wire: Wire, options: RtuOptions): Line {
  const port = new LibraryPort()
  const rtu = new RtuWire(wire, options.reopen)
  const bus: Bus = {
    rtu,
    port,
    client: loadClient(port),
    options,
    nonce: Math.floor(Math.random() * 0x10000),
    echoers: new Set(),
  }
  let tail: Promise<unknown> = Promise.resolve()
  const exchanger: Exchanger = {
    endpoint: wire.endpoint,
    exchange(unit, send, signal) {
      const turn = tail.then(() => exchange(bus, { unit, send }, signal))
      tail = turn.catch(() => {})
      return turn
    },
    async idle() {
      await tail
    },
    close: () => rtu.close(),
  }
  return createLine(exchanger)
}

interface Bus {
  rtu: RtuWire
  port: LibraryPort
  client: Promise<Client>
  options: RtuOptions
  nonce: number
  /** Units that are known to answer function 8, if only by refusing it. */
  echoers: Set<number>
}

/**
 * One request. Before it: the gap of the standard; after any doubt, silence (what was under way runs dry);
 * and for a unit that owes an answer, an echo of function 8 with a number of its own. A device answers in
 * order, so once the echo (or its refusal) is back nothing older can follow.
 */
async function exchange(
  bus: Bus,
  { unit, send }: { unit: number; send: Send },
  signal: AbortSignal,
): Promise<Reply> {
  const { rtu, port, options } = bus
  const { suspects } = options
  await rtu.renew(signal)
  const lost = await prepare(bus, unit, signal)
  if (lost) return { lost }
  const answer = send(await bus.client)
  const request = port.takeFrame()
  if (!request) return await translate(answer, rtu.endpoint)
  const wireBytes = request.length + rtuReplyLength(request)
  const deadlineMs = options.timeoutMs + transmissionMs(wireBytes, options.format)
  // Until it has answered it owes us: also when we are aborted or disposed half-way.
  suspects.set(unit, performance.now())
  const judge = createReplyJudge(request)
  const result = await rtu.transact({ request, judge, deadlineMs }, signal)
  if ('lost' in result) {
    // The library waits for ever; its next request takes the place of this one.
    answer.catch(() => {})
    return result
  }
  suspects.delete(unit)
  port.answer(result.frame)
  return await translate(answer, rtu.endpoint)
}

/** A fault when the unit cannot be asked now. */
async function prepare(bus: Bus, unit: number, signal: AbortSignal): Promise<Fault | undefined> {
  const { rtu, options } = bus
  const { format, suspects } = options
  const isNoisy = rtu.takeNoise()
  const gapMs = (options.interFrameMs ?? interFrameMs(format)) + options.turnaroundMs
  const isDoubtful = isNoisy || suspects.has(unit)
  const silenceMs = isDoubtful ? Math.max(gapMs, quietMs(format)) : gapMs
  const babble = await waitForSilence(bus, silenceMs, signal)
  if (babble || !suspects.has(unit)) return babble
  const lost = await demandEcho(bus, unit, signal)
  if (lost) {
    const isAlive = isNoisy || !isFault(lost, 'driver.timeout')
    if (isAlive) suspects.set(unit, performance.now())
    const silentMs = performance.now() - (suspects.get(unit) ?? 0)
    const isMute = !bus.echoers.has(unit) && silentMs >= MUTE_TIMEOUTS * options.timeoutMs
    if (!isMute) return lost
  }
  rtu.takeNoise()
  return await waitForSilence(bus, quietMs(format), signal)
}

/** Undefined once the unit has shown that it has nothing older to say. */
async function demandEcho(bus: Bus, unit: number, signal: AbortSignal): Promise<Fault | undefined> {
  const { timeoutMs, format } = bus.options
  bus.nonce = (bus.nonce + 1) & 0xffff
  const request = encodeEcho(unit, bus.nonce)
  const deadlineMs = timeoutMs + transmissionMs(2 * request.length, format)
  const judge = createEchoJudge(request)
  const result = await bus.rtu.transact({ request, judge, deadlineMs }, signal)
  if ('lost' in result) return result.lost
  bus.echoers.add(unit)
  return undefined
}

async function waitForSilence(
  { rtu, options }: Bus,
  silenceMs: number,
  signal: AbortSignal,
): Promise<Fault | undefined> {
  const silence = { quietMs: silenceMs, patienceMs: options.timeoutMs + silenceMs }
  if (await rtu.waitForSilence(silence, signal)) return undefined
  const problem = 'a bus that is never silent'
  return new Fault('driver.foreign-reply', { endpoint: rtu.endpoint, problem })
}
