/** Sparkplug counters: the message sequence, the birth-death sequence, and what a received number means. */

/** Both counters run 0..255 and start again (tck-id-payloads-sequence-num-incrementing). */
const MODULUS = 256

/** The number after this one. */
export function nextSequence(seq: number): number {
  return (seq + 1) % MODULUS
}

/** How many messages lie between the expected number and the received one: 0 means in order. */
export function missingBefore(expected: number, received: number): number {
  return (received - expected + MODULUS) % MODULUS
}

/** Counts the messages of one edge node: `restart` at each NBIRTH, `next` for every other message. */
export interface SequenceCounter {
  /** The number of an NBIRTH: always 0 (tck-id-topics-nbirth-seq-num). */
  restart(): number
  next(): number
}

export function createSequence(): SequenceCounter {
  let last = 0
  return {
    restart() {
      last = 0
      return last
    },
    next() {
      last = nextSequence(last)
      return last
    },
  }
}
