/** Every order to write passes here: ruled, put on record, written over the device's one connection, read back, put on record. */
import { isDeepStrictEqual } from 'node:util'
import type { Log } from '../../protocol/kit/log.ts'
import type { DeviceId, Tag, TagId, Value } from '../../protocol/model.ts'
import type { Connection } from '../drivers/driver.ts'
import type { AuditFile } from './audit-file.ts'
import { isSame, ruleWrite, toRaw, type WriteRule } from './rule.ts'

export const writeOutcomes = ['written', 'dry-run', 'refused', 'unverified', 'failed'] as const
export type WriteOutcome = (typeof writeOutcomes)[number]

/** A device as far as writing goes. */
export interface DeskDevice {
  id: DeviceId
  groups: readonly { tags: readonly DeskTag[] }[]
}

/** Without `write` every order for it is refused. */
export interface DeskTag {
  tag: Tag
  scale?: number
  offset?: number
  write?: WriteRule
}

export interface WriteOrder {
  /** As the host named it. */
  metric: string
  device?: DeviceId
  tag?: TagId
  value: Value | null
}

export interface WriteDesk extends AsyncDisposable {
  /** Resolves when the order is settled and on record; never rejects. */
  order(order: WriteOrder): Promise<WriteOutcome>
  /** The link tells which connection is open; undefined: none. */
  setConnection(device: DeviceId, connection: Connection | undefined): void
  /** The devices and rules from now on; what is under way is settled by the former ones. */
  use(devices: readonly DeskDevice[]): void
  counters(): Readonly<Record<WriteOutcome, number>>
}

export interface WriteDeskOptions {
  devices: readonly DeskDevice[]
  audit: AuditFile
  log: Log
}

/** Orders of one device that may wait for each other: more is a host gone wild. */
const MAX_WAITING = 16
/** Refusals beyond that which may wait for the disk; more are counted only. */
const MAX_UNKEPT = 100

interface Desk extends WriteDeskOptions {
  byId: ReadonlyMap<string, DeskTag & { device: DeviceId }>
  connections: Map<DeviceId, Connection>
  /** Monotonic instants of what was let through, by tag. */
  history: Map<TagId, number[]>
  signal: AbortSignal
}

interface Settled {
  outcome: WriteOutcome
  reason?: string
  readBack?: Value | null
}

/** Holds no socket of its own; disposing it settles what is under way. */
export function createWriteDesk(options: WriteDeskOptions): WriteDesk {
  const closing = new AbortController()
  const desk: Desk = {
    ...options,
    byId: indexTags(options.devices),
    connections: new Map(),
    history: new Map(),
    signal: closing.signal,
  }
  const counts: Record<WriteOutcome, number> = {
    written: 0,
    'dry-run': 0,
    refused: 0,
    unverified: 0,
    failed: 0,
  }
  const lanes = new Map<DeviceId, Lane>()
  let unkept = 0
  const turnAway = async (order: WriteOrder): Promise<WriteOutcome> => {
    counts.refused++
    if (unkept >= MAX_UNKEPT) return 'refused'
    unkept++
    await conclude(desk, order, { outcome: 'refused', reason: 'too many orders are waiting' })
    unkept--
    return 'refused'
  }
  return {
    async order(order) {
      if (isCrowded(lanes.get(order.device ?? ''))) return await turnAway(order)
      const lane = lanes.get(order.device ?? '') ?? { tail: Promise.resolve(), waiting: 0 }
      lanes.set(order.device ?? '', lane)
      lane.waiting++
      const turn = lane.tail.then(() => settle(desk, order))
      lane.tail = turn
      const outcome = await turn
      lane.waiting--
      counts[outcome]++
      return outcome
    },
    use(devices) {
      desk.byId = indexTags(devices)
    },
    setConnection(device, connection) {
      if (connection) desk.connections.set(device, connection)
      else desk.connections.delete(device)
    },
    counters: () => ({ ...counts }),
    async [Symbol.asyncDispose]() {
      closing.abort()
      await Promise.all([...lanes.values()].map(({ tail }) => tail))
    },
  }
}

