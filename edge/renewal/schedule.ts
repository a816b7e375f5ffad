/** When a certificate is renewed, and how soon it is tried again: pure. */
import { createHash } from 'node:crypto'
import { backoffMs } from '../../protocol/kit/backoff.ts'

/** Unix ms. */
export interface Life {
  from: number
  until: number
}

/** Two thirds: of 30 days, ten are left for whatever stands in the way. */
const DUE_PART = 2 / 3
/** A fleet enrolled on one morning spreads over this part of a life (two and a half days of 30). */
const SPREAD_PART = 1 / 12
/** First wait after a failure: a quarter of an hour of 30 days. */
const FIRST_RETRY_PART = 1 / 2592
/** Longest wait: a day of 30 days; in the last tenth (three days) six hours. */
const LAST_RETRY_PART = 1 / 30
const END_PART = 1 / 10
const END_RETRY_PART = 1 / 120
/** Whatever life a certificate has, the loop never spins. */
const MIN_WAIT_MS = 100

/** The gateway's own place within the spread, 0 to 1: always the same. */
export function spreadOf({ site, gateway }: { site: string; gateway: string }): number {
  return createHash('sha256').update(`${site}/${gateway}`).digest().readUInt32BE() / 2 ** 32
}

export function dueAt({ from, until }: Life, spread: number): number {
  return from + (until - from) * (DUE_PART + spread * SPREAD_PART)
}

/** How long to wait after so many failures in a row (one or more). */
export function retryMs(
  failures: number,
  { from, until }: Life,
  now: number,
  random = Math.random(),
): number {
  const life = until - from
  const isNearEnd = until - now < life * END_PART
  const maxMs = life * (isNearEnd ? END_RETRY_PART : LAST_RETRY_PART)
  const minMs = Math.min(maxMs, life * FIRST_RETRY_PART)
  return Math.max(MIN_WAIT_MS, backoffMs(failures - 1, { minMs, maxMs }, random))
}
