/** Configuration from the cloud on the gateway: staged on disk, applied, kept when confirmed, taken back by itself when not. */
import type { ConfigReason } from '../../protocol/api-gateway-config.ts'
import type {
  ConfigCheckAnswer,
  ConfigCheckOrder,
  ConfigOffer,
  ConfigOfferAnswer,
  ConfigReport,
  ConfigWord,
  ConfigWordAnswer,
} from '../../protocol/tunnel/configuration.ts'
import type { GatewayConfig } from '../config.ts'
import { checkApart } from './check-apart.ts'
import type { CheckOrder } from './check-order.ts'
import {
  answer,
  type Desk,
  findRefusal,
  type LiveDevices,
  type RemoteConfigOptions,
  refuse,
  report,
  type Trial,
} from './desk.ts'
import { isEmptyDiff } from './diff-devices.ts'
import { findStartingPoint } from './starting-point.ts'
import { createStateFile, type RemoteState } from './state-file.ts'

export interface RemoteConfig extends AsyncDisposable {
  /** What to start with. */
  readonly config: GatewayConfig
  /** Orders that change something are taken from now on. */
  use(live: LiveDevices): void
  report(): ConfigReport
  check(order: ConfigCheckOrder): Promise<ConfigCheckAnswer>
  offer(offer: ConfigOffer): Promise<ConfigOfferAnswer>
  confirm(word: ConfigWord): Promise<ConfigWordAnswer>
  cancel(word: ConfigWord): Promise<ConfigWordAnswer>
}

/** Settles what the last run left open; applies nothing by itself. */
export async function openRemoteConfig(options: RemoteConfigOptions): Promise<RemoteConfig> {
  const file = createStateFile(options.dir)
  const { start, state, siteHash } = await findStartingPoint(options, file, options.log)
  const desk: Desk = {
    ...{ ...options, file, state, siteHash, present: start, trial: undefined, live: undefined },
    ...{ lane: Promise.resolve(), checks: Promise.resolve() },
  }
  return {
    config: start.config,
    use(live) {
      desk.live = live
    },
    report: () => report(desk),
    // One at a time too, but a version that must go back does not wait for it.
    check(order) {
      const turn = desk.checks.then(() => check(desk, order))
      desk.checks = turn.catch(() => undefined)
      return turn
    },
    offer: (offer) => inTurn(desk, () => take(desk, offer)),
    confirm: (word) => inTurn(desk, () => confirm(desk, word)),
    cancel: (word) => inTurn(desk, () => cancel(desk, word)),
    async [Symbol.asyncDispose]() {
      // What is on trial stays so on disk: the next start takes it back.
      desk.live = undefined
      clearTimeout(desk.trial?.timer)
      await Promise.all([desk.lane, desk.checks])
    },
  }
}

function inTurn<T>(desk: Desk, work: () => Promise<T>): Promise<T> {
  const turn = desk.lane.then(work)
  desk.lane = turn.catch(() => undefined)
  return turn
}

async function check(desk: Desk, { yaml }: ConfigCheckOrder): Promise<ConfigCheckAnswer> {
  const { problems, found } = await checkApart(orderOf(desk, yaml))
  return { problems, diff: found?.diff ?? null }
}

function orderOf({ config, keySwitches, present }: Desk, yaml: string): CheckOrder {
  const { source, baseDir } = config
  const site = { text: source.text, file: source.file, baseDir }
  return { yaml, site, keySwitches, present: present.config.devices }
}

