/** A real tunnel for tests: CA, hub, agent and dialer in one process, on loopback, with a policy of the test's choice. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type GatewayCredentials, openPki, type Pki } from '../../cloud/identity/pki.ts'
import { openTunnelHub, type TunnelHub } from '../../cloud/sessions/hub.ts'
import { openTunnel } from '../../edge/tunnel/agent.ts'
import { type Decision, type Dialer, openDialer } from '../../edge/tunnel/dialer.ts'
import { createNewsDesk, type NewsDesk } from '../../edge/tunnel/news.ts'
import type { Policy, PolicyTarget } from '../../edge/tunnel/policy.ts'
import type { GrantClaims } from '../../protocol/grant.ts'
import { createLog } from '../../protocol/kit/log.ts'
import { untilAborted } from '../../protocol/kit/loop.ts'
import type { Sample } from '../../protocol/model.ts'
import type { GatewayNews } from '../../protocol/tunnel/news.ts'

export const SITE = 'plant'
export const GATEWAY = 'gw1'

export interface TunnelRig extends AsyncDisposable {
  dir: string
  pki: Pki
  hub: TunnelHub
  dialer: Dialer
  decisions: Decision[]
  news: NewsDesk
  /** Samples that `readTag` answers. */
  tags: Map<string, Sample>
  changes: { online: boolean; gateway: string }[]
  /** What the agent shows at its next connection. */
  credentials: GatewayCredentials
  /** Why the agent's second line did not come up. */
  redial(): Promise<string | undefined>
  /** A second agent with the same certificate. */
  dialAgain(signal: AbortSignal): Promise<void>
  stopAgent(): Promise<void>
  grant(changes?: Partial<GrantClaims>): Promise<string>
  open(target: string, changes?: Partial<GrantClaims>): ReturnType<TunnelHub['openStream']>
}

export interface RigOptions {
  targets: PolicyTarget[]
  ownPorts?: number[]
  memoryFile?: string
  consentWaitMs?: number
  /** A gateway of an older version, which tells nothing unasked. */
  isMute?: boolean
  onGateway?: (change: { site: string; gateway: string; online: boolean }) => void
  onNews?: (of: { site: string; gateway: string }, news: GatewayNews) => Promise<void>
}

/** A target at this port of loopback, open to everybody, with the changes. */
export function target(port: number, changes: Partial<PolicyTarget> = {}): PolicyTarget {
  return {
    id: 'press-hmi',
    kind: 'web',
    title: 'Press HMI',
    host: '127.0.0.1',
    port,
    consent: 'always',
    rights: ['view', 'control'],
    ...changes,
  }
}

/** Waits until the condition holds; fails after a time that even a busy machine keeps. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 45_000
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`never: ${condition}`)
    await sleep(10)
  }
}

let counter = 0
/** Claims that the rig's gateway accepts, with the changes. */
export function claims(changes: Partial<GrantClaims> = {}): GrantClaims {
  const now = Date.now()
  return {
    jti: `gnt_${process.pid}_${counter++}`,
    iat: Math.floor(now / 1000),
    exp: Math.floor(now / 1000) + 30,
    session: 'ses_1',
    person: { id: 'per_tech', name: 'Tech' },
    site: SITE,
    gateway: GATEWAY,
    target: 'press-hmi',
    rights: ['view', 'control'],
    from: now - 1000,
    until: now + 600_000,
    approver: { id: 'per_boss', name: 'Boss' },
    reason: 'the cooler fails',
    ...changes,
  }
}

/** Starts everything and waits until the tunnel is up. */
export async function openTunnelRig(options: RigOptions): Promise<TunnelRig> {
  const dir = await mkdtemp(join(tmpdir(), 'mimamori-tunnel-'))
  const log = createLog('rig')
  const pki = await openPki(join(dir, 'pki'))
  const changes: TunnelRig['changes'] = []
  const hub = await openTunnelHub({
    host: '127.0.0.1',
    port: 0,
    tls: await pki.serverCredentials(),
    identify: (certificate) => pki.gatewayOf(certificate),
    log,
    onGateway(change) {
      changes.push(change)
      options.onGateway?.(change)
    },
    onNews: options.onNews,
  })
  const credentials = await pki.issueGateway({ site: SITE, gateway: GATEWAY })
  const shown = { credentials }
  const decisions: Decision[] = []
  const tags = new Map<string, Sample>()
  const news = createNewsDesk()
  const policy: Policy = { targets: options.targets }
  const dialer = await openDialer({
    site: SITE,
    gateway: GATEWAY,
    timeZone: 'Asia/Tokyo',
    grantKey: credentials.grantKey,
    policy,
    ownPorts: () => options.ownPorts ?? [],
    readTag: (tag) => tags.get(tag),
    onDecision: (decision) => decisions.push(decision),
    onSiteEnd: options.isMute
      ? undefined
      : (end) => void news.tell({ kind: 'session-ended', ...end }),
    memoryFile: options.memoryFile,
    consentWaitMs: options.consentWaitMs,
    log,
  })
  const dial = () =>
    openTunnel({
      host: '127.0.0.1',
      port: hub.port,
      credentials: {
        use: () => ({ ...shown.credentials, servername: 'localhost' }),
        judged: () => undefined,
      },
      dialer,
      news,
      log,
    })
  const tunnel = dial()
  await until(() => hub.isUp(SITE, GATEWAY))
  await news.untilHeard(AbortSignal.timeout(45_000))
  const grant = (changed?: Partial<GrantClaims>) => pki.grantSigner().sign(claims(changed))
  const stopAgent = async () => await tunnel[Symbol.asyncDispose]()
  return {
    dir,
    pki,
    get credentials() {
      return shown.credentials
    },
    set credentials(next) {
      shown.credentials = next
    },
    redial: tunnel.redial,
    hub,
    dialer,
    decisions,
    news,
    tags,
    changes,
    async dialAgain(signal) {
      await using _ = dial()
      await untilAborted(signal)
    },
    stopAgent,
    grant,
    open: async (id, changed) =>
      await hub.openStream({
        site: SITE,
        gateway: GATEWAY,
        target: id,
        grant: await grant(changed),
      }),
    async [Symbol.asyncDispose]() {
      await stopAgent()
      dialer[Symbol.dispose]()
      await hub[Symbol.asyncDispose]()
      await rm(dir, { recursive: true, force: true })
    },
  }
}
