/** Renews the gateway's certificate by itself: asks the cloud in time, keeps the new one, proves it, and only then drops the old. */

import { wait } from '../../protocol/kit/backoff.ts'
import type { Log } from '../../protocol/kit/log.ts'
import { formatGatewayUrn, type GatewayUrn } from '../../protocol/tunnel/gateway-urn.ts'
import type { GatewayNews, RenewalAnswer, RenewalOffer } from '../../protocol/tunnel/news.ts'
import type { MadeRequest } from './make-request.ts'
import type { Pair } from './pair-file.ts'
import { dueAt, retryMs, spreadOf } from './schedule.ts'
import type { Wallet } from './wallet.ts'

/** The clock may be set at any moment: nobody sleeps for days. */
const MAX_SLEEP_MS = 600_000
/** A line that breaks is back within a minute; one that stays away longer is told. */
const PATIENCE_MS = 600_000
/** The cloud signs within a moment. */
const ANSWER_MS = 60_000
/** A broker that takes the new certificate does so at once; one that is away is waited for at the next try. */
const BROKER_MS = 60_000
const LOOK_MS = 100
const DAY_MS = 86_400_000

export interface RenewalOptions {
  name: GatewayUrn
  wallet: Wallet
  news: { tell(news: GatewayNews): boolean; untilHeard(signal: AbortSignal): Promise<boolean> }
  /** Makes a second tunnel with the newest certificate; why not, undefined: it is up. */
  redialTunnel(): Promise<string | undefined>
  /** Ends the session with the broker in good order and begins another. */
  reconnectBroker(): void
  /** The session is with a broker that asks for no certificate, and so cannot prove one. */
  isBrokerPlain(): boolean
  makeRequest(urn: string): Promise<MadeRequest>
  /** The best time there is. */
  now(): number
  isClockSet(): boolean
  /** Looks at the clock again after this time at the latest; default: ten minutes. */
  maxSleepMs?: number
  /** When nobody listens for so long that is a trouble; default: ten minutes. */
  patienceMs?: number
  log: Log
}

export interface RenewalState {
  /** The end of the newest certificate, Unix ms; undefined: it cannot be read. */
  until: number | undefined
  /** Tries in a row that came to nothing. */
  failures: number
  /** Why the last one did. */
  problem: string | undefined
}

export interface Renewal extends AsyncDisposable {
  /** What the cloud says to our request. */
  answer(offer: RenewalOffer): Promise<RenewalAnswer>
  state(): RenewalState
}

interface Pending {
  key: string
  settle(problem: string | undefined): void
}

interface Work {
  options: RenewalOptions
  pending: Pending | undefined
}

/** Renews until disposed. */
export function openRenewal(options: RenewalOptions): Renewal {
  const stop = new AbortController()
  const work: Work = { options, pending: undefined }
  const trouble: Trouble = { failures: 0, problem: undefined }
  const ended = renewForEver(work, trouble, stop.signal)
  const { wallet } = options
  return {
    state: () => ({ until: wallet.lifeOf(wallet.newest())?.until, ...trouble }),
    answer: (offer) => takeOffer(work, offer),
    async [Symbol.asyncDispose]() {
      stop.abort()
      work.pending?.settle('the gateway stops')
      await ended
    },
  }
}

interface Trouble {
  failures: number
  problem: string | undefined
}

async function renewForEver(work: Work, trouble: Trouble, signal: AbortSignal): Promise<void> {
  const { wallet, now, isClockSet, maxSleepMs = MAX_SLEEP_MS } = work.options
  // On the monotonic clock: a wall clock that is set meanwhile must not put it off for years.
  let retryAt = 0
  while (!signal.aborted) {
    const leftMs =
      trouble.failures > 0 ? retryAt - performance.now() : untilDue(work.options, now())
    const sleepMs = Math.max(LOOK_MS, Math.min(leftMs, maxSleepMs))
    if (!(await wait(sleepMs, signal))) return
    if (leftMs > sleepMs || !isClockSet()) continue
    if (!(await untilHeard(work.options, trouble, signal))) return
    const problem = await renewOnce(work, signal)
    if (signal.aborted) return
    note(work.options, trouble, problem)
    trouble.failures = problem === undefined ? 0 : trouble.failures + 1
    const life = wallet.lifeOf(wallet.newest())
    if (life && problem !== undefined) {
      retryAt = performance.now() + retryMs(trouble.failures, life, now())
    }
  }
}

