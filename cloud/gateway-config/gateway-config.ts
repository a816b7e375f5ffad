/** Configurations for gateways: drafts, versions, sending, roll-back; what each gateway runs with, as it says itself. */
import { createHash } from 'node:crypto'
import {
  CONFIRM_WITHIN_S,
  type ConfigCheckView,
  type ConfigVersionView,
  type GatewayConfigView,
  type SendConfigRequest,
} from '../../protocol/api-gateway-config.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import type { Store } from '../store/store.ts'
import {
  type ConfigRow,
  deleteDraft,
  findDraft,
  findPresent,
  findUnderWay,
  findVersion,
  isGateway,
  listVersions,
  moveVersion,
  viewVersion,
  writeDraft,
} from './config-rows.ts'
import { type Following, follow, readPresent, takeAnswer } from './following.ts'
import { type Carry, createGatewayOrders, type GatewayName } from './gateway-orders.ts'
import { listGateways, type RetentionPolicy, removeObsolete } from './retention.ts'

/** Whoever acts, as the audit names them. */
export interface Person {
  login: string
}

export interface GatewayConfigs extends AsyncDisposable {
  /** There is such a gateway. */
  knows(of: GatewayName): Promise<boolean>
  view(of: GatewayName): Promise<GatewayConfigView>
  version(of: GatewayName, version: number): Promise<ConfigVersionView | undefined>
  /** Throws Fault 'gateway-config.conflict' while nothing is known of the gateway. */
  saveDraft(actor: Person, of: GatewayName, yaml: string): Promise<void>
  /** By the gateway itself; throws Fault 'tunnel.down'. */
  check(of: GatewayName, yaml: string): Promise<ConfigCheckView>
  /** Resolves when the gateway has taken or refused it; the rest is followed. Throws 'tunnel.down' or a conflict. */
  send(actor: Person, of: GatewayName, how: SendConfigRequest): Promise<void>
  /** What is under way goes back; else the draft is thrown away. */
  cancel(actor: Person, of: GatewayName, reason: string): Promise<void>
  /** A former version becomes the draft. Throws Fault 'object.missing'. */
  restore(actor: Person, of: GatewayName, version: number): Promise<void>
  /** The tunnel of this gateway has come up: it is asked what it runs with. */
  gatewayUp(of: GatewayName): Promise<void>
  /** Removes versions that nobody needs any more; what was removed of a gateway is an entry of the audit. */
  retain(policy: RetentionPolicy): Promise<void>
}

export interface GatewayConfigsOptions extends Omit<Following, 'db' | 'orders' | 'now'> {
  store: Store
  carry: Carry
  now?: () => number
}

interface Desk extends Following {
  /** By gateway: one act after the other. */
  lanes: Map<string, Promise<unknown>>
  followed: Map<string, Promise<void>>
  signal: AbortSignal
}

/** Disposing it stops following; the next start goes on where the gateways are. */
export function openGatewayConfigs(options: GatewayConfigsOptions): GatewayConfigs {
  const stop = new AbortController()
  const { store, carry, ...rest } = options
  const desk: Desk = {
    ...{ now: Date.now, ...rest, db: store.db, orders: createGatewayOrders(carry) },
    ...{ lanes: new Map(), followed: new Map(), signal: stop.signal },
  }
  return {
    knows: (of) => isGateway(desk.db, of),
    view: (of) => view(desk, of),
    async version(of, version) {
      const row = await findVersion(desk.db, of, version)
      return row && { ...viewVersion(row), yaml: row.yaml }
    },
    saveDraft: (actor, of, yaml) => inTurn(desk, of, () => saveDraft(desk, actor, { of, yaml })),
    check: (of, yaml) => desk.orders.check(of, yaml),
    send: (actor, of, how) => inTurn(desk, of, () => send(desk, actor, { of, how })),
    cancel: (actor, of, reason) => inTurn(desk, of, () => cancel(desk, actor, { of, reason })),
    restore: (actor, of, version) =>
      inTurn(desk, of, async () => {
        const row = await findVersion(desk.db, of, version)
        if (!row) throw new Fault('object.missing')
        await saveDraft(desk, actor, { of, yaml: row.yaml })
      }),
    gatewayUp: (of) => inTurn(desk, of, () => gatewayUp(desk, of)),
    async retain(policy) {
      for (const of of await listGateways(desk.db))
        await inTurn(desk, of, () => retain(desk, of, policy))
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await Promise.allSettled([...desk.lanes.values(), ...desk.followed.values()])
    },
  }
}

