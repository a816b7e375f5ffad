/** The only reconnect loop of the gateway: connect, acquire until something fails, mark the tags, wait, again. */
import { Fault, type FaultCode, faults } from '../../protocol/kit/fault.ts'
import { sayFault } from '../../protocol/kit/say-fault.ts'
import type { DeviceId, Sample, Tag } from '../../protocol/model.ts'
import type { Columns, Connection, Driver } from '../drivers/driver.ts'
import type { Clocks } from './condition.ts'
import {
  type Conditioner,
  createConditioner,
  type Emit,
  type EmitRow,
  type GroupPlan,
} from './conditioner.ts'
import type { LinkCounters } from './counters.ts'
import { type RetryWait, waitForTry } from './retry-wait.ts'
import { phaseOf, runSchedule } from './schedule.ts'
import { watchSilence } from './watch-silence.ts'

export interface LinkState {
  device: DeviceId
  state: 'online' | 'offline'
  at: number
  reason?: FaultCode
  sentence?: string
}

export interface LinkOptions extends RetryWait {
  device: DeviceId
  driver: Driver
  groups: readonly GroupPlan[]
  /** Called synchronously; must not throw. */
  emit: Emit
  /** Takes good numbers of one instant; without it they come as samples. */
  emitRow?: EmitRow
  /** Called at transitions only; the first answer or the first failure is one. */
  onState(state: LinkState): void
  counters: LinkCounters
  /** Told the one connection while it is open, and undefined when it is not: writes go over it too. */
  onConnection?(connection: Connection | undefined): void
  /** Somebody has put every tag on record as bad at this instant (Unix ms): what is read is told as later than that. */
  unknownSince?: number
  /** What time it is; default: the machine's own clocks. */
  readClocks?(): Clocks
  /** Asked when it ends: another link of this device follows, so its tags are told as unknown since the last answer. */
  isReplaced?(): boolean
}

/** With a fault that only a person can mend there is no hurry: straight to the longest wait. */
const HOPELESS_ATTEMPT = 30

/** Runs until the signal aborts; never throws what a device does. */
export async function runLink(options: LinkOptions, signal: AbortSignal): Promise<void> {
  const { device, driver, groups, counters } = options
  const link = createLinkMind(options)
  const silence = watchSilence(link.conditioner, groups, signal)
  let attempt = 0
  let connections = 0
  while (!signal.aborted) {
    link.startAttempt()
    try {
      await using connection = await driver.connect(signal)
      if (++connections > 1) counters.reconnects++
      options.onConnection?.(connection)
      // Before the connection is disposed nobody else may hold it.
      using _ = { [Symbol.dispose]: () => options.onConnection?.(undefined) }
      await acquire(connection, { options, link }, signal)
    } catch (error) {
      if (signal.aborted) break
      const fault = toFault(error, device)
      counters.disconnects++
      if (fault.code === 'driver.timeout') counters.timeouts++
      link.goOffline(fault)
      if (link.hasAnswered()) attempt = 0
      const wait = faults[fault.code].retry ? attempt : HOPELESS_ATTEMPT
      await waitForTry(options, wait, signal)
      attempt++
    }
  }
  await silence
  if (options.isReplaced?.()) link.forget()
}

/** What the link believes of its device; a connection that was made but never answered does not count. */
interface LinkMind {
  conditioner: Conditioner
  startAttempt(): void
  hasAnswered(): boolean
  take(samples: readonly Sample[]): void
  /** What a device pushed of a group, or its word that nothing has changed until then. */
  takePushed(group: number, samples: readonly Sample[], knownAt?: number): void
  takeColumns(group: number, columns: Columns): void
  goOffline(fault: Fault): void
  /** Its tags are bad since the last sign of life, if they are not so already. */
  forget(): void
}

