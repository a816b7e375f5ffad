/** The cloud's counters in Prometheus' words; read when somebody asks, never kept twice. */
import { Counter, Gauge, Registry } from 'prom-client'
import type { Ingest } from './ingest/ingest.ts'

export interface CloudNumbers {
  ingest(): ReturnType<Ingest['counters']>
  gateways(): number
  console(): number
  quarantined(): number
  scoredWindows(): { state: 'scored' | 'unknown'; count: number }[]
  inferenceSeconds(): number
}

/** Builds the registry; each metric asks for its number at the moment of the scrape. */
export function createCloudMetrics(numbers: CloudNumbers): Registry {
  const registry = new Registry()
  const registers = [registry]
  const gauge = (name: string, help: string, value: () => number): void => {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value())
      },
    })
  }
  const counter = (name: string, help: string, value: () => number): void => {
    new Counter({
      name,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(value())
      },
    })
  }
  counter('ingest_messages_total', 'Sparkplug messages received.', () => numbers.ingest().messages)
  counter('ingest_samples_total', 'Samples received.', () => numbers.ingest().samples)
  counter(
    'ingest_acknowledged_ranges_total',
    'Ranges of batches acknowledged.',
    () => numbers.ingest().acknowledgedRanges,
  )
  counter(
    'ingest_sequence_gaps_total',
    'Messages missed, found by their sequence.',
    () => numbers.ingest().sequenceGaps,
  )
  counter(
    'ingest_rebirth_requests_total',
    'Births asked for.',
    () => numbers.ingest().rebirthRequests,
  )
  counter(
    'historian_write_failures_total',
    'Commits that failed; the gateways send again.',
    () => numbers.ingest().failedCommits,
  )
  gauge(
    'ingest_pending_samples',
    'Samples received and not committed yet.',
    () => numbers.ingest().pending,
  )
  gauge('broker_gateways', 'Gateways connected to the embedded broker.', numbers.gateways)
  gauge('console_event_clients', 'Console pages that listen.', numbers.console)
  counter('model_inference_seconds_total', 'Time spent in model runs.', numbers.inferenceSeconds)
  new Counter({
    name: 'ingest_rejected_total',
    help: 'What was refused, by reason.',
    labelNames: ['reason'],
    registers,
    collect() {
      this.reset()
      this.inc({ reason: 'payload' }, numbers.ingest().quarantined)
      this.inc({ reason: 'sample' }, numbers.quarantined())
      this.inc({ reason: 'queue-full' }, numbers.ingest().overflowed)
    },
  })
  new Counter({
    name: 'model_windows_total',
    help: 'Windows scored, and windows that could not be.',
    labelNames: ['state'],
    registers,
    collect() {
      this.reset()
      for (const { state, count } of numbers.scoredWindows()) this.inc({ state }, count)
    },
  })
  return registry
}
