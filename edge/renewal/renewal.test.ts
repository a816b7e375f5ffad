/** The loop that renews: tried again when it fails, over what is kept already, and never a certificate that is not proven. */
import { afterEach, expect, test } from 'vitest'
import { createLog } from '../../protocol/kit/log.ts'
import type { GatewayNews, RenewalOffer } from '../../protocol/tunnel/news.ts'
import { openRenewal, type Renewal } from './renewal.ts'
import type { Door, Wallet } from './wallet.ts'

process.env.MIMAMORI_LOG ??= 'silent'
const open: Renewal[] = []
afterEach(async () => {
  for (const renewal of open.splice(0)) await renewal[Symbol.asyncDispose]()
})

async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 45_000
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`never: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

interface World {
  /** What the cloud says to each request; the last one is said again. */
  offers: RenewalOffer[]
  /** What the second tunnel says. */
  redials: (string | undefined)[]
  doors: Door[]
  lifeMs: number
  /** The cloud listens. */
  isHeard: boolean
  isBrokerPlain: boolean
}

/** A gateway whose certificate is due now; its disk, its cloud and its lines are here. */
function start(changes: Partial<World>) {
  const world: World = {
    ...{ offers: [{ certificate: 'new' }], redials: [], doors: ['tunnel'], lifeMs: 2000 },
    isHeard: true,
    isBrokerPlain: false,
    ...changes,
  }
  const did: string[] = []
  const proven = new Set<Door>()
  const [old, fresh] = [
    { key: 'k', cert: 'old' },
    { key: 'k2', cert: 'new' },
  ]
  let staged = false
  let current = old
  const from = Date.now() - world.lifeMs * 0.9
  const wallet = {
    newest: () => (staged ? fresh : current),
    lifeOf: ({ cert }) =>
      cert === 'old'
        ? { from, until: from + world.lifeMs }
        : { from: Date.now(), until: Date.now() + 60_000 },
    hasNew: () => staged,
    isProven: (door) => !world.doors.includes(door) || proven.has(door),
    async stage({ cert }) {
      if (cert !== 'new') return 'it cannot be read'
      staged = true
      return undefined
    },
    preferNewest: (door) => void did.push(`newest at the ${door}`),
    async promote() {
      did.push('promote')
      current = fresh
      staged = false
    },
  } satisfies Partial<Wallet>
  const renewal = openRenewal({
    name: { site: 'plant', gateway: 'gw1' },
    wallet: wallet as unknown as Wallet,
    news: {
      async untilHeard(signal) {
        while (!world.isHeard && !signal.aborted) await new Promise((go) => setTimeout(go, 5))
        return !signal.aborted
      },
      tell(news: GatewayNews) {
        did.push(news.kind)
        const offer = world.offers.length > 1 ? world.offers.shift() : world.offers[0]
        setImmediate(() => void renewal.answer(offer as RenewalOffer))
        return true
      },
    },
    async redialTunnel() {
      const problem = world.redials.shift()
      did.push(`redial ${problem ?? 'up'}`)
      if (problem === undefined) proven.add('tunnel')
      return problem
    },
    reconnectBroker() {
      did.push('reconnect')
      setImmediate(() => proven.add('broker'))
    },
    isBrokerPlain: () => world.isBrokerPlain,
    makeRequest: async () => ({ key: 'k2', request: 'please' }),
    now: Date.now,
    isClockSet: () => true,
    ...{ maxSleepMs: 20, patienceMs: 50 },
    log: createLog('renewal'),
  })
  open.push(renewal)
  return { renewal, did, world }
}

test('asks, keeps, opens both doors, and only then drops the old one', async () => {
  const { did } = start({ doors: ['tunnel', 'broker'] })
  await until('in force', () => did.includes('promote'))
  expect(did).toEqual([
    ...['renewal', 'redial up'],
    ...['newest at the broker', 'reconnect', 'promote'],
  ])
})

test('a refusal is told in the words of the cloud and tried again, also when the wait is longer than one sleep', async () => {
  // First waits of some 100 ms, far above the sleep of 20.
  const { renewal, did } = start({
    offers: [{ refused: 'not now' }, { refused: 'not now' }, { certificate: 'new' }],
  })
  await until('a failure', () => renewal.state().failures > 0)
  expect(renewal.state()).toMatchObject({ problem: 'the cloud refused: not now' })
  await until('in force', () => did.includes('promote'))
  expect(did.filter((it) => it === 'renewal')).toHaveLength(3)
  await until('no trouble any more', () => renewal.state().failures === 0)
  expect(renewal.state().problem).toBeUndefined()
})

test('a new certificate with which the tunnel does not open stays unproven, and another is asked for', async () => {
  const { did } = start({ redials: ['refused', 'refused'] })
  await until('in force', () => did.includes('promote'))
  expect(did).toEqual([
    ...['renewal', 'redial refused'],
    ...['redial refused', 'renewal', 'redial up'],
    'promote',
  ])
})

test('what the cloud sends unasked, or is damaged, is not kept', async () => {
  const { renewal, did } = start({ offers: [{ certificate: 'garbage' }] })
  expect(await renewal.answer({ certificate: 'new' })).toMatchObject({ taken: false })
  await until('a failure', () => renewal.state().failures > 0)
  expect(renewal.state().problem).toBe('it cannot be read')
  expect(did).not.toContain('promote')
})

test('a cloud that does not listen is a trouble that is told, and over as soon as it does', async () => {
  const { renewal, did, world } = start({ isHeard: false })
  await until('told', () => renewal.state().failures > 0)
  expect(renewal.state().problem).toContain('the cloud does not listen')
  world.isHeard = true
  await until('in force', () => did.includes('promote'))
  await until('no trouble any more', () => renewal.state().problem === undefined)
  expect(renewal.state().failures).toBe(0)
})

test('with servers of both kinds: a session over one without TLS is left alone, for it could prove nothing', async () => {
  const { did } = start({ doors: ['tunnel', 'broker'], isBrokerPlain: true })
  await until('in force', () => did.includes('promote'))
  expect(did).toEqual(['renewal', 'redial up', 'promote'])
})
