/** Puts one node's messages in the order of their sequence numbers, and says when one is missing for good. */
import { missingBefore, nextSequence } from '../../protocol/sparkplug/sequence.ts'

/** Half the number space: what is further "ahead" is an old message, come late. */
const MAX_AHEAD = 128

export interface Reorder<Message> {
  /** Starts a new count after the NBIRTH with this number; what waited belongs to the past. */
  restart(seq: number): void
  /** The messages that are in order now, oldest first (none while one is missing). */
  accept(seq: number, message: Message): Message[]
  /** Gives up on the missing ones: everything that waited, in order. */
  giveUp(): Message[]
  /** Messages wait for a missing one. */
  waiting(): boolean
}

export function createReorder<Message>(): Reorder<Message> {
  let expected = 0
  const held = new Map<number, Message>()

  const inOrder = (): Message[] => {
    const ready: Message[] = []
    for (let next = held.get(expected); next !== undefined; next = held.get(expected)) {
      held.delete(expected)
      expected = nextSequence(expected)
      ready.push(next)
    }
    return ready
  }
  return {
    restart(seq) {
      held.clear()
      expected = nextSequence(seq)
    },
    accept(seq, message) {
      if (missingBefore(expected, seq) >= MAX_AHEAD) return []
      held.set(seq, message)
      return inOrder()
    },
    giveUp() {
      const ready: Message[] = []
      while (held.size > 0) {
        ready.push(...inOrder())
        if (held.size > 0) expected = nextSequence(expected)
      }
      return ready
    },
    waiting: () => held.size > 0,
  }
}
