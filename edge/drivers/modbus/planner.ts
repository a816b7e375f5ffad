/** The fewest legal read requests that cover a set of points; a point is never split. */
import type { Point } from './address.ts'
import type { Table } from './address-schema.ts'

export interface PlanLimits {
  /** At most this many registers or bits that nobody asked for between two points of one request. */
  maxGap: number
  /** Registers a request; the protocol allows 125. */
  maxRegisters: number
  /** Bits a request; the protocol allows 2000. */
  maxBits: number
}

/** One read request and the points (by their index) it covers, in order of address. */
export interface Block {
  unit: number
  table: Table
  address: number
  count: number
  points: number[]
}

/** An area that a request must not touch. */
export interface Area {
  unit: number
  table: Table
  address: number
  count: number
}

export interface PlanRequest {
  points: readonly (Point | undefined)[]
  /** Indexes of the points to read. */
  wanted: readonly number[]
  limits: PlanLimits
  /** What a unit was found to allow at most; never more than `limits`. */
  limitOf?(place: { unit: number; table: Table }): number
  /** True when a request must not bridge this area, which holds no wanted point. */
  isBarred?(area: Area): boolean
}

/** Modbus Application Protocol V1.1b3, 6.1 to 6.4. */
export const MAX_REGISTERS = 125
export const MAX_BITS = 2000

/** Greedy over ascending addresses, which is optimal for a limit on length and gap. */
export function planReads(request: PlanRequest): Block[] {
  const { points, wanted } = request
  const blocks: Block[] = []
  const at = (index: number) => points[index] as Point
  const sorted = [...wanted].sort((a, b) => comparePoints(at(a), at(b)))
  let current: Block | undefined
  for (const index of sorted) {
    const point = at(index)
    if (current && canJoin(current, point, request)) {
      const end = Math.max(current.address + current.count, point.address + point.count)
      current.count = end - current.address
      current.points.push(index)
      continue
    }
    const { unit, table, address, count } = point
    current = { unit, table, address, count, points: [index] }
    blocks.push(current)
  }
  return blocks
}

/** Two halves of a block, between two of its points; undefined when it has only one. */
export function splitBlock(
  block: Block,
  points: readonly (Point | undefined)[],
): [Block, Block] | undefined {
  if (block.points.length < 2) return undefined
  const middle = block.points.length >> 1
  return [
    shrink(block, block.points.slice(0, middle), points),
    shrink(block, block.points.slice(middle), points),
  ]
}

function shrink(block: Block, indexes: number[], points: readonly (Point | undefined)[]): Block {
  const covered = indexes.map((index) => points[index] as Point)
  const address = Math.min(...covered.map((point) => point.address))
  const end = Math.max(...covered.map((point) => point.address + point.count))
  return { ...block, address, count: end - address, points: indexes }
}

function comparePoints(a: Point, b: Point): number {
  return (
    a.unit - b.unit ||
    (a.table < b.table ? -1 : a.table > b.table ? 1 : 0) ||
    a.address - b.address ||
    a.count - b.count
  )
}

function canJoin(
  block: Block,
  point: Point,
  { limits, limitOf, isBarred }: Omit<PlanRequest, 'points' | 'wanted'>,
): boolean {
  if (block.unit !== point.unit || block.table !== point.table) return false
  const end = block.address + block.count
  if (point.address - end > limits.maxGap) return false
  const isBits = point.table === 'coil' || point.table === 'discrete'
  const limit = limitOf?.(point) ?? (isBits ? limits.maxBits : limits.maxRegisters)
  const newEnd = Math.max(end, point.address + point.count)
  if (newEnd - block.address > limit) return false
  const count = Math.max(0, point.address - end)
  return !isBarred?.({ unit: block.unit, table: block.table, address: end, count })
}
