/** Modbus RTU, on a serial port or over TCP: no transaction ids, so order is proved by silence and by an echo. */
import { EventEmitter } from 'node:events'
import { Fault } from '../../../protocol/kit/fault.ts'
import type { Wire } from './byte-stream.ts'
import {
  createClient,
  createLine,
  type Exchanger,
  type Line,
  type Reply,
  type Send,
  translate,
} from './line.ts'
import { createEchoJudge, createReplyJudge, encodeEcho, rtuReplyLength } from './rtu-frame.ts'
import { type BusFormat, interFrameMs, quietMs, transmissionMs } from './rtu-timing.ts'
import { createRtuWire, type RtuWire } from './rtu-wire.ts'

export interface RtuOptions {
  format: BusFormat
  timeoutMs: number
  /** Rest before each request; default t3.5 of the baud rate. */
  interFrameMs?: number
  /** Rest after each reply, for devices slow to listen again. */
  turnaroundMs: number
  /**
   * Units that may still answer an older request. It outlives the line: a reply that was late for one
   * connection comes through the next one just as well.
   */
  suspects: Set<number>
}

/** The port modbus-serial writes its frames to; replies reach it only after the guard has judged them. */
class GuardedPort extends EventEmitter {
  readonly isOpen = true
  #frame: Buffer | undefined

  open(done: () => void): void {
    done()
  }

  write(frame: Buffer): void {
    this.#frame = Buffer.from(frame)
  }

  takeFrame(): Buffer | undefined {
    const frame = this.#frame
    this.#frame = undefined
    return frame
  }
}

/** A line over a wire that is open already, which it closes with itself. */
export function createRtuLine(wire: Wire, options: RtuOptions): Line {
  const port = new GuardedPort()
  const client = createClient(port)
  client.open()
  const rtu = createRtuWire(wire)
  const bus: Bus = {
    rtu,
    port,
    options,
    nonce: Math.floor(Math.random() * 0x10000),
    echoers: new Set(),
  }
  let tail: Promise<unknown> = Promise.resolve()
  const exchanger: Exchanger = {
    endpoint: wire.endpoint,
    client,
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
  port: GuardedPort
  options: RtuOptions
  nonce: number
  /** Units that are known to answer function 8, if only by refusing it. */
  echoers: Set<number>
}

/**
 * One request. Before it: the gap of the standard; after any doubt, silence (what was under way runs dry);
 * and for a unit that owes an answer, an echo of function 8 with a number of its own. A device answers in
 * order, so once the echo (or its refusal) is back nothing older can follow. A device that does not answer
 * the echo either has been silent for a whole timeout more, and is believed.
 */
async function exchange(
  bus: Bus,
  { unit, send }: { unit: number; send: Send },
  signal: AbortSignal,
): Promise<Reply> {
  const { rtu, port, options } = bus
  const { suspects } = options
  const lost = await prepare(bus, unit, signal)
  if (lost) return { lost }
  const answer = send()
  const request = port.takeFrame()
  if (!request) return await translate(answer, rtu.endpoint)
  const wireBytes = request.length + rtuReplyLength(request)
  const deadlineMs = options.timeoutMs + transmissionMs(wireBytes, options.format)
  // Until it has answered it owes us: also when we are aborted or disposed half-way.
  suspects.add(unit)
  const judge = createReplyJudge(request)
  const result = await rtu.transact({ request, judge, deadlineMs }, signal)
  if ('lost' in result) {
    // The library waits for ever; its next request takes the place of this one.
    answer.catch(() => {})
    return result
  }
  suspects.delete(unit)
  port.emit('data', result.frame)
  return await translate(answer, rtu.endpoint)
}

/** A fault when the unit cannot be asked now. */
async function prepare(bus: Bus, unit: number, signal: AbortSignal): Promise<Fault | undefined> {
  const { rtu, options } = bus
  const { format, timeoutMs, suspects } = options
  const isDoubtful = rtu.takeNoise() || suspects.has(unit)
  const gapMs = (options.interFrameMs ?? interFrameMs(format)) + options.turnaroundMs
  const silenceMs = isDoubtful ? Math.max(gapMs, quietMs(format)) : gapMs
  const silence = { quietMs: silenceMs, patienceMs: timeoutMs + silenceMs }
  const babble = 'a bus that is never silent'
  const noise = new Fault('driver.foreign-reply', { endpoint: rtu.endpoint, problem: babble })
  if (!(await rtu.waitForSilence(silence, signal))) return noise
  if (!suspects.has(unit)) return undefined
  bus.nonce = (bus.nonce + 1) & 0xffff
  const request = encodeEcho(unit, bus.nonce)
  const deadlineMs = timeoutMs + transmissionMs(2 * request.length, format)
  const judge = createEchoJudge(request)
  const echoed = await rtu.transact({ request, judge, deadlineMs }, signal)
  if ('frame' in echoed) bus.echoers.add(unit)
  // It has answered echoes before: no need to wait for another timeout to know that it is gone.
  else if (bus.echoers.has(unit)) return echoed.lost
  rtu.takeNoise()
  return (await rtu.waitForSilence({ ...silence, quietMs: quietMs(format) }, signal))
    ? undefined
    : noise
}
