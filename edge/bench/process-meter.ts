/** CPU and memory of another process, from /proc (Linux). */
import { readdirSync, readFileSync } from 'node:fs'

/**
 * Time on a processor so far of all its threads, seconds. `/proc/PID/stat` counts in hundredths: too coarse for a
 * gateway that needs one of them in a second. A thread that ends takes its time with it; those of Node stay.
 */
export function cpuSeconds(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`)
  const nanoseconds = threads.map((thread) => {
    return Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0])
  })
  return nanoseconds.reduce((sum, each) => sum + each, 0) / 1e9
}

export function residentMB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) / 1024
}
