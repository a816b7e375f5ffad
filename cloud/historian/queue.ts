/** One task at a time, in order of arrival: how a historian serialises its writes. */
import { Fault } from '../../protocol/kit/fault.ts'

export interface Queue {
  <T>(task: () => Promise<T>): Promise<T>
  /** Runs the last task after all others; everything later is refused. A second close does nothing. */
  close(task: () => Promise<void>): Promise<void>
}

/** An empty queue. */
export function createQueue(): Queue {
  let tail: Promise<unknown> = Promise.resolve()
  let closed = false
  const run = <T>(task: () => Promise<T>): Promise<T> => {
    if (closed)
      return Promise.reject(new Fault('historian.unavailable', { reason: 'it is closed' }))
    const turn = tail.then(task)
    tail = turn.catch(() => undefined)
    return turn
  }
  const close = async (task: () => Promise<void>): Promise<void> => {
    if (closed) return
    const last = run(task)
    closed = true
    await last
  }
  return Object.assign(run, { close })
}
