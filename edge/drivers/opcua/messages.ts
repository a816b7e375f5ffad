/** The messages of one subscription in the order the server sent them, and the proof that none is missing. */
import {
  type ClientMonitoredItemBase,
  type ClientSubscription,
  DataChangeNotification,
  type DataValue,
  type NotificationMessage,
} from 'node-opcua-client'
import { Fault } from '../../../protocol/kit/fault.ts'
import { createContinuity } from './continuity.ts'

export interface Messages {
  /** From its creation on, what the server tells of this item goes to `take`. */
  expect(item: ClientMonitoredItemBase, take: (data: DataValue) => void): void
  /** The server does not keep this item. */
  forget(item: ClientMonitoredItemBase): void
}

export interface MessageOptions {
  endpoint: string
  /** When the server sent this nothing was due: all that it had sampled before has been told. */
  onKeepAlive(): void
  /** Called when a message is missing or cannot be taken: what follows proves nothing. */
  onBroken(error: unknown): void
}

/**
 * Reads the messages themselves, not the items' events: the library holds values back that come before the answer to
 * CreateMonitoredItems, and tells them after newer ones. It does not look at the numbers at all.
 */
export function readMessages(
  subscription: ClientSubscription,
  { endpoint, onKeepAlive, onBroken }: MessageOptions,
): Messages {
  const takers = new WeakMap<object, (data: DataValue) => void>()
  const byHandle = new Map<number, (data: DataValue) => void>()
  const continuity = createContinuity()
  const takeMessage = ({ sequenceNumber, notificationData }: NotificationMessage) => {
    const parts = notificationData ?? []
    const due = continuity.due()
    if (!continuity.take({ sequenceNumber, isKeepAlive: parts.length === 0 })) {
      const problem = `notification ${sequenceNumber} where ${due} was due`
      throw new Fault('driver.foreign-reply', { endpoint, problem })
    }
    if (parts.length === 0) onKeepAlive()
    for (const part of parts) {
      if (!(part instanceof DataChangeNotification)) continue
      for (const { clientHandle, value } of part.monitoredItems ?? []) {
        byHandle.get(clientHandle)?.(value)
      }
    }
  }
  // Before the request for the item leaves: the first value may overtake the answer.
  subscription.on('item_added', (item) => {
    const take = takers.get(item)
    if (take) byHandle.set(item.monitoringParameters.clientHandle, take)
  })
  subscription.on('raw_notification', (message) => {
    try {
      takeMessage(message)
    } catch (error) {
      onBroken(error)
    }
  })
  return {
    expect: (item, take) => void takers.set(item, take),
    forget: (item) => void byHandle.delete(item.monitoringParameters.clientHandle),
  }
}
