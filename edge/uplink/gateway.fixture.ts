/** A small gateway in a process of its own, to be killed: one tag of consecutive integers through outbox and uplink. */
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLog } from '../../protocol/kit/log.ts'
import { formatTagId, type Sample, type Tag } from '../../protocol/model.ts'
import { openOutbox } from '../outbox/outbox.ts'
import { openUplink } from './uplink.ts'

const [url = '', folder = ''] = process.argv.slice(2)
const site = 'plant'
const gateway = 'gw1'
const id = formatTagId({ site, gateway, device: 'plc', name: 'Count' })
const tag: Tag = { id, name: 'Count', type: 'Int32', address: {} }
/** Integers whose append has returned. A kill between append and this line leaves one unlisted: the next run skips a number. */
const ledger = `${folder}/acquired.txt`
let count = existsSync(ledger)
  ? Number(readFileSync(ledger, 'utf8').trim().split('\n').at(-1)) + 2
  : 0
let latest: Sample | undefined

const outbox = openOutbox({
  file: `${folder}/outbox.db`,
  maxBytes: 10_000_000,
  maxAgeMs: 86_400_000,
  gateway,
})
const uplink = openUplink({
  url,
  site,
  gateway,
  clientId: `${site}-${gateway}`,
  devices: () => [{ device: 'plc', online: true, tags: [tag], latest: () => latest }],
  targets: [],
  software: 'fixture 1',
  outbox,
  primaryHost: 'mimamori',
  delivery: 'acknowledged',
  ackTimeoutMs: 1_500,
  backoff: { minMs: 50, maxMs: 200 },
  birthSequenceFile: `${folder}/birth-sequence.txt`,
  log: createLog('gateway'),
})
let running = true
process.on('SIGTERM', () => {
  running = false
})
let at = 0
while (running) {
  at = Math.max(Date.now(), at + 1)
  const sample: Sample = { tag: id, at, value: count, quality: 192 }
  const number = outbox.append({ samples: [sample] })
  appendFileSync(ledger, `${count}\n`)
  latest = sample
  uplink.publish(number, [sample], [])
  count += 1
  await sleep(10)
}
// Stopped by SIGTERM: say goodbye only when all is told, so that the test may count.
while (outbox.depth().batches > 0) await sleep(20)
await uplink[Symbol.asyncDispose]()
await outbox[Symbol.asyncDispose]()
