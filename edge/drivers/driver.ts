/** The contract of a field protocol: connect, read, perhaps subscribe and write; nothing of MQTT, schedules or retry. */
import type { DeviceId, Sample, Tag, Value } from '../../protocol/model.ts'

/** A driver speaks one field protocol to one device. Creating it does nothing but keep its options. */
export interface Driver {
  /** Opens the one conversation. Throws Fault 'driver.disconnected' or 'driver.timeout'. */
  connect(signal: AbortSignal): Promise<Connection>
}

/** A source whose newest time lies further back than this has a wrong clock, or told what has stood for long. */
export const MAX_LAG_MS = 10_000

/** One open conversation. Disposing it closes the socket and settles what is in flight. */
export interface Connection extends AsyncDisposable {
  /**
   * One sample per tag, in the order asked; a tag that cannot be read is a bad-quality sample.
   * Throws Fault 'driver.disconnected' when the line is gone, 'driver.timeout' when it stays silent.
   */
  read(tags: readonly Tag[], signal: AbortSignal): Promise<Sample[]>
  /** The same reading in columns, for drivers that read thousands of tags: what has not changed costs no object. */
  readColumns?(tags: readonly Tag[], signal: AbortSignal): Promise<Columns>
  /**
   * Pushes changes until the signal aborts (then resolves) or the line is lost (then throws as `read`).
   * A tag that cannot be subscribed is emitted once as a bad-quality sample; the others go on.
   * `knownAt` (Unix ms, by the device's clock): until then no other change of these tags has been; also without a
   * sample, as a sign of life. Only up to there is silence "unchanged". It is believed: a clock that cannot be
   * right is the driver's to see (`MAX_LAG_MS`).
   */
  subscribe?(
    tags: readonly Tag[],
    emit: (samples: Sample[], knownAt?: number) => void,
    signal: AbortSignal,
  ): Promise<void>
  /** Writes one value and resolves when the device has confirmed it. */
  write?(tag: Tag, value: Value, signal: AbortSignal): Promise<void>
  /** Calls a method of the device; resolves with what it returns, `null` where that is no value. */
  call?(order: MethodCall, signal: AbortSignal): Promise<(Value | null)[]>
  /** What it has counted since it was opened. */
  counters?(): ConnectionCounters
}

/** For metrics; a driver leaves out what its protocol does not have. */
export interface ConnectionCounters {
  /** Requests sent. */
  requests: number
  /** Of them: answered with a refusal. */
  exceptions: number
  /** Without an answer to be trusted while the line went on. */
  lost?: number
  /** Addresses or nodes the device does not know, left out and asked for again from time to time. */
  holes: number
}

/** What one read brought, by the places of the tags in the list; overwritten by the next read of the same list. */
export interface Columns {
  /** Unix ms, of all of them. */
  at: number
  values: (Value | null)[]
  /** `GOOD`, `NO_VALUE`, or the protocol's own status of a bad reading; where it is not `GOOD` the value is null. */
  statuses: Float64Array
  /** Places whose request brought no answer, all bad: since when nothing is known of them only their last reading tells. */
  unheard?: Set<number>
}

export const GOOD = -1
/** Bad without a word of the protocol: a broken sensor's NaN, digits that are none. */
export const NO_VALUE = -2

/** A method as its driver addresses it, with its arguments in order. */
export interface MethodCall {
  object: string
  method: string
  args: readonly Value[]
}

/** What a driver is given beside its device's options. */
export interface DriverContext {
  device: DeviceId
  /** This device's own folder for what must be kept (keys, certificates); nothing is written elsewhere. Made when needed. */
  stateDir: string
  /** Where relative paths in the options start: the folder of the configuration; default: the process's. */
  baseDir?: string
  /** Told, once each, what an operator should know and no sample can carry; without it it is logged. */
  notice?(say: string): void
}
