/** The load devices, each in a process of its own, and what they tell of themselves. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface ModbusLoadStats {
  requests: number
  registers: number
  /** Of each unit: when requests for address 0 came, ms of the monotonic clock. */
  arrivals: Record<number, number[]>
}

export interface OpcuaLoadStats {
  /** Times every tag was set so far. */
  rounds: number
}

/** A process that answers a message with `{reply}`; it ends with us. */
export interface Load<Ready, Stats> extends AsyncDisposable {
  pid: number
  ready: Ready
  /** What happened since the last call. */
  stats(): Promise<Stats>
  tell(message: object): void
}

async function openLoad<Ready, Stats>(file: string, args: string[]): Promise<Load<Ready, Stats>> {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const child = fork(path, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const [{ ready }] = (await once(child, 'message')) as [{ ready: Ready }]
  return {
    pid: child.pid ?? 0,
    ready,
    async stats() {
      const answer = once(child, 'message')
      child.send({})
      const [{ reply }] = (await answer) as [{ reply: Stats }]
      return reply
    },
    tell: (message) => void child.send(message),
    async [Symbol.asyncDispose]() {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  }
}

/** Answers `delayMs` after each request. */
export const openModbusLoad = (delayMs = 0) =>
  openLoad<{ port: number }, ModbusLoadStats>('./modbus-load.fixture.ts', [String(delayMs)])

export const openOpcuaLoad = (folder: string, tags: number, intervalMs: number) =>
  openLoad<{ endpoint: string }, OpcuaLoadStats>('./opcua-load.fixture.ts', [
    folder,
    String(tags),
    String(intervalMs),
  ])
