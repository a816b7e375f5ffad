/** The processes of a bench: Debian's mosquitto and our own programs, started, stopped, killed and started again. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const MOSQUITTO = '/usr/sbin/mosquitto'

/** Why scenarios with an external broker cannot run here. */
export function missingMosquitto(): string | undefined {
  return existsSync(MOSQUITTO) ? undefined : 'apt-get install mosquitto'
}

export interface Part extends AsyncDisposable {
  /** Undefined while it is not running. */
  pid(): number | undefined
  start(): Promise<void>
  /** SIGKILL, and its end. */
  kill(): Promise<void>
  /** SIGTERM, and its exit code. */
  stop(): Promise<number | null>
  signal(signal: NodeJS.Signals): void
  /** Everything it printed, both streams. */
  output(): string
  /** Memory in use, MB. */
  rssMB(): number
  /** Processor time used, ms. */
  cpuMs(): number
  openFiles(): number
}

export interface PartOptions {
  command: string
  args: readonly string[]
  env?: Readonly<Record<string, string>>
  /** Waits until it serves; called after each start. */
  ready(part: Part): Promise<void>
}

export function createPart(options: PartOptions): Part {
  let child: ChildProcess | undefined
  let output = ''
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    const dying = child
    child = undefined
    if (!dying || dying.exitCode !== null || dying.signalCode !== null) return null
    const gone = once(dying, 'exit')
    dying.kill(signal)
    // A stopped process hears nothing but SIGKILL until it goes on.
    dying.kill('SIGCONT')
    return ((await gone) as [number | null])[0]
  }
  const part: Part = {
    pid: () => (child?.exitCode === null && child.signalCode === null ? child.pid : undefined),
    async start() {
      const env = { ...process.env, MIMAMORI_LOG: 'warn', ...options.env }
      child = spawn(options.command, options.args, { stdio: ['ignore', 'pipe', 'pipe'], env })
      for (const stream of [child.stdout, child.stderr]) {
        stream?.on('data', (text: Buffer) => {
          output += text
        })
      }
      await options.ready(part)
    },
    kill: async () => void (await end('SIGKILL')),
    stop: () => end('SIGTERM'),
    signal: (signal) => void child?.kill(signal),
    output: () => output,
    rssMB: () => Number(/VmRSS:\s+(\d+)/.exec(readProc(part.pid(), 'status'))?.[1] ?? 0) / 1024,
    cpuMs() {
      const fields = readProc(part.pid(), 'stat').split(') ')[1]?.split(' ') ?? []
      // utime and stime in hundredths of a second (proc(5)).
      return (Number(fields[11]) + Number(fields[12])) * 10
    },
    openFiles: () => (child?.pid === undefined ? 0 : readdirSync(`/proc/${child.pid}/fd`).length),
    [Symbol.asyncDispose]: async () => void (await end('SIGKILL')),
  }
  return part
}

function readProc(pid: number | undefined, file: string): string {
  return pid === undefined ? '' : readFileSync(`/proc/${pid}/${file}`, 'utf8')
}

export interface BrokerOptions {
  dir: string
  port: number
  /** More lines of its configuration. */
  config?: readonly string[]
}

/** mosquitto without persistence: after a kill it remembers nothing. */
export async function createMosquitto({ dir, port, config = [] }: BrokerOptions): Promise<Part> {
  const file = join(dir, 'mosquitto.conf')
  const lines = ['allow_anonymous true', 'persistence false', 'log_dest none', ...config]
  await writeFile(file, [`listener ${port} 127.0.0.1`, ...lines, ''].join('\n'))
  return createPart({
    command: MOSQUITTO,
    args: ['-c', file],
    ready: async (part) => {
      while (!(await canConnect(port))) {
        if (part.pid() === undefined) throw new Error(`mosquitto ended: ${part.output()}`)
        await sleep(20)
      }
    },
  })
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
