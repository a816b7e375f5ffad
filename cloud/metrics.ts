/** The cloud's counters in Prometheus' words. */
import type { Registry } from 'prom-client'
import { createMetricSet } from '../protocol/kit/metrics.ts'
import type { Ingest } from './ingest/ingest.ts'

export interface CloudNumbers {
  ingest(): ReturnType<Ingest['counters']>
  gateways(): number
  console(): number
  quarantined(): number
  scoredWindows(): { scored: number; unknown: number }
  inferenceSeconds(): number
}

/** Builds the registry; each metric asks for its number at the moment of the scrape. */
export function createCloudMetrics(numbers: CloudNumbers): Registry {
  const { registry, gauge, counter, counters } = createMetricSet()
  const { ingest } = numbers
  counter('ingest_messages_total', 'Sparkplug messages received.', () => ingest().messages)
  counter('ingest_samples_total', 'Samples received.', () => ingest().samples)
  counter(
    'ingest_acknowledged_ranges_total',
    'Ranges of batches acknowledged.',
    () => ingest().acknowledgedRanges,
  )
  counter('ingest_sequence_gaps_total', 'Messages missed.', () => ingest().sequenceGaps)
  counter('ingest_rebirth_requests_total', 'Births asked for.', () => ingest().rebirthRequests)
  counter(
    'historian_write_failures_total',
    'Commits that failed; the gateways send again.',
    () => ingest().failedCommits,
  )
  gauge('ingest_pending_samples', 'Samples received, not committed yet.', () => ingest().pending)
  gauge('broker_gateways', 'Gateways at the embedded broker.', numbers.gateways)
  gauge('console_event_clients', 'Console pages that listen.', numbers.console)
  counter('model_inference_seconds_total', 'Time in model runs.', numbers.inferenceSeconds)
  counter(
    'ingest_contested_identities_total',
    'Times two gateways were found to use one identity.',
    () => ingest().contested,
  )
  counters('ingest_rejected_total', 'What was refused, by reason.', 'reason', () => [
    ['payload', ingest().quarantined],
    ['sample', numbers.quarantined()],
    ['queue-full', ingest().overflowed],
  ])
  counters('model_windows_total', 'Windows scored, and not scorable.', 'state', () =>
    Object.entries(numbers.scoredWindows()),
  )
  return registry
}
