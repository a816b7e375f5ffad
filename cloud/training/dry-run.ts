/** Runs an uploaded model in a process of its own, with limits on time and memory that a hung native call cannot ignore. */
import { fork } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { TriedLife } from '../../models/external/try-life.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import type { DryRunNews, DryRunOrder, LifeOrder } from './dry-run-process.ts'
import type { TrainingOutcome } from './training-thread.ts'

/** Calibration of a fast model takes a second; this is a person waiting. */
const DEADLINE_MS = 60_000
/** Resident memory of the process: the runtime, the tables, and a model of a reasonable size. */
const MAX_RESIDENT_MB = 1_024
const LOOK_MS = 100
/** Linux counts in pages of this many bytes. */
const PAGE_BYTES = 4_096

export interface DryRunLimits {
  deadlineMs?: number
  maxResidentMb?: number
}

/** Throws the fault that the trial found; 'training.failed' when the trial itself did not end well. */
export async function dryRun(order: DryRunOrder, limits?: DryRunLimits): Promise<TrainingOutcome> {
  return await runApart<TrainingOutcome>(order, limits)
}

/** The same for a model of remaining life. */
export async function dryRunLife(order: LifeOrder, limits?: DryRunLimits): Promise<TriedLife> {
  return await runApart<TriedLife>(order, limits)
}

async function runApart<Outcome>(
  order: DryRunOrder | LifeOrder,
  { deadlineMs = DEADLINE_MS, maxResidentMb = MAX_RESIDENT_MB }: DryRunLimits = {},
): Promise<Outcome> {
  const file = fileURLToPath(new URL('./dry-run-process.ts', import.meta.url))
  // It needs no secrets of ours: its environment is empty but for what Node itself wants.
  const env = { PATH: process.env.PATH, HOME: process.env.HOME }
  const child = fork(file, { serialization: 'advanced', execArgv: [], stdio: 'ignore', env })
  const done = Promise.withResolvers<Outcome>()
  const fail = (problem: string) => done.reject(new Fault('training.failed', { problem }))
  child.on('message', (news: DryRunNews) => {
    if ('outcome' in news) done.resolve(news.outcome as Outcome)
    else if ('fault' in news) done.reject(new Fault(news.fault.code, news.fault.detail))
    else fail(news.problem)
  })
  child.on('error', (error) => fail(error.message))
  child.on('exit', (code, signal) => fail(`the model ended its process (${signal ?? code})`))
  const timer = setTimeout(() => fail(`it took longer than ${deadlineMs / 1000} s`), deadlineMs)
  const looking = setInterval(async () => {
    const resident = await readResidentMb(child.pid)
    if (resident > maxResidentMb) fail(`it takes more than ${maxResidentMb} MB of memory`)
  }, LOOK_MS)
  child.send(order)
  try {
    return await done.promise
  } finally {
    clearTimeout(timer)
    clearInterval(looking)
    child.kill('SIGKILL')
  }
}

/** 0 where the system does not tell. */
async function readResidentMb(pid: number | undefined): Promise<number> {
  const text = await readFile(`/proc/${pid}/statm`, 'utf8').catch(() => '')
  return (Number(text.split(' ')[1] ?? 0) * PAGE_BYTES) / (1024 * 1024)
}
