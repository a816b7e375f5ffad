/** A small cloud in a process of its own, to be killed: ingest into an SQLite file keyed by (tag, at). */
import { DatabaseSync } from 'node:sqlite'
import mqtt from 'mqtt'
import { createLog } from '../../protocol/kit/log.ts'
import { openIngest } from './ingest.ts'

const [url = '', file = ''] = process.argv.slice(2)
const database = new DatabaseSync(file)
database.exec(`
  PRAGMA busy_timeout = 10000;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS sample (tag TEXT, at INTEGER, value, quality INTEGER, historical INTEGER, PRIMARY KEY (tag, at));
  CREATE TABLE IF NOT EXISTS gap (start INTEGER, finish INTEGER, reason TEXT, PRIMARY KEY (start, finish, reason));
`)
const insert = database.prepare('INSERT OR IGNORE INTO sample VALUES (?, ?, ?, ?, ?)')
const insertGap = database.prepare('INSERT OR IGNORE INTO gap VALUES (?, ?, ?)')

const ingest = openIngest({
  connect: (options) => mqtt.connect(url, { ...options, clientId: 'host' }),
  hostId: 'mimamori',
  async commit({ live, historical, gaps }) {
    database.exec('BEGIN')
    for (const [late, samples] of [live, historical].entries()) {
      for (const { tag, at, value, quality } of samples) {
        // A stale repeat is a mark, not a reading: left out, so that the ledger counts readings.
        if (quality !== 500) insert.run(tag, at, Number(value), quality, late)
      }
    }
    for (const { from, to, reason } of gaps) insertGap.run(from, to, reason)
    database.exec('COMMIT')
  },
  onNode: () => {},
  backoff: { minMs: 50, maxMs: 200 },
  rebirthMs: 200,
  log: createLog('host'),
})
process.on('SIGTERM', async () => {
  await ingest[Symbol.asyncDispose]()
  database.close()
})
