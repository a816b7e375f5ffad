/** Reads one block of a plan; halves what the device refuses until the refused points stand alone. */
import { type Fault, isFault } from '../../../protocol/kit/fault.ts'
import type { Columns } from '../driver.ts'
import type { Point } from './address.ts'
import { compileBlock, type DecodeBlock } from './decode-block.ts'
import { type Holes, NO_ANSWER } from './holes.ts'
import type { LearnedLimits } from './learned-limits.ts'
import type { Line, Reply } from './line.ts'
import { type Block, splitBlock } from './planner.ts'

/** What an exception means (Modbus Application Protocol V1.1b3, 7). */
const ILLEGAL_FUNCTION = 1
export const ILLEGAL_ADDRESS = 2
const ILLEGAL_VALUE = 3
const ACKNOWLEDGE = 5
const BUSY = 6
const PATH_UNAVAILABLE = 10
const TARGET_FAILED = 11

/** One read of a list: what is known of each point so far. */
export interface Round {
  points: readonly (Point | undefined)[]
  columns: Columns
  /** Of the blocks of the plan; halves and single points are compiled when they are met. */
  decoders: Map<Block, DecodeBlock>
  signal: AbortSignal
  /** Units that did not answer in this round: their other blocks are not asked for. */
  silent: Set<number>
  /** Units that have answered in this round since they last did not. */
  alive: Set<number>
  hasAnswer: boolean
  /** Unix ms of the last answer: what came before a wait in vain is not of the end of that wait. */
  heardAt?: number
  /** Came already, and needs a closer look. */
  ready?: { block: Block; reply: Reply }
  lost?: Fault
}

/** What a connection knows of its device. */
export interface Tools {
  line: Line
  holes: Holes
  limits: LearnedLimits
  /** By unit: whether it answered the last time it was asked. */
  isAnswering: Map<number, boolean>
  counts: { requests: number; exceptions: number; busy: number; lost: number }
}

/** Reads the blocks of a plan. */
export async function readBlocks(
  blocks: readonly Block[],
  round: Round,
  tools: Tools,
): Promise<void> {
  for (let index = 0; index < blocks.length; ) {
    index = await readPlainly(blocks, { from: index, round }, tools)
    const block = blocks[index++]
    if (block) await readBlock(block, round, tools)
  }
}

/** While nothing is wrong: the line asks for one after the other. Answers the first block that needs a closer look. */
async function readPlainly(
  blocks: readonly Block[],
  { from, round }: { from: number; round: Round },
  tools: Tools,
): Promise<number> {
  const { line, holes, counts } = tools
  const nowMs = performance.now()
  const isPlain = (block: Block) => holes.statusOfPlace(block, nowMs) === undefined
  if (!line.readAll || round.silent.size > 0 || !blocks.every(isPlain)) return from
  let next = from
  const take = (index: number, reply: Reply) => {
    counts.requests++
    if (!('data' in reply)) {
      round.ready = { block: blocks[index] as Block, reply }
      return false
    }
    takeReply(blocks[index] as Block, reply.data, { round, tools })
    next = index + 1
    return true
  }
  for (let asked = from; asked === next && next < blocks.length; ) {
    asked = await line.readAll(blocks, { from: next, take }, round.signal)
  }
  return next
}

/** True: read as one. */
export async function readBlock(block: Block, round: Round, tools: Tools): Promise<boolean> {
  const { holes } = tools
  if (round.silent.has(block.unit)) return settleUnheard(block, round)
  const known = holes.statusOfPlace(block, performance.now())
  if (known !== undefined) return settle(block, round, known)
  const reply = await ask(block, round, tools)
  if ('lost' in reply) return settleLost(block, reply.lost, { round, tools })
  if ('data' in reply) {
    takeReply(block, reply.data, { round, tools })
    return true
  }
  noteAnswer(block, round, tools)
  tools.counts.exceptions++
  const { exception } = reply
  if (exception === ILLEGAL_ADDRESS || exception === ILLEGAL_VALUE) {
    holes.markUnitUp(block.unit)
    return await isolate(block, exception, { round, tools })
  }
  noteRefusal(block, exception, tools)
  return settle(block, round, exception)
}

