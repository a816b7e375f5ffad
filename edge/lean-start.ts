/** Starts the gateway's process once more, in place, with a smaller memory: what only the command line of Node can set. */
import { flushCompileCache } from 'node:module'
import { join } from 'node:path'

/** Set in the second start, so that there is no third; set by a person, it keeps the process as it was started. */
const MARK = 'MIMAMORI_LEAN'

/**
 * Young objects live in 2 MB and die there, samples too instead of being put among the old ones at birth; the old heap
 * grows by a fifth before it is cleaned, by one thread beside ours. Half of the memory for the same work. Nothing is cleaned only because there is little to do:
 * a gateway always has little to do, and it was a twelfth of its work.
 */
const FLAGS = [
  '--max-semi-space-size=2',
  '--no-allocation-site-pretenuring',
  '--heap-growing-percent=20',
  '--no-memory-reducer',
  '--v8-pool-size=1',
  // For the one collection at the end of the start.
  '--expose-gc',
]

/** Of the C library: one arena for all threads, and what the start has freed goes back to the system. */
const MALLOC = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_TRIM_THRESHOLD_: '65536',
  MALLOC_MMAP_THRESHOLD_: '65536',
}

/**
 * The process id, the terminal, signals and the streams stay. Returns where it cannot be done: on Windows, on an older
 * Node, with a parent that talks over a channel, which would be lost; and in the second start.
 */
export function startLean(): void {
  const { execve, env, argv, execArgv, execPath, channel } = process
  if (env[MARK] !== undefined || channel || process.platform === 'win32' || !execve) return
  const lean: NodeJS.ProcessEnv = { ...env, [MARK]: '1' }
  // Without the compiled code from before, compiler and stripped types stay in memory: some 25 MB.
  const cacheDir = findCacheDir(env)
  if (cacheDir !== undefined) lean.NODE_COMPILE_CACHE ??= join(cacheDir, 'mimamori-compiled')
  for (const [name, value] of Object.entries(MALLOC)) lean[name] ??= value
  execve(execPath, [argv[0] ?? execPath, ...execArgv, ...FLAGS, ...argv.slice(1)], lean)
}

/** When everything is open: what only the start needed goes, and the compiled code is kept for the next one. */
export function settleStart(): void {
  globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  // Now: a gateway that is cut from power never gets as far as its exit.
  flushCompileCache?.()
}

/** A folder of ours alone, never a shared one: whoever writes there decides what runs here. systemd names the first two. */
function findCacheDir({
  CACHE_DIRECTORY,
  STATE_DIRECTORY,
  XDG_CACHE_HOME,
  HOME,
}: NodeJS.ProcessEnv) {
  return (
    CACHE_DIRECTORY ??
    STATE_DIRECTORY ??
    XDG_CACHE_HOME ??
    (HOME ? join(HOME, '.cache') : undefined)
  )
}
