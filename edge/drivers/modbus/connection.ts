/** Reads tags in blocks, isolates what the device refuses, writes one value; on one guarded line. */
import { quality, type Sample, type Tag, type Value } from '../../../protocol/model.ts'
import type { Connection } from '../driver.ts'
import { type Point, resolvePoint } from './address.ts'
import { decodePoint } from './codec.ts'
import { Holes } from './holes.ts'
import type { Line } from './line.ts'
import type { ModbusOptions } from './options.ts'
import { type Block, planReads, splitBlock } from './planner.ts'
import { writePoint } from './write-point.ts'

/** Refused addresses asked again in one read: healing must not slow the good ones down. */
const MAX_PROBES_PER_READ = 4
/** What an exception means (Modbus Application Protocol V1.1b3, 7). */
const ILLEGAL_ADDRESS = 2
const ILLEGAL_VALUE = 3
const PATH_UNAVAILABLE = 10
const TARGET_FAILED = 11

/** The points of one list of tags and the plan to read them; kept while the list and the holes stay. */
interface Plan {
  points: Point[]
  /** By tag: its point, or why there is none. */
  indexes: (number | undefined)[]
  blocks: Block[]
  version: number
}

type Outcome = { value: Value } | { status: number }

/** One read of a list: what is known of each point so far. */
interface Round {
  points: readonly Point[]
  outcomes: (Outcome | undefined)[]
  signal: AbortSignal
}

/** The conversation over an open line, which it disposes with itself. */
export function createConnection(line: Line, options: ModbusOptions): Connection {
  const holes = new Holes({
    minRetryMs: options.holeRetryMs,
    maxRetryMs: options.holeRetryMs * 60,
  })
  const plans = new WeakMap<readonly Tag[], Plan>()
  return {
    async read(tags, signal) {
      const plan = preparePlan(tags, plans.get(tags), { holes, options })
      plans.set(tags, plan)
      const { points } = plan
      const round: Round = { points, outcomes: points.map(() => undefined), signal }
      for (const block of plan.blocks) await readBlock(block, round, { line, holes })
      for (const block of probes(points, holes)) await readBlock(block, round, { line, holes })
      const at = Date.now()
      return tags.map((tag, i) => createSample(tag, at, outcomeOf(plan.indexes[i], round, holes)))
    },
    write: (tag, value, signal) => writePoint({ line, options, tag, value }, signal),
    [Symbol.asyncDispose]: () => line[Symbol.asyncDispose](),
  }
}

function preparePlan(
  tags: readonly Tag[],
  before: Plan | undefined,
  { holes, options }: { holes: Holes; options: ModbusOptions },
): Plan {
  if (before && before.version === holes.version) return before
  const points: Point[] = []
  const indexes = tags.map((tag) => {
    const point = resolvePoint(tag, options)
    return typeof point === 'string' ? undefined : points.push(point) - 1
  })
  const wanted = points.flatMap((point, i) => (holes.statusOf(point) === undefined ? [i] : []))
  const limits = {
    maxGap: options.maxGap,
    maxRegisters: options.maxRegisters,
    maxBits: options.maxBits,
  }
  const blocks = planReads({ points, wanted, limits, isBarred: (area) => holes.isBarred(area) })
  return { points, indexes, blocks, version: holes.version }
}

/** Each due hole alone: another refusal costs its neighbours nothing. */
function probes(points: readonly Point[], holes: Holes): Block[] {
  const nowMs = performance.now()
  return points
    .flatMap(({ unit, table, address, count }, i) =>
      holes.isDue(points[i] as Point, nowMs) ? [{ unit, table, address, count, points: [i] }] : [],
    )
    .slice(0, MAX_PROBES_PER_READ)
}

interface Tools {
  line: Line
  holes: Holes
}

/** Reads a block; a refused one is halved until the refused points stand alone. True: read as one. */
async function readBlock(block: Block, round: Round, { line, holes }: Tools): Promise<boolean> {
  const down = holes.unitStatus(block.unit, performance.now())
  if (down !== undefined) return settle(block, round, down)
  const reply = await line.read(block, round.signal)
  if ('data' in reply) {
    holes.markUnitUp(block.unit)
    takeValues(block, reply.data, { round, holes })
    return true
  }
  const { exception } = reply
  if (exception === PATH_UNAVAILABLE || exception === TARGET_FAILED) {
    holes.markUnitDown(block.unit, exception, performance.now())
    return settle(block, round, exception)
  }
  holes.markUnitUp(block.unit)
  if (exception !== ILLEGAL_ADDRESS && exception !== ILLEGAL_VALUE) {
    return settle(block, round, exception)
  }
  const halves = splitBlock(block, round.points)
  if (!halves) {
    for (const i of block.points) {
      holes.markHole(round.points[i] as Point, exception, performance.now())
    }
    return settle(block, round, exception)
  }
  const [left, right] = halves
  const isLeftWhole = await readBlock(left, round, { line, holes })
  const isRightWhole = await readBlock(right, round, { line, holes })
  if (isLeftWhole && isRightWhole) {
    const end = left.address + left.count
    const count = Math.max(0, right.address - end)
    holes.markJoint({ unit: block.unit, table: block.table, address: end, count })
  }
  return false
}

function settle(block: Block, round: Round, status: number): false {
  for (const i of block.points) round.outcomes[i] = { status }
  return false
}

function takeValues(
  block: Block,
  data: Buffer,
  { round, holes }: { round: Round; holes: Holes },
): void {
  for (const i of block.points) {
    const point = round.points[i] as Point
    const offset = point.address - block.address
    const isBit = point.table === 'coil' || point.table === 'discrete'
    const bytes = isBit
      ? Buffer.of(((data[offset >> 3] ?? 0) >> (offset & 7)) & 1)
      : data.subarray(offset * 2, (offset + point.count) * 2)
    round.outcomes[i] = { value: decodePoint(point, bytes) }
    holes.markGood(point)
  }
}

function outcomeOf(index: number | undefined, { points, outcomes }: Round, holes: Holes): Outcome {
  if (index === undefined) return { status: ILLEGAL_ADDRESS }
  const status = holes.statusOf(points[index] as Point)
  return outcomes[index] ?? { status: status ?? ILLEGAL_ADDRESS }
}

function createSample(tag: Tag, at: number, outcome: Outcome): Sample {
  if ('status' in outcome) {
    return { tag: tag.id, at, value: null, quality: quality.bad, status: outcome.status }
  }
  const { value } = outcome
  // A float register may hold NaN, the usual mark of a broken sensor: no value, whoever reads it.
  if (typeof value === 'number' && !Number.isFinite(value)) {
    return { tag: tag.id, at, value: null, quality: quality.bad }
  }
  return { tag: tag.id, at, value, quality: quality.good }
}
