/** What a group of tags will ask of its device, told before anything is asked: requests, overlaps, time on the bus. */
import type { Tag } from '../../../protocol/model.ts'
import { type Point, resolvePoint } from './address.ts'
import { MAX_STRING_REGISTERS, type Table } from './address-schema.ts'
import type { ModbusOptions } from './options.ts'
import { planReads } from './planner.ts'
import { bitsPerByte, interFrameMs, transmissionMs } from './rtu-timing.ts'

/** Unit, function, address, quantity, checksum; a reply has unit, function, byte count, checksum around its data. */
const RTU_REQUEST_BYTES = 8
const RTU_REPLY_BYTES = 5
/** MBAP header, function, address, quantity; header, function, byte count. */
const TCP_REQUEST_BYTES = 12
const TCP_REPLY_BYTES = 9
/** Devices take time of their own to answer, which nobody knows beforehand: a fifth is left to them. */
const MAX_BUS_SHARE = 0.8

export interface PlannedRequest {
  unit: number
  table: Table
  address: number
  /** Registers, or bits of a coil table. */
  count: number
  tags: string[]
}

export interface PlanSummary {
  /** What goes out on each poll while the device refuses nothing. */
  requests: PlannedRequest[]
  /** Registers and bits that tags want, and that are read with the gaps between them. */
  wanted: number
  read: number
  /** Of all requests and replies, frames included. */
  bytes: number
  /** Least time on the bus a poll, silences included, the device's own time not; undefined where there is no bus or its speed is not told. */
  busMs?: number
}

export interface GroupToLint {
  name: string
  intervalMs: number
  tags: readonly Tag[]
}

export interface LintProblem {
  /** By name; absent when it is the whole group's. */
  tag?: string
  say: string
}

interface Placed {
  tag: Tag
  point: Point
}

/** The requests of one poll. Tags whose address is wrong are left out: `lintTag` speaks of them. */
export function planSummary(tags: readonly Tag[], options: ModbusOptions): PlanSummary {
  const placed = place(tags, options)
  const points = placed.map(({ point }) => point)
  const blocks = planReads({ points, wanted: points.map((_, i) => i), limits: options })
  const requests = blocks.map(({ unit, table, address, count, points: indexes }) => ({
    unit,
    table,
    address,
    count,
    tags: indexes.flatMap((i) => placed[i]?.tag.name ?? []),
  }))
  const data = requests.reduce((sum, request) => sum + dataBytes(request), 0)
  const isTcp = options.transport === 'tcp'
  const perRequest = isTcp
    ? TCP_REQUEST_BYTES + TCP_REPLY_BYTES
    : RTU_REQUEST_BYTES + RTU_REPLY_BYTES
  const bytes = data + requests.length * perRequest
  return {
    requests,
    wanted: countWanted(points),
    read: requests.reduce((sum, { count }) => sum + count, 0),
    bytes,
    busMs: isTcp ? undefined : timeOnBus({ bytes, requests: requests.length }, options),
  }
}

/** What is wrong with a group as a whole: units nobody answers for, tags that share registers, more than the bus can carry. */
export function lintGroup(group: GroupToLint, options: ModbusOptions): LintProblem[] {
  const problems = [
    ...findNowhere(group.tags, options),
    ...findOverlaps(place(group.tags, options)),
  ]
  const share = busShare([group], options)
  if (share !== undefined && share > MAX_BUS_SHARE) {
    const { requests, bytes, busMs = 0 } = planSummary(group.tags, options)
    const bits = bitsPerByte(options)
    const say = `a poll takes at least ${Math.ceil(busMs)} ms on the bus (${requests.length} requests, ${bytes} bytes of ${bits} bits at ${options.baudRate} baud) and is due every ${group.intervalMs} ms: read less often, or less`
    problems.push({ say })
  }
  return problems
}

/** Addresses that are right in themselves (`lintTag` finds the others) but not with this device's options. */
function findNowhere(tags: readonly Tag[], options: ModbusOptions): LintProblem[] {
  const alone = { unit: 1, byteOrder: options.byteOrder }
  return tags.flatMap((tag) => {
    const say = resolvePoint(tag, options)
    const isRightAlone = typeof resolvePoint(tag, alone) !== 'string'
    return typeof say === 'string' && isRightAlone ? [{ tag: tag.name, say }] : []
  })
}