function createLinkMind(options: LinkOptions): LinkMind {
  const { device, groups, emit, emitRow, counters, onState, unknownSince, readClocks } = options
  const isPushed = (group: GroupPlan) => group.mode === 'subscribe'
  const conditioner = createConditioner({
    ...{ device, groups, isPushed, emit, emitRow, counters, unknownSince, readClocks },
  })
  let believed: LinkState['state'] | undefined
  let answered = false
  const noteAnswer = () => {
    answered = true
    if (believed === 'online') return
    believed = 'online'
    onState({ device, state: 'online', at: Date.now() })
  }
  const forget = () => {
    if (believed === 'online') conditioner.lose()
  }
  return {
    conditioner,
    forget,
    startAttempt() {
      answered = false
    },
    hasAnswered: () => answered,
    take(samples) {
      conditioner.take(samples)
      noteAnswer()
    },
    takePushed(group, samples, knownAt) {
      if (samples.length > 0) {
        conditioner.take(samples, knownAt)
        noteAnswer()
      } else if (knownAt !== undefined) conditioner.hear(group, knownAt)
    },
    takeColumns(group, columns) {
      conditioner.takeColumns(group, columns)
      noteAnswer()
    },
    goOffline(fault) {
      if (believed === 'offline') return
      believed = 'offline'
      conditioner.lose()
      const about = { reason: fault.code, sentence: sayFault(fault) }
      onState({ device, state: 'offline', at: Date.now(), ...about })
    },
  }
}

interface Acquisition {
  options: LinkOptions
  link: LinkMind
}

/** Runs all groups; the first failure stops the others and is thrown when all have stopped. */
async function acquire(
  connection: Connection,
  { options, link }: Acquisition,
  signal: AbortSignal,
): Promise<void> {
  const failed = new AbortController()
  const either = AbortSignal.any([signal, failed.signal])
  let first: { error: unknown } | undefined
  const guard = async (work: Promise<void>) => {
    try {
      await work
    } catch (error) {
      if (!either.aborted) first = { error }
      failed.abort()
    }
  }
  const runs = options.groups.map((group, place) => {
    const tags = group.tags.map(({ tag }) => tag)
    const isPushed = group.mode === 'subscribe' && connection.subscribe !== undefined
    return isPushed
      ? connection.subscribe?.(
          tags,
          (samples, knownAt) => link.takePushed(place, samples, knownAt),
          either,
        )
      : pollGroup(connection, { group, place, tags, options, link }, either)
  })
  await Promise.all(runs.map((run) => guard(run ?? Promise.resolve())))
  if (first) throw first.error
}

interface PolledGroup extends Acquisition {
  group: GroupPlan
  /** In the list of groups. */
  place: number
  tags: readonly Tag[]
}

async function pollGroup(
  connection: Connection,
  { group, place, tags, options, link }: PolledGroup,
  signal: AbortSignal,
): Promise<void> {
  const { counters, device } = options
  const { intervalMs } = group
  const poll = async () => {
    counters.polls++
    if (connection.readColumns) {
      link.takeColumns(place, await connection.readColumns(tags, signal))
    } else link.take(await connection.read(tags, signal))
  }
  const phaseMs = phaseOf(`${device}/${group.name}`, intervalMs)
  const tick = async ({ lateMs, skipped }: { lateMs: number; skipped: number }) => {
    counters.lateMs += lateMs
    counters.lateMaxMs = Math.max(counters.lateMaxMs, lateMs)
    counters.skipped += skipped
    await poll()
  }
  // A group of an hour must not wait an hour to say whether its device answers.
  await poll()
  await runSchedule({ intervalMs, phaseMs }, tick, signal)
}

/** A link is a wall: whatever a driver throws becomes a fault of this device. */
function toFault(error: unknown, device: DeviceId): Fault {
  if (error instanceof Fault) return error
  const what = error instanceof Error ? error.message : String(error)
  return new Fault('internal', { what: `${device}: ${what}` }, { cause: error })
}
