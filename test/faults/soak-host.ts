/** The cloud's half of a soak in a process of its own, to be killed: ingest into the embedded historian. */
import mqtt from 'mqtt'
import { openDuckdbHistorian } from '../../cloud/historian/duckdb.ts'
import { openIngest } from '../../cloud/ingest/ingest.ts'
import { createLog } from '../../protocol/kit/log.ts'

const [url = '', file = ''] = process.argv.slice(2)
const historian = await openDuckdbHistorian({ file, log: createLog('historian') })
const ingest = openIngest({
  connect: (options) => mqtt.connect(url, { ...options, clientId: 'host' }),
  hostId: 'mimamori',
  commit: async ({ live, historical }) => {
    await historian.write([...live, ...historical])
  },
  onNode: () => undefined,
  backoff: { minMs: 100, maxMs: 2000 },
  log: createLog('host'),
})
process.on('SIGTERM', async () => {
  await ingest[Symbol.asyncDispose]()
  await historian[Symbol.asyncDispose]()
})
