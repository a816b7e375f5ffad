/** The metrics of the range watermark and of the node's properties, and the STATE message: names and shapes. */
import { type Gap, gapReasons } from '../model.ts'
import type { Metric } from './payload.ts'

/** Node metrics, all declared in NBIRTH; those of the watermark are described in this folder's README. */
export const nodeMetrics = {
  bdSeq: 'bdSeq',
  rebirth: 'Node Control/Rebirth',
  software: 'Properties/Software',
  targets: 'Properties/Targets',
  from: 'Delivery/From',
  watermark: 'Delivery/Watermark',
  acknowledged: 'Delivery/Acknowledged',
  store: 'Delivery/Store',
  gap: 'Delivery/Gap',
} as const

/** Batch numbers, both ends included. */
export interface BatchRange {
  from: number
  to: number
}

/** As it travels: with the name of the running store its numbers belong to. */
export interface NamedRange extends BatchRange {
  /** Undefined: of a sender that names none. */
  store?: string
}

/** Ours have 16 characters; what a stranger names is repeated to it, and not for ever. */
const MAX_STORE_NAME = 64

/** A batch number travels as Int64 and lives as a number: 2^53 batches are 285,000 years of ten a ms. */
function toBatchNumber(value: unknown): number | undefined {
  const number = typeof value === 'bigint' ? Number(value) : value
  return typeof number === 'number' && Number.isSafeInteger(number) && number > 0
    ? number
    : undefined
}

/** The range between the two named values; undefined when either is missing or they are out of order. */
export function createRange(from: unknown, to: unknown): BatchRange | undefined {
  const first = toBatchNumber(from)
  const last = toBatchNumber(to)
  if (first === undefined || last === undefined || first > last) return undefined
  return { from: first, to: last }
}

/** The range an NDATA announces, or an NCMD acknowledges. */
export function readRange(
  metrics: readonly Metric[],
  end: 'watermark' | 'acknowledged',
): NamedRange | undefined {
  const value = (name: string) => metrics.find((metric) => metric.name === name)?.value
  const range = createRange(value(nodeMetrics.from), value(nodeMetrics[end]))
  const store = readStore(metrics)
  return range && store !== undefined ? { ...range, store } : range
}

/** The running store that a birth, a watermark or its answer names. */
export function readStore(metrics: readonly Metric[]): string | undefined {
  const value = metrics.find((metric) => metric.name === nodeMetrics.store)?.value
  return typeof value === 'string' && value.length <= MAX_STORE_NAME ? value : undefined
}

/** The text of a `Delivery/Gap` metric. */
export function formatGap(gap: Gap): string {
  return JSON.stringify(gap)
}

/** A gap from the wire; undefined when it is not one. The gateway is the topic's, whatever the text says. */
export function parseGap(text: unknown, gateway: string): Gap | undefined {
  const gap = parseObject(text)
  const reason = gapReasons.find((name) => name === gap?.reason)
  if (!gap || !reason || !isInstant(gap.from) || !isInstant(gap.to) || gap.from > gap.to) {
    return undefined
  }
  const lost = typeof gap.lost === 'number' && gap.lost >= 0 ? gap.lost : undefined
  return { gateway, from: gap.from, to: gap.to, reason, ...(lost === undefined ? {} : { lost }) }
}

function isInstant(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}

/** A host application's STATE (tck-id-host-topic-phid-birth-payload). */
export interface HostState {
  online: boolean
  /** Unix ms; a birth carries the time of its CONNECT's will. */
  timestamp: number
}

export function formatState(state: HostState): string {
  return JSON.stringify({ online: state.online, timestamp: state.timestamp })
}

/** A STATE message from the wire; undefined when it is not one. */
export function parseState(text: string): HostState | undefined {
  const state = parseObject(text)
  if (typeof state?.online !== 'boolean' || !isInstant(state.timestamp)) return undefined
  return { online: state.online, timestamp: state.timestamp }
}

function parseObject(text: unknown): Record<string, unknown> | undefined {
  if (typeof text !== 'string') return undefined
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}
