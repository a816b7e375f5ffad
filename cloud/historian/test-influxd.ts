/** A real InfluxDB 1.x (Debian's influxd) for tests, on a free port with its data in a folder of its own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

export interface Influxd extends AsyncDisposable {
  url: string
  /** Makes an empty database with a name of its own. */
  createDatabase(): Promise<string>
}

/** Stands in the names of tests that are skipped without it. */
export const INFLUXD_HINT = 'needs influxd: apt-get install influxdb'

/** True when this machine has one. */
export function hasInfluxd(): boolean {
  return spawnSync('influxd', ['version']).status === 0
}

/** Starts it and waits until it listens. */
export async function openInfluxd(): Promise<Influxd> {
  const folder = mkdtempSync(join(tmpdir(), 'influxd-'))
  const file = join(folder, 'influxdb.conf')
  writeFileSync(file, formatConfig(folder))
  const child = spawn('influxd', ['-config', file], { stdio: ['ignore', 'ignore', 'pipe'] })
  const port = await readPort(child)
  const url = `http://127.0.0.1:${port}`
  let databases = 0
  return {
    url,
    createDatabase: async () => {
      const name = `test${++databases}`
      const body = new URLSearchParams({ q: `CREATE DATABASE "${name}"` })
      const answer = await fetch(`${url}/query`, { method: 'POST', body })
      const text = await answer.text()
      if (!answer.ok || text.includes('error')) throw new Error(`influxd: ${answer.status} ${text}`)
      return name
    },
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await once(child, 'exit')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function formatConfig(folder: string): string {
  return `reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
  dir = "${folder}/meta"
[data]
  dir = "${folder}/data"
  wal-dir = "${folder}/wal"
[http]
  bind-address = "127.0.0.1:0"
  log-enabled = false
  flux-enabled = false
[monitor]
  store-enabled = false
[continuous_queries]
  enabled = false
`
}

/** influxd says on which port it listens for HTTP; nothing else may be guessed. */
async function readPort(child: ChildProcess): Promise<number> {
  if (!child.stderr) throw new Error('influxd has no stderr')
  const lines: string[] = []
  for await (const line of createInterface(child.stderr)) {
    lines.push(line)
    const found = /Listening on HTTP.*addr=127\.0\.0\.1:(\d+)/.exec(line)?.[1]
    if (found === undefined) continue
    child.stderr.resume()
    return Number(found)
  }
  throw new Error(`influxd did not start:\n${lines.join('\n')}`)
}