function indexTags(devices: readonly DeskDevice[]): Desk['byId'] {
  const all = devices.flatMap(({ id, groups }) =>
    groups.flatMap(({ tags }) => tags.map((tag) => ({ ...tag, device: id }))),
  )
  return new Map(all.map((it) => [it.tag.id, it]))
}

/** The orders of one device, one after the other. */
interface Lane {
  tail: Promise<unknown>
  waiting: number
}

const isCrowded = (lane: Lane | undefined) => lane !== undefined && lane.waiting >= MAX_WAITING

/** A wall: whatever a driver or the disk throws becomes an outcome. */
async function settle(desk: Desk, order: WriteOrder): Promise<WriteOutcome> {
  const ruled = ruleOrder(desk, order)
  if (typeof ruled === 'string') {
    return await conclude(desk, order, { outcome: 'refused', reason: ruled })
  }
  try {
    // Before the machine moves, it is on record that it was told to.
    const at = new Date().toISOString()
    await desk.audit.append({ at, event: 'ordered', ...nameOrder(order) })
    return await conclude(desk, order, await perform(desk, ruled))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return await conclude(desk, order, { outcome: 'failed', reason })
  }
}

function nameOrder({ device, tag, metric, value }: WriteOrder) {
  return { device, tag: tag ?? metric, value }
}

/** The answer: a line on record and one in the log. */
async function conclude(
  desk: Desk,
  order: WriteOrder,
  { outcome, reason, readBack }: Settled,
): Promise<WriteOutcome> {
  const about = nameOrder(order)
  const entry = { at: new Date().toISOString(), event: outcome, ...about, readBack, reason }
  // A full disk must not stop the answer; it has stopped the write already.
  const unkept = await desk.audit.append(entry).then(
    () => undefined,
    (error: unknown) => String(error),
  )
  desk.log.info({ ...about, value: String(about.value), outcome, reason, unkept }, 'write order')
  return outcome
}

/** What was let through: this value, for this tag as it was then, over this connection, and no other. */
interface Ruled {
  known: DeskTag & { device: DeviceId }
  connection: Connection
  value: Value
}

/** Why not, in words. */
function ruleOrder(desk: Desk, { tag: id, value }: WriteOrder): Ruled | string {
  const known = desk.byId.get(id ?? '')
  if (!known) return 'there is no such tag'
  const nowMs = performance.now()
  const before = desk.history.get(known.tag.id) ?? []
  const { tag, write: rule, device } = known
  if (value === null) return 'there is no value'
  const ruling = ruleWrite({ rule, type: tag.type, value, before, nowMs })
  if (!ruling.allowed) return ruling.reason
  const connection = desk.connections.get(device)
  if (!connection) return 'the device is offline'
  if (!connection.write) return 'this driver cannot write'
  // As many as a minute may hold are enough to know.
  desk.history.set(tag.id, [...before, nowMs].slice(-(rule?.maxPerMinute ?? 1)))
  return { known, connection, value }
}

async function perform(desk: Desk, { known, connection, value }: Ruled): Promise<Settled> {
  // The record took its time: rule, address and line must still be those the order was ruled by.
  if (!isDeepStrictEqual(desk.byId.get(known.tag.id), known)) {
    return { outcome: 'refused', reason: 'the configuration of the tag changed meanwhile' }
  }
  if (desk.connections.get(known.device) !== connection || !connection.write) {
    return { outcome: 'refused', reason: 'the device went offline' }
  }
  if (known.write?.dryRun) return { outcome: 'dry-run' }
  const raw = toRaw(value, known)
  await connection.write(known.tag, raw, desk.signal)
  const [sample] = await connection.read([known.tag], desk.signal)
  const readBack = sample?.value ?? null
  if (isSame(raw, readBack)) return { outcome: 'written', readBack }
  return { outcome: 'unverified', readBack, reason: `the device reads ${readBack} after it` }
}
