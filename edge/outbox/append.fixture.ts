/** Appends consecutive integers to an outbox as fast as it can and prints each number once it is durable, until killed. */
import { writeSync } from 'node:fs'
import { openOutbox } from './outbox.ts'

const [file = '', first = '0'] = process.argv.slice(2)
const outbox = openOutbox({ file, maxBytes: 50_000_000, maxAgeMs: 86_400_000, gateway: 'gw1' })
for (let value = Number(first); ; value++) {
  outbox.append({ samples: [{ tag: 'plant/gw1/plc/Count', at: Date.now(), value, quality: 192 }] })
  writeSync(1, `${value}\n`)
}