async function take(desk: Desk, offer: ConfigOffer): Promise<ConfigOfferAnswer> {
  const refused = findRefusal(desk, offer)
  if (refused) return refused
  if (desk.trial) return answer('staged', null, 'it is here already')
  const { found, problems } = await checkApart(orderOf(desk, offer.yaml))
  if (!found) return { ...refuse('invalid', `${problems.length} problem(s)`), problems }
  const { devices, hash, diff } = found
  if (isEmptyDiff(diff)) return { ...answer('unchanged', null, 'nothing differs'), diff }
  const { version, yaml } = offer
  try {
    const text = await desk.file.keepText(version, yaml)
    const kept = { version, ...text, siteHash: desk.siteHash }
    await save(desk, { ...desk.state, pending: kept })
    const next = { config: { ...desk.config, devices }, hash, yaml, version }
    desk.trial = { kept, next, confirmWithinMs: offer.confirmWithinS * 1000, acknowledged: 0 }
  } catch (error) {
    return refuse('failed', `it cannot be kept on disk: ${sayOf(error)}`)
  }
  desk.log.info({ version }, 'configuration staged')
  // Behind this answer: stopping a device may take as long as its slowest reply.
  void inTurn(desk, () => apply(desk))
  return { ...answer('staged', null, 'staged'), diff }
}

async function apply(desk: Desk): Promise<void> {
  const { trial, live, log } = desk
  if (!trial || !live) return
  const { version } = trial.kept
  try {
    await live.apply(trial.next.config.devices)
  } catch (error) {
    await takeBack(desk, { why: 'failed', say: `it could not be applied: ${sayOf(error)}` })
    return
  }
  trial.acknowledged = live.acknowledged()
  trial.endsMs = performance.now() + trial.confirmWithinMs
  log.info({ version }, 'configuration applied')
  const say = `no confirmation came within ${trial.confirmWithinMs / 1000} s`
  trial.timer = setTimeout(
    () => void inTurn(desk, () => takeBack(desk, { why: 'not-confirmed', say, only: trial })),
    trial.confirmWithinMs,
  )
}

async function confirm(desk: Desk, { version }: ConfigWord): Promise<ConfigWordAnswer> {
  const { trial, live, state } = desk
  if (!trial && desk.present.version === version) return { done: true, say: 'confirmed' }
  if (trial?.kept.version !== version || !live) return { done: false, say: 'it is not on trial' }
  if (trial.endsMs === undefined) return { done: false, say: 'it is not applied yet' }
  // The order itself proves the tunnel; readings go another way, and that is what a gateway is for.
  if (!live.isOnline()) return { done: false, say: 'the gateway has no connection to the broker' }
  if (live.acknowledged() <= trial.acknowledged) {
    return { done: false, say: 'the cloud has acknowledged no reading since' }
  }
  const last = { version, outcome: 'confirmed', why: null, say: 'confirmed' } as const
  try {
    await save(desk, { ...state, present: trial.kept, pending: null, last })
  } catch (error) {
    return { done: false, say: `it cannot be kept on disk: ${sayOf(error)}` }
  }
  clearTimeout(trial.timer)
  desk.present = trial.next
  desk.trial = undefined
  desk.log.info({ version }, 'configuration confirmed')
  return { done: true, say: 'confirmed' }
}

async function cancel(desk: Desk, { version }: ConfigWord): Promise<ConfigWordAnswer> {
  if (desk.trial?.kept.version !== version) return { done: false, say: 'it is not on trial' }
  await takeBack(desk, { why: 'cancelled', say: 'taken back by the cloud' })
  return { done: true, say: 'taken back' }
}

/** The former configuration runs first; then the disk may know. A power cut between the two ends the same way. */
async function takeBack(
  desk: Desk,
  { why, say, only = desk.trial }: { why: ConfigReason; say: string; only?: Trial },
): Promise<void> {
  const { trial, live, state, log } = desk
  if (!trial || trial !== only || !live) return
  clearTimeout(trial.timer)
  // Its drivers have run before; if they cannot now, what runs goes on and the next start is the former one.
  const onError = (error: unknown) => log.error({ err: error }, 'former configuration not applied')
  await live.apply(desk.present.config.devices).catch(onError)
  desk.trial = undefined
  const { version } = trial.kept
  const last = { version, outcome: 'reverted', why, say } as const
  desk.state = { ...state, pending: null, last }
  await save(desk, desk.state).catch((error) => log.error({ err: error }, 'state not written'))
  log.warn({ version, why, say }, 'configuration reverted')
}

async function save(desk: Desk, state: RemoteState): Promise<void> {
  await desk.file.write(state)
  desk.state = state
}

function sayOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