const keyOf = ({ site, gateway }: GatewayName) => `${site}/${gateway}`

function inTurn<T>({ lanes }: Desk, of: GatewayName, work: () => Promise<T>): Promise<T> {
  const done = (lanes.get(keyOf(of)) ?? Promise.resolve()).then(work)
  lanes.set(
    keyOf(of),
    done.catch(() => undefined),
  )
  return done
}

async function view({ db, isUp }: Desk, of: GatewayName): Promise<GatewayConfigView> {
  const draft = await findDraft(db, of)
  return {
    ...of,
    reachable: isUp(of),
    present: (await findPresent(db, of)) ?? null,
    draft: draft ? { ...viewVersion(draft), yaml: draft.yaml, base: draft.base } : null,
    versions: await listVersions(db, of),
  }
}

async function saveDraft(
  desk: Desk,
  actor: Person,
  { of, yaml }: { of: GatewayName; yaml: string },
): Promise<void> {
  const present = await findPresent(desk.db, of)
  if (!present) {
    const reason = 'the gateway has not told yet what it runs with'
    throw new Fault('gateway-config.conflict', { ...of, action: 'changed', reason })
  }
  const text = { yaml, base: present.hash, person: actor.login, at: desk.now() }
  const version = await writeDraft(desk.db, of, text)
  await note(desk, actor, of, { act: 'draft', version, sha256: hashText(yaml) })
  desk.onChange(of)
}

async function send(
  desk: Desk,
  actor: Person,
  { of, how }: { of: GatewayName; how: SendConfigRequest },
): Promise<void> {
  const { db, orders, now } = desk
  const draft = await findDraft(db, of)
  const busy = await findUnderWay(db, of)
  if (!draft || busy) {
    const reason = busy ? `version ${busy.version} is under way` : 'there is no draft'
    throw new Fault('gateway-config.conflict', { ...of, action: 'sent', reason })
  }
  if (!desk.isUp(of)) throw new Fault('tunnel.down', { ...of })
  const { version, yaml, base } = draft
  const { reason, confirmWithinS = CONFIRM_WITHIN_S.usual } = how
  const values = { reason, sent_by: actor.login, sent_at: now() }
  const row = await moveVersion(db, draft, { action: 'send', at: now(), values })
  const sha256 = hashText(yaml)
  await note(desk, actor, of, { act: 'send', version, sha256, reason })
  desk.onChange(of)
  try {
    const answer = await orders.offer(of, { version, yaml, sha256, base, confirmWithinS })
    await takeAnswer(desk, row, answer)
  } finally {
    // Also when the answer is lost: what became of it is told by the gateway's next report.
    followOn(desk, row)
  }
}

async function cancel(
  desk: Desk,
  actor: Person,
  { of, reason }: { of: GatewayName; reason: string },
): Promise<void> {
  const row = (await findUnderWay(desk.db, of)) ?? (await findDraft(desk.db, of))
  if (!row) {
    const why = 'nothing is under way'
    throw new Fault('gateway-config.conflict', { ...of, action: 'cancelled', reason: why })
  }
  if (row.state === 'draft') await deleteDraft(desk.db, of)
  else await desk.orders.cancel(of, row.version)
  await note(desk, actor, of, { act: 'cancel', version: row.version, reason })
  desk.onChange(of)
}

async function gatewayUp(desk: Desk, of: GatewayName): Promise<void> {
  await readPresent(desk, of)
  const row = await findUnderWay(desk.db, of)
  if (row) followOn(desk, row)
  // Its page shows whether it can be reached.
  desk.onChange(of)
}

async function retain(desk: Desk, of: GatewayName, policy: RetentionPolicy): Promise<void> {
  const versions = await removeObsolete(desk.db, of, { policy, now: desk.now() })
  if (versions.length === 0) return
  await note(desk, { login: 'retention' }, of, { act: 'remove', versions })
  desk.onChange(of)
}

/** One follower a gateway. */
function followOn(desk: Desk, row: ConfigRow): void {
  const { followed, log, signal } = desk
  const key = keyOf(row)
  const before = followed.get(key) ?? Promise.resolve()
  const next = before
    .then(() => follow(desk, row, signal))
    .catch((error) => log.error({ err: error, gateway: key }, 'following failed'))
  followed.set(key, next)
}

async function note(
  { audit }: Desk,
  actor: Person,
  of: GatewayName,
  detail: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { site } = of
  const what = { action: 'gateway.configure', object: keyOf(of), site, outcome: 'done' } as const
  await audit.append({ actor: actor.login, ...what, detail })
}

function hashText(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
