/** The gateway of a soak in a process of its own, to be killed: consecutive integers through outbox and uplink, as fast as they go. */
import { existsSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { settleStart, startLean } from '../../edge/lean-start.ts'
import { openEnduringOutbox } from '../../edge/outbox/enduring-outbox.ts'
import { openUplink } from '../../edge/uplink/uplink.ts'
import { createLog } from '../../protocol/kit/log.ts'
import type { Sample, Tag } from '../../protocol/model.ts'
import { SOAK_TAGS, sampleOf, tagOf } from './soak-ledger.ts'

// As `mimamori edge run` does: with V8's own settings this is another program.
startLean()
const [url = '', folder = '', total = '0'] = process.argv.slice(2)
const TOTAL = Number(total)
const BATCH = 1000
/** How often the memory is cleaned and counted: what is left then is held by somebody. */
const COUNT_MEMORY_EVERY = 250_000
/** Always written whole: a kill between two writes must not leave half a number. */
const PROGRESS_DIGITS = 12
/** A host that is slower than this gateway must not fill the disk: beyond this nothing new is made. */
const MAX_BACKLOG = 200_000

const progressFile = join(folder, 'progress')
let next = existsSync(progressFile) ? Number(readFileSync(progressFile, 'utf8')) : 0
const progress = openSync(progressFile, next === 0 ? 'w' : 'r+')
const outbox = openEnduringOutbox({
  ...{ file: join(folder, 'outbox.sqlite'), maxBytes: 1e9, maxAgeMs: 86_400_000, gateway: 'gw1' },
})
const latest = new Map<string, Sample>()
const tags: Tag[] = Array.from({ length: SOAK_TAGS }, (_, i) => {
  return { id: tagOf(i), name: `T${i}`, type: 'Int32', address: {} }
})
const uplink = openUplink({
  ...{ url, site: 'plant', gateway: 'gw1', clientId: 'plant/gw1', outbox, targets: [] },
  devices: () => [{ device: 'plc', online: true, tags, latest: (tag) => latest.get(tag) }],
  software: 'soak 1',
  primaryHost: 'mimamori',
  delivery: 'acknowledged',
  ackTimeoutMs: 5000,
  backoff: { minMs: 100, maxMs: 2000 },
  log: createLog('gateway'),
})
settleStart()
let isRunning = true
process.on('SIGTERM', () => {
  isRunning = false
})

/** Resident memory alone cannot tell a leak from a heap that V8 lets grow. */
function countMemory(): void {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  writeFileSync(join(folder, 'kept'), String((heapUsed + external) / 1e6))
}

while (isRunning && next < TOTAL) {
  if (outbox.depth().samples >= MAX_BACKLOG) {
    await sleep(5)
    continue
  }
  const count = Math.min(BATCH, TOTAL - next)
  const samples = Array.from({ length: count }, (_, i) => sampleOf(next + i))
  const number = outbox.append({ samples })
  // Killed before this is written: the same integers are made again with the same times, and stored once.
  writeSync(progress, String(next + count).padStart(PROGRESS_DIGITS, '0'), 0)
  for (const sample of samples.slice(-SOAK_TAGS)) latest.set(sample.tag, sample)
  uplink.publish(number, samples, [])
  next += count
  if (next % COUNT_MEMORY_EVERY === 0) countMemory()
  // The socket and the host's answers have their turn.
  await sleep(0)
}
while (isRunning && outbox.depth().batches > 0) await sleep(50)
await uplink[Symbol.asyncDispose]()
await outbox[Symbol.asyncDispose]()
if (isRunning) writeFileSync(join(folder, 'done'), '')
