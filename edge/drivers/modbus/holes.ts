/** What a device has refused before: addresses that do not exist, joints not to bridge, units that are down or busy. */
import type { Point } from './address.ts'
import type { Table } from './address-schema.ts'
import type { Area } from './planner.ts'

interface Refusal {
  /** The exception code it was refused with. */
  status: number
  tries: number
  /** Monotonic. */
  retryAtMs: number
}

interface Hole extends Refusal {
  point: Point
}

export interface HoleOptions {
  /** First wait before a refused address is asked again; doubles. */
  minRetryMs: number
  /** The same for a unit that is only busy. */
  busyRetryMs: number
}

/** Doublings of the first wait: 60 times it is the longest, as the options say. */
const MAX_FACTOR = 60
/** The status of a unit that does not answer at all: the standard's own word for it (exception 11). */
export const NO_ANSWER = 11

/** The memory of one connection; the clock is passed in. */
export class Holes {
  readonly #options: HoleOptions
  readonly #holes = new Map<string, Hole>()
  readonly #joints = new Set<string>()
  readonly #units = new Map<number, Refusal>()
  /** By unit and table: functions the device does not have. */
  readonly #tables = new Map<string, Refusal>()
  /** Counts up when a plan made before is no longer right. */
  version = 0

  constructor(options: HoleOptions) {
    this.#options = options
  }

  /** The exception code of a known hole. */
  statusOf(point: Point): number | undefined {
    return this.#holes.get(pointKey(point))?.status
  }

  isDue(point: Point, nowMs: number): boolean {
    const hole = this.#holes.get(pointKey(point))
    return hole !== undefined && hole.retryAtMs <= nowMs
  }

  markHole(point: Point, status: number, nowMs: number): void {
    const key = pointKey(point)
    const before = this.#holes.get(key)
    if (!before) this.version++
    const { minRetryMs } = this.#options
    this.#holes.set(key, { point, ...refuse(before, { status, nowMs, minRetryMs }) })
  }

  markGood(point: Point): void {
    if (this.#holes.delete(pointKey(point))) this.version++
  }

  /** Both sides can be read, but not in one request. */
  markJoint(area: Area): void {
    this.#joints.add(jointKey(area))
    this.version++
  }

  /** True when a request must not run over this area. */
  isBarred(area: Area): boolean {
    if (this.#joints.has(jointKey(area))) return true
    const end = area.address + area.count
    for (const { point } of this.#holes.values()) {
      const isSame = point.unit === area.unit && point.table === area.table
      if (isSame && point.address < end && point.address + point.count > area.address) return true
    }
    return false
  }

  /** The device behind a Modbus gateway does not answer (exceptions 10 and 11). */
  markUnitDown(unit: number, status: number, nowMs: number): void {
    const { minRetryMs } = this.#options
    this.#units.set(unit, refuse(this.#units.get(unit), { status, nowMs, minRetryMs }))
  }

  /** It works on something else (exceptions 5 and 6): back off, but not for long. */
  markUnitBusy(unit: number, status: number, nowMs: number): void {
    const { busyRetryMs: minRetryMs } = this.#options
    this.#units.set(unit, refuse(this.#units.get(unit), { status, nowMs, minRetryMs }))
  }

  /** No answer on a bus. Once may be chance: it is left in peace from the second time on. */
  markUnitSilent(unit: number, nowMs: number): void {
    const before = this.#units.get(unit)
    const { minRetryMs } = this.#options
    const next = refuse(before, { status: NO_ANSWER, nowMs, minRetryMs })
    this.#units.set(unit, before ? next : { ...next, retryAtMs: nowMs })
  }

  markUnitUp(unit: number): void {
    this.#units.delete(unit)
  }

  /** The device has no function for this table (exception 1): no smaller request would change that. */
  markTableRefused({ unit, table }: Place, status: number, nowMs: number): void {
    const key = `${unit}/${table}`
    const { minRetryMs } = this.#options
    this.#tables.set(key, refuse(this.#tables.get(key), { status, nowMs, minRetryMs }))
  }

  markTableServed({ unit, table }: Place): void {
    if (this.#tables.size > 0) this.#tables.delete(`${unit}/${table}`)
  }

  /** The status to report without asking, while a unit or one of its tables is left in peace. */
  statusOfPlace({ unit, table }: Place, nowMs: number): number | undefined {
    if (this.#units.size === 0 && this.#tables.size === 0) return undefined
    const refusals = [this.#units.get(unit), this.#tables.get(`${unit}/${table}`)]
    return refusals.find((it) => it && it.retryAtMs > nowMs)?.status
  }

  /** How many addresses are known not to exist. */
  get size(): number {
    return this.#holes.size
  }
}

export interface Place {
  unit: number
  table: Table
}

function refuse(
  before: Refusal | undefined,
  { status, nowMs, minRetryMs }: { status: number; nowMs: number; minRetryMs: number },
): Refusal {
  const tries = (before?.tries ?? 0) + 1
  const waitMs = minRetryMs * Math.min(MAX_FACTOR, 2 ** Math.min(tries - 1, 20))
  return { status, tries, retryAtMs: nowMs + waitMs }
}

/** Where the joint is, not how wide: the same pair of neighbours meets there again. */
function jointKey({ unit, table, address }: Area): string {
  return `${unit}/${table}/${address}`
}

function pointKey({ unit, table, address, count }: Point): string {
  return `${unit}/${table}/${address}/${count}`
}
