/** The contract of a field protocol: connect, read, perhaps subscribe and write; nothing of MQTT, schedules or retry. */
import type { DeviceId, Sample, Tag, Value } from '../../protocol/model.ts'

/** A driver speaks one field protocol to one device. Creating it does nothing but keep its options. */
export interface Driver {
  /** Opens the one conversation. Throws Fault 'driver.disconnected' or 'driver.timeout'. */
  connect(signal: AbortSignal): Promise<Connection>
}

/** One open conversation. Disposing it closes the socket and settles what is in flight. */
export interface Connection extends AsyncDisposable {
  /**
   * One sample per tag, in the order asked; a tag that cannot be read is a bad-quality sample.
   * Throws Fault 'driver.disconnected' when the line is gone, 'driver.timeout' when it stays silent.
   */
  read(tags: readonly Tag[], signal: AbortSignal): Promise<Sample[]>
  /**
   * Pushes changes until the signal aborts (then resolves) or the line is lost (then throws as `read`).
   * A tag that cannot be subscribed is emitted once as a bad-quality sample; the others go on.
   */
  subscribe?(
    tags: readonly Tag[],
    emit: (samples: Sample[]) => void,
    signal: AbortSignal,
  ): Promise<void>
  /** Writes one value and resolves when the device has confirmed it. */
  write?(tag: Tag, value: Value, signal: AbortSignal): Promise<void>
  /** Calls a method of the device; resolves with what it returns, `null` where that is no value. */
  call?(order: MethodCall, signal: AbortSignal): Promise<(Value | null)[]>
}

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