/**
 * Noise is everyday life on a bus, and devices hang up after each answer or after a rest: what came garbled, or had
 * its socket closed instead of an answer, is asked for once more.
 */
async function ask(block: Block, round: Round, { line, counts }: Tools): Promise<Reply> {
  const { signal, ready } = round
  round.ready = undefined
  if (ready?.block !== block) counts.requests++
  const reply = ready?.block === block ? ready.reply : await line.read(block, signal)
  if (!('lost' in reply) || isFault(reply.lost, 'driver.timeout')) return reply
  counts.lost++
  counts.requests++
  return await line.read(block, signal)
}

function settleLost(
  block: Block,
  lost: Fault,
  { round, tools }: { round: Round; tools: Tools },
): false {
  tools.counts.lost++
  round.lost = lost
  // Some devices are silent for what they do not have: one that has just answered is asked for its other blocks.
  if (round.alive.delete(block.unit)) return settleUnheard(block, round)
  tools.isAnswering.set(block.unit, false)
  if (!isFault(lost, 'driver.foreign-reply')) {
    round.silent.add(block.unit)
    tools.holes.markUnitSilent(block.unit, performance.now())
  }
  return settleUnheard(block, round)
}

/** Exceptions that say nothing about an address. */
function noteRefusal(block: Block, exception: number, { holes, counts }: Tools): void {
  const nowMs = performance.now()
  if (exception === PATH_UNAVAILABLE || exception === TARGET_FAILED) {
    holes.markUnitDown(block.unit, exception, nowMs)
    return
  }
  if (exception === ACKNOWLEDGE || exception === BUSY) {
    counts.busy++
    holes.markUnitBusy(block.unit, exception, nowMs)
    return
  }
  holes.markUnitUp(block.unit)
  if (exception === ILLEGAL_FUNCTION) holes.markTableRefused(block, exception, nowMs)
}

async function isolate(
  block: Block,
  exception: number,
  { round, tools }: { round: Round; tools: Tools },
): Promise<false> {
  const { holes, limits } = tools
  const halves = splitBlock(block, round.points)
  if (!halves) {
    for (const i of block.points) {
      holes.markHole(round.points[i] as Point, exception, performance.now())
    }
    return settle(block, round, exception)
  }
  const [left, right] = halves
  const isLeftWhole = await readBlock(left, round, tools)
  const isRightWhole = await readBlock(right, round, tools)
  if (!isLeftWhole || !isRightWhole) return false
  const end = left.address + left.count
  const gap = Math.max(0, right.address - end)
  if (!limits.takeRefusal(block, { gap, exception })) {
    holes.markJoint({ unit: block.unit, table: block.table, address: end, count: gap })
  }
  return false
}

function settle(block: Block, { columns }: Round, status: number): false {
  for (const i of block.points) {
    columns.values[i] = null
    columns.statuses[i] = status
  }
  return false
}

function settleUnheard(block: Block, round: Round): false {
  round.columns.unheard ??= new Set()
  for (const i of block.points) round.columns.unheard.add(i)
  return settle(block, round, NO_ANSWER)
}

function noteAnswer({ unit }: Block, round: Round, { isAnswering }: Tools): void {
  round.hasAnswer = true
  round.heardAt = Date.now()
  round.alive.add(unit)
  isAnswering.set(unit, true)
}

function takeReply(
  block: Block,
  data: Buffer,
  { round, tools }: { round: Round; tools: Tools },
): void {
  const { holes, limits } = tools
  noteAnswer(block, round, tools)
  holes.markUnitUp(block.unit)
  holes.markTableServed(block)
  limits.markAnswered(block)
  const { points, columns, decoders } = round
  const decode = decoders.get(block) ?? compileBlock(block, points)
  decode(data, columns)
  if (holes.size === 0) return
  for (const i of block.points) holes.markGood(points[i] as Point)
}
