/** Prometheus metrics that are read at the moment of a scrape and never kept twice. */
import { Counter, Gauge, Registry } from 'prom-client'

export interface MetricSet {
  registry: Registry
  gauge(name: string, help: string, read: () => number): void
  counter(name: string, help: string, read: () => number): void
  /** One series for each label value that `read` gives. */
  gauges(name: string, help: string, label: string, read: () => Iterable<[string, number]>): void
  counters(name: string, help: string, label: string, read: () => Iterable<[string, number]>): void
}

export function createMetricSet(): MetricSet {
  const registry = new Registry()
  const registers = [registry]
  return {
    registry,
    gauge(name, help, read) {
      new Gauge({
        ...{ name, help, registers },
        collect() {
          this.set(read())
        },
      })
    },
    counter(name, help, read) {
      new Counter({
        ...{ name, help, registers },
        collect() {
          this.reset()
          this.inc(read())
        },
      })
    },
    gauges(name, help, label, read) {
      new Gauge({
        ...{ name, help, registers, labelNames: [label] },
        collect() {
          this.reset()
          for (const [value, number] of read()) this.set({ [label]: value }, number)
        },
      })
    },
    counters(name, help, label, read) {
      new Counter({
        ...{ name, help, registers, labelNames: [label] },
        collect() {
          this.reset()
          for (const [value, number] of read()) this.inc({ [label]: value }, number)
        },
      })
    },
  }
}
