/** Puts one node's messages in the order of their sequence numbers, and says when one is missing for good. */
import { missingBefore, nextSequence } from '../../protocol/sparkplug/sequence.ts'

export interface Reorder<Message> {
  /** Starts a new count after the NBIRTH with this number; what waited belongs to the past. */
  restart(seq: number): void
  /** The messages that are in order now, oldest first (none while one is missing). */
  accept(seq: number, message: Message): Message[]
  /** Gives up on the missing ones: everything that waited, in order. */
  giveUp(): Message[]
  /** How many messages wait for a missing one; give up well before 256. */
  waiting(): number
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
      held.set(seq, message)
      return inOrder()
    },
    giveUp() {
      const ready: Message[] = []
      while (held.size > 0) {
        const distances = [...held.keys()].map((seq) => missingBefore(expected, seq))
        expected = nextSequence(expected + Math.min(...distances) - 1)
        ready.push(...inOrder())
      }
      return ready
    },
    waiting: () => held.size,
  }
}