/** It is due, and nobody listens: waited for as long as it takes, and told as the trouble it is. */
async function untilHeard(
  options: RenewalOptions,
  trouble: Trouble,
  signal: AbortSignal,
): Promise<boolean> {
  while (!signal.aborted) {
    const patience = AbortSignal.timeout(options.patienceMs ?? PATIENCE_MS)
    if (await options.news.untilHeard(AbortSignal.any([signal, patience]))) return true
    if (signal.aborted) break
    note(options, trouble, 'the cloud does not listen: the tunnel is down, or the cloud is older')
    trouble.failures = Math.max(1, trouble.failures)
  }
  return false
}

/** Told once while it stays the same; how often it failed is in the metrics. */
function note({ wallet, now, log }: RenewalOptions, trouble: Trouble, problem?: string): void {
  if (problem !== undefined && problem !== trouble.problem) {
    const until = wallet.lifeOf(wallet.newest())?.until ?? 0
    log.warn({ problem, daysLeft: (until - now()) / DAY_MS }, 'the certificate was not renewed')
  }
  trouble.problem = problem
}

/** What lies in the past is due, and so is a new one that is not proven. */
function untilDue({ wallet, name }: RenewalOptions, now: number): number {
  const life = wallet.lifeOf(wallet.newest())
  if (wallet.hasNew()) return 0
  return life ? dueAt(life, spreadOf(name)) - now : Number.POSITIVE_INFINITY
}

/** One try from where it stands: what is kept already is proven before another is asked for. Why it failed. */
async function renewOnce(work: Work, signal: AbortSignal): Promise<string | undefined> {
  const { wallet } = work.options
  try {
    if (wallet.hasNew()) {
      const problem = await prove(work.options, signal)
      // Another one would not please a broker more that is away, or does not like this one.
      const isUseful = wallet.isProven('tunnel') && !isDue(work.options, work.options.now())
      if (problem === undefined || isUseful) return problem
    }
    return (await ask(work)) ?? (await prove(work.options, signal))
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

async function ask(work: Work): Promise<string | undefined> {
  const { name, news, makeRequest } = work.options
  const { key, request } = await makeRequest(formatGatewayUrn(name))
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  const late = setTimeout(() => resolve('the cloud did not answer'), ANSWER_MS)
  work.pending = { key, settle: resolve }
  try {
    return news.tell({ kind: 'renewal', request }) ? await promise : 'the tunnel is down'
  } finally {
    clearTimeout(late)
    work.pending = undefined
  }
}

async function takeOffer({ options, pending }: Work, offer: RenewalOffer): Promise<RenewalAnswer> {
  if (!pending) return { taken: false, say: 'nobody asked for one' }
  if ('refused' in offer) {
    pending.settle(`the cloud refused: ${offer.refused}`)
    return { taken: false, say: 'understood' }
  }
  const pair: Pair = { key: pending.key, cert: offer.certificate }
  const problem = await options.wallet.stage(pair).catch(sayDisk)
  pending.settle(problem)
  return { taken: problem === undefined, say: problem ?? 'kept' }
}

function sayDisk(error: unknown): string {
  return `it cannot be written down: ${error instanceof Error ? error.message : error}`
}

function isDue({ wallet, name }: RenewalOptions, now: number): boolean {
  const life = wallet.lifeOf(wallet.newest())
  return life !== undefined && dueAt(life, spreadOf(name)) <= now
}

/** Opens both doors with the new one; it is in force when they were. */
async function prove(options: RenewalOptions, signal: AbortSignal): Promise<string | undefined> {
  const { wallet, redialTunnel, reconnectBroker, isBrokerPlain, log } = options
  if (!wallet.isProven('tunnel')) {
    const problem = await redialTunnel()
    if (problem !== undefined) return `the tunnel does not open with the new one: ${problem}`
  }
  if (!wallet.isProven('broker') && !isBrokerPlain()) {
    // A broker that was away for a moment has left it with the old one.
    wallet.preferNewest('broker')
    reconnectBroker()
    const deadline = performance.now() + BROKER_MS
    while (!wallet.isProven('broker') && performance.now() < deadline) {
      if (!(await wait(LOOK_MS, signal))) return 'the gateway stops'
    }
    if (!wallet.isProven('broker')) return 'the broker has not taken the new one yet'
  }
  await wallet.promote()
  const until = new Date(wallet.lifeOf(wallet.newest())?.until ?? 0).toISOString()
  log.info({ until }, 'certificate renewed')
  return undefined
}
