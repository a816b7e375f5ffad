/** An outbox that goes on in memory while its disk refuses, and moves back by itself when it does not. */
import { createLogOutbox, type Outbox, type OutboxDepth } from './log-outbox.ts'
import { moveBatches, openLogMemory } from './open-log-file.ts'
import { createOutboxDisk, type OutboxDiskOptions } from './outbox-disk.ts'

export interface EnduringOutboxOptions extends Omit<OutboxDiskOptions, 'now' | 'isClockSet'> {
  /** Packed bytes kept in memory, while the disk refuses, before the oldest are dropped. */
  maxMemoryBytes?: number
  now?: () => number
  /** False while nobody knows what time it is: dead time is told once it is true. */
  isClockSet?(): boolean
}

export interface EnduringDepth extends OutboxDepth {
  /** What of it is in memory only, and why; undefined while all is well. */
  memory: { samples: number; bytes: number; since: number; reason: string } | undefined
  /** Dropped because disk and memory were full. */
  droppedInMemory: number
}

export interface EnduringOutbox extends Outbox {
  /** Never refuses: what the disk does not take waits in memory, the oldest dropped and told beyond the bound. */
  append: Outbox['append']
  depth(): EnduringDepth
}

/** Some five million readings of a usual gateway: hours of them. */
const MEMORY_BYTES = 32 * 1024 * 1024
/** Numbers of batches in memory lie above all numbers of a file: an acknowledgement can never mean the wrong one. */
const MEMORY_NUMBERS = 2 ** 52
/** Batches moved back in one transaction, and transactions at a time: the gateway reads on in between. */
const MOVE_STEP = 100
const MOVE_STEPS = 10

/** Opens it, whatever the disk says. */
export function openEnduringOutbox(options: EnduringOutboxOptions): EnduringOutbox {
  const { gateway, now = Date.now, isClockSet = () => true } = options
  const disk = createOutboxDisk({ ...options, now, isClockSet })
  const log = openLogMemory()
  const maxBytes = options.maxMemoryBytes ?? MEMORY_BYTES
  const memory = createLogOutbox(log, { ...options, maxBytes, reason: 'disk-full', now })
  /** In steps; true when nothing is left in memory. */
  const moveBack = (): boolean => {
    if (log.batches() === 0) return true
    for (let step = 0; step < MOVE_STEPS; step++) {
      const moved = disk.use(({ file }) => moveBatches(log, file, { gateway, limit: MOVE_STEP }))
      if (moved === undefined) return false
      if (moved === 0) return true
    }
    return log.batches() === 0
  }
  const isOnDisk = () => disk.isReady() && moveBack()
  isOnDisk()

  return {
    append(batch) {
      const number = isOnDisk() ? disk.write(({ outbox }) => outbox.append(batch)) : undefined
      return number ?? MEMORY_NUMBERS + memory.append(batch)
    },
    peek(after, limit) {
      // Never both in one answer: a range between them would cover numbers that are not given yet.
      const isFile = after < MEMORY_NUMBERS
      const found = isFile ? disk.use(({ outbox }) => outbox.peek(after, limit)) : undefined
      if (found && found.length > 0) return found
      const batches = memory.peek(Math.max(0, after - MEMORY_NUMBERS), limit)
      return batches.map((batch) => ({ ...batch, number: MEMORY_NUMBERS + batch.number }))
    },
    acknowledge(from, to) {
      if (from > MEMORY_NUMBERS) memory.acknowledge(from - MEMORY_NUMBERS, to - MEMORY_NUMBERS)
      else disk.use(({ outbox }) => outbox.acknowledge(from, to))
    },
    isEmpty: () => log.batches() === 0 && (disk.use(({ outbox }) => outbox.isEmpty()) ?? true),
    depth: () => addDepths(disk.depth(), memory.depth(), disk.refusal()),
    heartbeat(at) {
      if (isOnDisk()) disk.write(({ outbox }) => outbox.heartbeat(at))
    },
    lastAlive: () => disk.use(({ outbox }) => outbox.lastAlive()),
    async [Symbol.asyncDispose]() {
      disk.hurry()
      while (log.batches() > 0 && disk.isReady()) moveBack()
      if (isOnDisk()) disk.write(({ outbox }) => outbox.heartbeat(now()))
      log.close()
      disk.close()
    },
  }
}

function addDepths(
  disk: OutboxDepth | undefined,
  memory: OutboxDepth,
  refusal: { reason: string; since: number } | undefined,
): EnduringDepth {
  const { samples, bytes, dropped: droppedInMemory } = memory
  const oldest = [disk?.oldestAt, memory.oldestAt].filter((at) => at !== undefined)
  return {
    batches: (disk?.batches ?? 0) + memory.batches,
    samples: (disk?.samples ?? 0) + samples,
    bytes: (disk?.bytes ?? 0) + bytes,
    oldestAt: oldest.length === 0 ? undefined : Math.min(...oldest),
    dropped: (disk?.dropped ?? 0) + droppedInMemory,
    memory: refusal && { samples, bytes, ...refusal },
    droppedInMemory,
  }
}
