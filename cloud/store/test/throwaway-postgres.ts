/** A PostgreSQL cluster of a test's own: a fresh folder, a Unix socket, no TCP port; gone when disposed. For tests only. */
import { execFile, spawn } from 'node:child_process'
import { chmod, chown, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { Client } from 'pg'
import { Fault } from '../../../protocol/kit/fault.ts'

const run = promisify(execFile)
const INSTALL_FOLDER = '/usr/lib/postgresql'
/** Starting takes a second; a loaded machine gets a minute. */
const START_TRIES = 300
const START_PAUSE_MS = 200

export interface ThrowawayPostgres extends AsyncDisposable {
  /** The URL of a new, empty database. */
  createDatabase(name: string): Promise<string>
}

/** Debian's newest installed server binaries; undefined: `apt-get install postgresql`. */
export async function findPostgres(): Promise<string | undefined> {
  const versions = await readdir(INSTALL_FOLDER).catch(() => [])
  const newest = versions.sort((a, b) => Number(a) - Number(b)).at(-1)
  return newest && join(INSTALL_FOLDER, newest, 'bin')
}

/** Makes a cluster and starts it; it refuses to run as root, so root becomes `postgres` first. */
export async function openThrowawayPostgres(bin: string): Promise<ThrowawayPostgres> {
  const folder = await mkdtemp(join(tmpdir(), 'mimamori-postgres-'))
  const asRoot = process.getuid?.() === 0
  if (asRoot) {
    const { stdout } = await run('id', ['-u', 'postgres'])
    await chown(folder, Number(stdout), 0)
    await chmod(folder, 0o750)
  }
  const command = (program: string, ...rest: string[]): [string, string[]] =>
    asRoot
      ? ['runuser', ['-u', 'postgres', '--', join(bin, program), ...rest]]
      : [join(bin, program), rest]
  const data = join(folder, 'data')
  const initdb = command('initdb', '-D', data, '-U', 'mimamori', '-A', 'trust', '-N', '-E', 'UTF8')
  await run(...initdb, { cwd: folder })
  const server = spawn(
    ...command('postgres', '-D', data, '-k', folder, '-c', 'listen_addresses=', '-F'),
    { cwd: folder, stdio: 'ignore' },
  )
  const ended = new Promise((resolve) => server.once('exit', resolve))
  const urlOf = (name: string) => `postgresql://mimamori@/${name}?host=${folder}`
  await untilReady(urlOf('postgres'))
  return {
    async createDatabase(name) {
      await using client = await connect(urlOf('postgres'))
      await client.query(`create database "${name}"`)
      return urlOf(name)
    },
    async [Symbol.asyncDispose]() {
      await run(...command('pg_ctl', '-D', data, 'stop', '-m', 'immediate'), { cwd: folder })
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function untilReady(url: string): Promise<void> {
  for (let attempt = 0; attempt < START_TRIES; attempt += 1) {
    try {
      await using _client = await connect(url)
      return
    } catch {
      await sleep(START_PAUSE_MS)
    }
  }
  throw new Fault('internal', { what: 'the PostgreSQL of the test did not start' })
}

async function connect(url: string) {
  const client = new Client({ connectionString: url })
  await client.connect()
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() })
}
