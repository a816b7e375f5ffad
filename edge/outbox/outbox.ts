/** The gateway's store-and-forward log: numbered batches in SQLite, durable before they are published, deleted once acknowledged. */
import { createStartGaps } from './dead-time.ts'
import { createLogOutbox, type Outbox } from './log-outbox.ts'
import { openLogFile } from './open-log-file.ts'

export type { Batch, LiveBatch, Outbox, OutboxDepth } from './log-outbox.ts'

export interface OutboxOptions {
  file: string
  /** Packed bytes kept before the oldest are dropped. */
  maxBytes: number
  /** Batches appended longer ago than this are dropped. */
  maxAgeMs: number
  gateway: string
  /**
   * What was read so shortly before the last sign of life may have died in memory: on its way from the device
   * (a publishing interval) or waiting for the next batch. A 'gateway-down' gap begins this much earlier.
   */
  coverageLagMs?: number
  now?: () => number
  /** Told what a person should know: a file set aside, a file taken over. */
  notice?(say: string): void
}

/**
 * Opens (or creates) the outbox. Dead time since the last sign of life becomes one Gap 'gateway-down';
 * a file that is not sound is set aside and told by a Gap 'corrupt', one of a newer program is set aside and kept
 * for it. Throws Fault 'outbox.unwritable'.
 */
export function openOutbox(options: OutboxOptions): Outbox {
  const now = options.now ?? Date.now
  const opened = openLogFile(options, now())
  const { file } = opened
  const start = createStartGaps(opened, options, { at: now(), agoMs: 0 })
  if (start.length > 0) file.insert({ samples: [], gaps: start }, now())
  return {
    ...createLogOutbox(file, { ...options, now, reason: 'outbox-full' }),
    async [Symbol.asyncDispose]() {
      file.alive(now())
      file.close()
    },
  }
}
