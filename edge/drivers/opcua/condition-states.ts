/** The alarms & conditions of a server as last heard of, and what they make of each event tag. */
import type { Value } from '../../../protocol/model.ts'
import type { EventField } from './address.ts'
import type { ServerEvent } from './event-fields.ts'

/** Conditions remembered; a server that names more is not believed. */
const MAX_CONDITIONS = 10_000
/** Its notifier hears of everything, so a tag of this node means all of the server. */
export const SERVER = 'ns=0;i=2253'

interface ConditionState {
  condition: string
  source?: string
  active: boolean
  acked: boolean
  /** Not confirmed by the refresh that is going on. */
  isSuspect: boolean
}

export class ConditionStates {
  readonly #conditions = new Map<string, ConditionState>()

  /** False when the event is of one condition too many. */
  take({ condition, branch, source, retain, active, acked }: ServerEvent): boolean {
    if (condition === undefined || retain === undefined) return true
    const key = branch === undefined ? condition : `${condition} ${branch}`
    if (!retain) {
      this.#conditions.delete(key)
      return true
    }
    if (this.#conditions.size >= MAX_CONDITIONS && !this.#conditions.has(key)) return false
    // A branch was active once; what it still wants is to be acknowledged.
    const isActive = branch === undefined && active === true
    const state = { condition, source, active: isActive, acked: acked ?? true, isSuspect: false }
    this.#conditions.set(key, state)
    return true
  }

  /** Part 9, 4.5: what a refresh does not name is over. */
  startRefresh(): void {
    for (const state of this.#conditions.values()) state.isSuspect = true
  }

  endRefresh(): void {
    for (const [id, { isSuspect }] of this.#conditions) if (isSuspect) this.#conditions.delete(id)
  }

  /** Whether any condition of the node is active, or all are acknowledged. */
  valueOf(node: string, field: 'ActiveState' | 'AckedState'): boolean {
    for (const { condition, source, active, acked } of this.#conditions.values()) {
      if (node !== SERVER && node !== condition && node !== source) continue
      if (field === 'ActiveState' && active) return true
      if (field === 'AckedState' && !acked) return false
    }
    return field === 'AckedState'
  }
}

/** What an event says by itself; undefined for a state, which is the sum of several. */
export function fieldOf(event: ServerEvent, field: EventField): Value | undefined {
  if (field === 'Severity') return event.severity
  if (field === 'Message') return event.message
  return field === 'SourceName' ? event.sourceName : undefined
}
