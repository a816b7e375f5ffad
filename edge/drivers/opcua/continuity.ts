/** Notices that a notification message never arrived, by the numbers the server gives to its messages (Part 4, 5.14.1.1). */

/** After it comes 1; 0 is never used. */
const MAX_SEQUENCE = 0xffff_ffff

export interface NumberedMessage {
  sequenceNumber: number
  /** A keep-alive has no number of its own: it tells that of the message to come. */
  isKeepAlive: boolean
}

export interface Continuity {
  /** False when a message before this one is missing. The first one heard says where the count stands. */
  take(message: NumberedMessage): boolean
  /** The number the next message must have; undefined before the first. */
  due(): number | undefined
}

export function createContinuity(): Continuity {
  let due: number | undefined
  return {
    take({ sequenceNumber, isKeepAlive }) {
      if (isKeepAlive) {
        due ??= Math.max(1, sequenceNumber)
        // Some servers repeat the number of the last message here: behind is no gap, ahead is one.
        return !isAhead(sequenceNumber, due)
      }
      const isNext = due === undefined || sequenceNumber === due
      due = sequenceNumber === MAX_SEQUENCE ? 1 : sequenceNumber + 1
      return isNext
    },
    due: () => due,
  }
}

/** Across the roll-over too: what is less than half the circle in front is ahead. */
function isAhead(number: number, due: number): boolean {
  const distance = (number - due) >>> 0
  return distance > 0 && distance < 2 ** 31
}
