/** Reads lists of tags in blocks and writes single values, on one guarded line; remembers what the device refuses. */
import { quality, type Sample, type Tag } from '../../../protocol/model.ts'
import { type Columns, type Connection, GOOD, NO_VALUE } from '../driver.ts'
import { type Point, resolvePoint } from './address.ts'
import { compileBlock, type DecodeBlock } from './decode-block.ts'
import { Holes } from './holes.ts'
import { LearnedLimits, type LimitKind } from './learned-limits.ts'
import type { Line } from './line.ts'
import type { ModbusOptions } from './options.ts'
import { type Block, planReads } from './planner.ts'
import { probeHoles } from './probe-holes.ts'
import { ILLEGAL_ADDRESS, type Round, readBlocks, type Tools } from './read-block.ts'
import { writePoint } from './write-point.ts'

/** What the connection has seen since it was opened. */
export interface ModbusCounters {
  /** Read requests sent. */
  requests: number
  /** Of them: refused with an exception. */
  exceptions: number
  /** Of these: because the unit was busy (5, 6). */
  busy: number
  /** Without an answer to be trusted while the line went on. */
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
  /** By tag; undefined where it has none. */
  points: (Point | undefined)[]
  blocks: Block[]
  decoders: Map<Block, DecodeBlock>
  /** Used again by every read that finds them free. */
  columns: Columns | undefined
  version: number
}

/** The conversation over an open line, which it disposes with itself. */
export function createConnection(line: Line, options: ModbusOptions): ModbusConnection {
  const tools = createTools(line, options)
  const { holes, counts, limits } = tools
  const plans = new WeakMap<readonly Tag[], Plan>()
  const missing = new Set<string>()
  const readColumns = async (tags: readonly Tag[], signal: AbortSignal) => {
    const plan = preparePlan(tags, plans.get(tags), { tools, options })
    plans.set(tags, plan)
    return await readPlan(plan, { tools, options }, signal)
  }
  return {
    readColumns,
    read: async (tags, signal) => createSamples(tags, await readColumns(tags, signal)),
    write: (tag, value, signal) => writePoint({ line, options, missing, tag, value }, signal),
    counters: () => ({ ...counts, holes: holes.size, learnedLimits: limits.list() }),
    [Symbol.asyncDispose]: () => line[Symbol.asyncDispose](),
  }
}

async function readPlan(
  plan: Plan,
  { tools, options }: { tools: Tools; options: ModbusOptions },
  signal: AbortSignal,
): Promise<Columns> {
  const { points, decoders } = plan
  const columns = plan.columns ?? createColumns(points, tools.holes)
  // Another read of the same list, at the same time, takes columns of its own.
  plan.columns = undefined
  columns.unheard?.clear()
  const round: Round = {
    points,
    columns,
    decoders,
    signal,
    silent: new Set(),
    alive: new Set(),
    hasAnswer: false,
  }
  await readBlocks(putSilentLast(plan.blocks, tools), round, tools)
  await probeHoles(round, { tools, options })
  await throwIfGone(round, tools)
  columns.at = (round.lost && round.heardAt) ?? Date.now()
  plan.columns = columns
  return columns
}

/** Nobody's readings become old while a unit is waited for that did not answer the last time either. */
function putSilentLast(blocks: Block[], { isAnswering }: Tools): Block[] {
  const isSilent = ({ unit }: Block) => isAnswering.get(unit) === false
  if (!blocks.some(isSilent)) return blocks
  return [...blocks.filter((it) => !isSilent(it)), ...blocks.filter(isSilent)]
}

/** What no block of the plan will fill stands there from the start: known holes, tags without a place. */
function createColumns(points: readonly (Point | undefined)[], holes: Holes): Columns {
  const status = (point: Point | undefined) => (point && holes.statusOf(point)) ?? ILLEGAL_ADDRESS
  return {
    at: 0,
    values: points.map(() => null),
    statuses: Float64Array.from(points, status),
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
  const points = tags.map((tag) => {
    const point = resolvePoint(tag, options)
    return typeof point === 'string' ? undefined : point
  })
  const blocks = planReads({
    points,
    wanted: points.flatMap((it, i) => (it && holes.statusOf(it) === undefined ? [i] : [])),
    limits: options,
    limitOf: (place) => learned.limitOf(place),
    isBarred: (area) => holes.isBarred(area),
  })
  const decoders = new Map(blocks.map((block) => [block, compileBlock(block, points)]))
  return { points, blocks, decoders, columns: undefined, version }
}

function createSamples(tags: readonly Tag[], { at, values, statuses }: Columns): Sample[] {
  return tags.map((tag, i) => {
    const status = statuses[i] ?? NO_VALUE
    const value = values[i] ?? null
    if (status === GOOD) return { tag: tag.id, at, value, quality: quality.good }
    const bad = { tag: tag.id, at, value: null, quality: quality.bad }
    return status === NO_VALUE ? bad : { ...bad, status }
  })
}
