/** The cloud's receiving half in a process of its own, to be killed: ingest into an SQLite file keyed by tag, time and value. */
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import mqtt from 'mqtt'
import { openIngest } from '../../cloud/ingest/ingest.ts'
import { createLog } from '../../protocol/kit/log.ts'

const [url = '', file = ''] = process.argv.slice(2)
/** A busy historian: each commit takes so long. */
const commitMs = Number(process.env.COMMIT_TAKES_MS ?? 0)
const database = new DatabaseSync(file)
database.exec(`
  PRAGMA busy_timeout = 10000;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  CREATE TABLE IF NOT EXISTS sample (
    tag TEXT, at INTEGER, value TEXT, quality INTEGER, status INTEGER, historical INTEGER, PRIMARY KEY (tag, at, value)
  );
  CREATE TABLE IF NOT EXISTS stale (tag TEXT, at INTEGER, PRIMARY KEY (tag, at));
  CREATE TABLE IF NOT EXISTS gap (start INTEGER, finish INTEGER, reason TEXT, PRIMARY KEY (start, finish, reason));
`)
const insert = database.prepare('INSERT OR IGNORE INTO sample VALUES (?, ?, ?, ?, ?, ?)')
const insertStale = database.prepare('INSERT OR IGNORE INTO stale VALUES (?, ?)')
const insertGap = database.prepare('INSERT OR IGNORE INTO gap VALUES (?, ?, ?)')

const ingest = openIngest({
  connect: (options) => mqtt.connect(url, { ...options, clientId: 'host' }),
  hostId: 'mimamori',
  async commit({ live, historical, gaps }) {
    if (commitMs > 0) await sleep(commitMs)
    database.exec('BEGIN')
    for (const [late, samples] of [live, historical].entries()) {
      for (const { tag, at, value, quality, status } of samples) {
        // A stale mark is no reading; it would only stand in the way of one at the same instant.
        if (quality === 500) {
          insertStale.run(tag, at)
          continue
        }
        const text = value === null ? null : Object.is(value, -0) ? '-0' : String(value)
        insert.run(tag, at, text, quality, status ?? null, late)
      }
    }
    for (const { from, to, reason } of gaps) insertGap.run(from, to, reason)
    database.exec('COMMIT')
  },
  onNode: () => {},
  log: createLog('host'),
})
process.on('SIGTERM', async () => {
  await ingest[Symbol.asyncDispose]()
  database.close()
})
