/** Reads lists of tags in blocks and writes single values, on one guarded line; remembers what the device refuses. */
import { quality, type Sample, type Tag } from '../../../protocol/model.ts'
import type { Connection } from '../driver.ts'
import { type Point, resolvePoint } from './address.ts'
import { Holes } from './holes.ts'
import { LearnedLimits, type LimitKind } from './learned-limits.ts'
import type { Line } from './line.ts'
import type { ModbusOptions } from './options.ts'
import { type Block, planReads } from './planner.ts'
import { ILLEGAL_ADDRESS, type Outcome, type Round, readBlock, type Tools } from './read-block.ts'
import { writePoint } from './write-point.ts'

/** Refused addresses asked again in one read: healing must not slow the good ones down. */
const MAX_PROBES_PER_READ = 4

/** What the connection has seen since it was opened. */
export interface ModbusCounters {
  /** Read requests sent. */
  requests: number
  /** Of them: refused with an exception. */
  exceptions: number
  /** Of these: because the unit was busy (5, 6). */
  busy: number
  /** Without an answer to be trusted while the line went on; on a bus only. */
  lost: number
  /** Addresses known not to exist. */
  holes: number
  /** Units that allow less in a request than they were asked for. */
  learnedLimits: { unit: number; kind: LimitKind; limit: number }[]
}

export interface ModbusConnection extends Connection {
  counters(): ModbusCounters
}

/** The points of one list of tags and the plan to read them; kept while the list and what is known stay. */
interface Plan {
  points: Point[]
  /** By tag: its point, or why there is none. */
  indexes: (number | undefined)[]
  blocks: Block[]
  version: number
}

/** The conversation over an open line, which it disposes with itself. */
export function createConnection(line: Line, options: ModbusOptions): ModbusConnection {
  const tools = createTools(line, options)
  const { holes, counts, limits } = tools
  const plans = new WeakMap<readonly Tag[], Plan>()
  const missing = new Set<string>()
  return {
    async read(tags, signal) {
      const plan = preparePlan(tags, plans.get(tags), { tools, options })
      plans.set(tags, plan)
      const { points } = plan
      const outcomes = points.map(() => undefined)
      const round: Round = { points, outcomes, signal, silent: new Set(), hasAnswer: false }
      for (const block of plan.blocks) await readBlock(block, round, tools)
      for (const block of probes(points, holes)) await readBlock(block, round, tools)
      await throwIfGone(round, tools)
      const at = Date.now()
      return tags.map((tag, i) => createSample(tag, at, outcomeOf(plan.indexes[i], round, holes)))
    },
    write: (tag, value, signal) => writePoint({ line, options, missing, tag, value }, signal),
    counters: () => ({ ...counts, holes: holes.size, learnedLimits: limits.list() }),
    [Symbol.asyncDispose]: () => line[Symbol.asyncDispose](),
  }
}

function createTools(line: Line, options: ModbusOptions): Tools {
  const { holeRetryMs, busyRetryMs } = options
  return {
    line,
    holes: new Holes({ minRetryMs: holeRetryMs, busyRetryMs }),
    limits: new LearnedLimits(options),
    isAnswering: new Map(),
    counts: { requests: 0, exceptions: 0, busy: 0, lost: 0 },
  }
}

/** One dead unit is bad samples; a bus on which nobody answers is a line that is gone. */
async function throwIfGone({ lost, hasAnswer }: Round, { line, isAnswering }: Tools) {
  if (!lost || hasAnswer) return
  // Another group may be waiting for its turn, with a unit that does answer.
  await line.idle()
  if (![...isAnswering.values()].includes(true)) throw lost
}

function preparePlan(
  tags: readonly Tag[],
  before: Plan | undefined,
  { tools, options }: { tools: Tools; options: ModbusOptions },
): Plan {
  const { holes, limits: learned } = tools
  // Both only count up, so their sum changes with either.
  const version = holes.version + learned.version
  if (before?.version === version) return before
  const points: Point[] = []
  const indexes = tags.map((tag) => {
    const point = resolvePoint(tag, options)
    return typeof point === 'string' ? undefined : points.push(point) - 1
  })
  const wanted = points.flatMap((point, i) => (holes.statusOf(point) === undefined ? [i] : []))
  const blocks = planReads({
    points,
    wanted,
    limits: options,
    limitOf: (place) => learned.limitOf(place),
    isBarred: (area) => holes.isBarred(area),
  })
  return { points, indexes, blocks, version }
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
  if (value === undefined || (typeof value === 'number' && !Number.isFinite(value))) {
    return { tag: tag.id, at, value: null, quality: quality.bad }
  }
  return { tag: tag.id, at, value, quality: quality.good }
}
