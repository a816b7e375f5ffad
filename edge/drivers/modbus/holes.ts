/** What a device has refused before: addresses that do not exist, joints not to bridge, units that are down. */
import type { Point } from './address.ts'
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
  maxRetryMs: number
}

/** The memory of one connection; the clock is passed in. */
export class Holes {
  readonly #options: HoleOptions
  readonly #holes = new Map<string, Hole>()
  readonly #joints = new Set<string>()
  readonly #units = new Map<number, Refusal>()
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
    this.#holes.set(key, { point, ...this.#refuse(before, status, nowMs) })
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
    this.#units.set(unit, this.#refuse(this.#units.get(unit), status, nowMs))
  }

  markUnitUp(unit: number): void {
    this.#units.delete(unit)
  }

  /** The status to report without asking, while a unit that is down is left in peace. */
  unitStatus(unit: number, nowMs: number): number | undefined {
    const down = this.#units.get(unit)
    return down && down.retryAtMs > nowMs ? down.status : undefined
  }

  #refuse(before: Refusal | undefined, status: number, nowMs: number): Refusal {
    const tries = (before?.tries ?? 0) + 1
    const { minRetryMs, maxRetryMs } = this.#options
    const waitMs = Math.min(maxRetryMs, minRetryMs * 2 ** Math.min(tries - 1, 20))
    return { status, tries, retryAtMs: nowMs + waitMs }
  }
}

/** Where the joint is, not how wide: the same pair of neighbours meets there again. */
function jointKey({ unit, table, address }: Area): string {
  return `${unit}/${table}/${address}`
}

function pointKey({ unit, table, address, count }: Point): string {
  return `${unit}/${table}/${address}/${count}`
}
