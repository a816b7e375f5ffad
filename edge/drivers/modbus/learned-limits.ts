/** How much a device allows in one request, when that is less than it was asked for: found by halving, kept as long as the connection. */
import type { Place } from './holes.ts'
import type { Block, PlanLimits } from './planner.ts'

export type LimitKind = 'registers' | 'bits'

interface Experience {
  unit: number
  kind: LimitKind
  /** The most that was answered. */
  answered: number
  /** The least that was refused although every part of it can be read. */
  refused?: number
}

/** Illegal data value: the standard's answer to a quantity that is too large. */
const ILLEGAL_VALUE = 3

export class LearnedLimits {
  readonly #limits: PlanLimits
  readonly #experiences = new Map<string, Experience>()
  /** Counts up when a plan made before is no longer the best. */
  version = 0

  constructor(limits: PlanLimits) {
    this.#limits = limits
  }

  /** What the next plan may ask for: half-way between what was answered and what was refused. */
  limitOf(place: Place): number {
    const kind = kindOf(place)
    const most = kind === 'bits' ? this.#limits.maxBits : this.#limits.maxRegisters
    const { answered = 0, refused } = this.#experiences.get(keyOf(place.unit, kind)) ?? {}
    return refused === undefined ? most : Math.min(most, between(answered, refused))
  }

  markAnswered(block: Block): void {
    const experience = this.#experienceOf(block)
    if (block.count <= experience.answered) return
    experience.answered = block.count
    if (experience.refused === undefined) return
    // More is answered than was once refused: it was not the size.
    if (experience.refused <= block.count) experience.refused = undefined
    this.version++
  }

  /**
   * A block was refused although both its halves were read. True when its size is to blame; else it is the
   * joint between the halves: a block as large has been answered, or nobody asked for what lies between.
   */
  takeRefusal(block: Block, { gap, exception }: { gap: number; exception: number }): boolean {
    const experience = this.#experienceOf(block)
    if (block.count <= experience.answered) return false
    if (gap > 0 && exception !== ILLEGAL_VALUE) return false
    experience.refused = Math.min(experience.refused ?? block.count, block.count)
    this.version++
    return true
  }

  /** The limits that were learned; for people. */
  list(): { unit: number; kind: LimitKind; limit: number }[] {
    return [...this.#experiences.values()].flatMap(({ unit, kind, answered, refused }) =>
      refused === undefined ? [] : [{ unit, kind, limit: between(answered, refused) }],
    )
  }

  #experienceOf(block: Block): Experience {
    const kind = kindOf(block)
    const key = keyOf(block.unit, kind)
    const known = this.#experiences.get(key) ?? { unit: block.unit, kind, answered: 0 }
    this.#experiences.set(key, known)
    return known
  }
}

function between(answered: number, refused: number): number {
  return Math.max(1, Math.floor((answered + refused) / 2))
}

function kindOf({ table }: Place): LimitKind {
  return table === 'coil' || table === 'discrete' ? 'bits' : 'registers'
}

function keyOf(unit: number, kind: LimitKind): string {
  return `${unit}/${kind}`
}