/** How much of the bus's time the groups of a device need together, 1 being all of it; undefined where it cannot be told. */
export function busShare(
  groups: readonly GroupToLint[],
  options: ModbusOptions,
): number | undefined {
  const shares = groups.map(({ tags, intervalMs }) => {
    const { busMs } = planSummary(tags, options)
    return busMs === undefined ? undefined : busMs / intervalMs
  })
  if (shares.includes(undefined)) return undefined
  return shares.reduce<number>((sum, share) => sum + (share ?? 0), 0)
}

function place(tags: readonly Tag[], options: ModbusOptions): Placed[] {
  return tags.flatMap((tag) => {
    const point = resolvePoint(tag, options)
    return typeof point === 'string' ? [] : [{ tag, point }]
  })
}

function dataBytes({ table, count }: PlannedRequest): number {
  return table === 'coil' || table === 'discrete' ? Math.ceil(count / 8) : count * 2
}

function timeOnBus(
  { bytes, requests }: { bytes: number; requests: number },
  options: ModbusOptions,
): number | undefined {
  if (options.baudRate === undefined) return undefined
  const gapMs = options.interFrameMs ?? interFrameMs(options)
  // One silence before each request, one of the device's before each reply.
  const restMs = gapMs + interFrameMs(options) + options.turnaroundMs
  return transmissionMs(bytes, options) + requests * restMs
}

/** An address that two tags share is one address. */
function countWanted(points: readonly Point[]): number {
  const places = new Set<string>()
  for (const { unit, table, address, count } of points) {
    for (let i = 0; i < count; i++) places.add(`${unit}/${table}/${address + i}`)
  }
  return places.size
}

function findOverlaps(placed: readonly Placed[]): LintProblem[] {
  const problems: LintProblem[] = []
  const sorted = placed.toSorted(
    ({ point: a }, { point: b }) =>
      a.unit - b.unit || a.table.localeCompare(b.table) || a.address - b.address,
  )
  for (const [i, later] of sorted.entries()) {
    const earlier = findEarlier(sorted, i)
    if (!earlier) continue
    const { table, address, unit } = later.point
    const say = `shares ${table} ${address} of unit ${unit} with "${earlier.tag.name}"; if that is meant, write "overlap: true"`
    problems.push({ tag: later.tag.name, say })
  }
  return problems
}

/** The nearest tag before this one that reaches into it; a long string may begin far before. */
function findEarlier(sorted: readonly Placed[], index: number): Placed | undefined {
  const later = sorted[index]
  for (let i = index - 1; later && i >= 0; i--) {
    const it = sorted[i]
    if (!it || it.point.address + MAX_STRING_REGISTERS <= later.point.address) return undefined
    if (isUnmeantOverlap(it, later)) return it
    if (it.point.unit !== later.point.unit || it.point.table !== later.point.table) return undefined
  }
  return undefined
}

function isUnmeantOverlap(a: Placed, b: Placed): boolean {
  const [p, q] = [a.point, b.point]
  if (p.unit !== q.unit || p.table !== q.table) return false
  if (p.address + p.count <= q.address || q.address + q.count <= p.address) return false
  if (a.tag.address.overlap === true || b.tag.address.overlap === true) return false
  return !areDifferentBits(p, q)
}

/** Parts of the same register, told apart by their bits, are no overlap. */
function areDifferentBits(a: Point, b: Point): boolean {
  const isSame = a.address === b.address && a.count === b.count && a.byteOrder === b.byteOrder
  const [x, y] = [bitRange(a), bitRange(b)]
  if (!isSame || !x || !y) return false
  return x.from + x.count <= y.from || y.from + y.count <= x.from
}

function bitRange({ table, encoding, field, bit }: Point) {
  if (table === 'coil' || table === 'discrete') return undefined
  return field ?? (encoding === 'bool' ? { from: bit, count: 1 } : undefined)
}
