/** CPU, memory and event loop of this process, under the names every Prometheus client uses. */
import { readdirSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import type { MetricSet } from '../protocol/kit/metrics.ts'

/** prom-client's own set holds observers for the life of the process; these are asked at the scrape only. */
export function addProcessMetrics({ gauge, counter }: MetricSet): void {
  const startedAt = Date.now() / 1000 - process.uptime()
  counter('process_cpu_seconds_total', 'CPU time used, user and system.', () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1e6
  })
  gauge('process_resident_memory_bytes', 'Memory in RAM.', () => process.memoryUsage.rss())
  gauge('process_heap_bytes', 'Of it: the JavaScript heap in use.', () => {
    return process.memoryUsage().heapUsed
  })
  gauge('process_start_time_seconds', 'When the process began.', () => startedAt)
  gauge('process_open_fds', 'Open files and sockets; -1 where the system does not say.', countFiles)
  let before = performance.eventLoopUtilization()
  gauge(
    'nodejs_eventloop_utilization',
    'Busy share of the event loop since the last scrape.',
    () => {
      const now = performance.eventLoopUtilization()
      const { utilization } = performance.eventLoopUtilization(now, before)
      before = now
      return utilization
    },
  )
}

function countFiles(): number {
  try {
    return readdirSync('/proc/self/fd').length
  } catch {
    return -1
  }
}
