/** Starts the parts as child processes, waits until each is ready, starts again what dies, stops all in order. */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { wait } from '../protocol/kit/backoff.ts'
import { Fault } from '../protocol/kit/fault.ts'

const LEASH = resolve(import.meta.dirname, 'leash.ts')
/** A part that is not ready by then will not be: a cold start on a busy two-core machine takes some ten seconds. */
const READY_TIMEOUT_MS = 60_000
/** After SIGTERM a part has this long to close its files before SIGKILL. */
const STOP_TIMEOUT_MS = 10_000

export interface PartSpec {
  name: string
  /** Script and its arguments, run by this same Node. */
  args: string[]
}

export type PartEvent = {
  name: string
  kind: 'starting' | 'ready' | 'died' | 'stopped'
  why?: string
}

export interface Part {
  readonly name: string
  readonly pid: number | undefined
  /** What the part printed in its ready line. */
  readonly ready: Readonly<Record<string, unknown>> | undefined
  /** Starts it and resolves when it is ready. */
  start(): Promise<void>
  /** Ends it for good (until `start`); SIGKILL for tests of sudden death. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>
}

export interface SupervisorOptions {
  logDir: string
  /** A part that died by itself starts again after this. */
  restartMs: number
  onEvent(event: PartEvent): void
}

export interface Supervisor extends AsyncDisposable {
  add(spec: PartSpec): Part
}

/** Parts are stopped in the reverse order of `add`. */
export function openSupervisor(options: SupervisorOptions): Supervisor {
  mkdirSync(options.logDir, { recursive: true })
  const parts: Part[] = []
  return {
    add(spec) {
      const part = createPart(spec, options)
      parts.push(part)
      return part
    },
    async [Symbol.asyncDispose]() {
      for (const part of parts.toReversed()) await part.stop()
    },
  }
}

interface Running {
  child: ChildProcess
  exited: Promise<string>
}

function createPart(spec: PartSpec, options: SupervisorOptions): Part {
  let running: Running | undefined
  let wanted = new AbortController()
  let readyLine: Record<string, unknown> | undefined

  async function start(): Promise<void> {
    wanted = new AbortController()
    await launch()
  }

  async function launch(): Promise<void> {
    const mine = wanted
    options.onEvent({ name: spec.name, kind: 'starting' })
    const started = spawnPart(spec, options.logDir)
    running = started
    const died = started.exited.then((why) => {
      running = undefined
      return why
    })
    const outcome = await Promise.race([readLine(started.child), died])
    if (typeof outcome === 'string') {
      started.child.kill('SIGKILL')
      throw notReady(outcome)
    }
    readyLine = outcome
    options.onEvent({ name: spec.name, kind: 'ready' })
    void died.then((why) => restart(why, mine))
  }

  async function restart(why: string, mine: AbortController): Promise<void> {
    if (mine.signal.aborted) return
    options.onEvent({ name: spec.name, kind: 'died', why })
    while (await wait(options.restartMs, mine.signal)) {
      try {
        await launch()
        return
      } catch (error) {
        options.onEvent({ name: spec.name, kind: 'died', why: String(error) })
      }
    }
  }

  function notReady(why: string): Fault {
    return new Fault('part.not-ready', {
      part: spec.name,
      why,
      log: join(options.logDir, `${spec.name}.log`),
    })
  }

  async function stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    wanted.abort()
    const current = running
    if (!current) return
    current.child.kill(signal)
    const patience = new AbortController()
    const killed = wait(STOP_TIMEOUT_MS, patience.signal).then((late) => {
      if (late) current.child.kill('SIGKILL')
    })
    await current.exited
    patience.abort()
    await killed
    options.onEvent({ name: spec.name, kind: 'stopped' })
  }

  return {
    name: spec.name,
    get pid() {
      return running?.child.pid
    },
    get ready() {
      return readyLine
    },
    start,
    stop,
  }
}

function spawnPart(spec: PartSpec, logDir: string): Running {
  const log = openSync(join(logDir, `${spec.name}.log`), 'a')
  const child = spawn(process.execPath, ['--import', LEASH, ...spec.args], {
    stdio: ['ignore', 'pipe', log, 'ipc'],
    // its own group: Ctrl-C reaches the parent only, which stops the parts in order
    detached: true,
  })
  closeSync(log)
  const exited = new Promise<string>((done) => {
    child.once('error', (error) => done(error.message))
    child.once('exit', (code, signal) => done(signal ?? `exit code ${code}`))
  })
  return { child, exited }
}

/** The part's first stdout line that is JSON with `ready: true`; a sentence when it does not come in time. */
async function readLine(child: ChildProcess): Promise<Record<string, unknown> | string> {
  if (!child.stdout) return 'no output'
  const lines = createInterface({ input: child.stdout })
  return await new Promise((done) => {
    const timer = setTimeout(() => done(`not ready after ${READY_TIMEOUT_MS} ms`), READY_TIMEOUT_MS)
    lines.on('line', (line) => {
      const parsed = parseReady(line)
      if (!parsed) return
      clearTimeout(timer)
      done(parsed)
    })
    lines.once('close', () => clearTimeout(timer))
  })
}

function parseReady(line: string): Record<string, unknown> | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const value = JSON.parse(line) as Record<string, unknown>
    return value.ready === true ? value : undefined
  } catch {
    return undefined
  }
}
