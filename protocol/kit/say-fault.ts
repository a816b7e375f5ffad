/** A fault with the reason below it, for a person at a terminal or a plant's page: "not connected" alone sends nobody to the cable. */
import type { Fault, FaultCode } from './fault.ts'

/** Their sentences give no reason of their own; the others' do. */
const bare: ReadonlySet<FaultCode> = new Set(['driver.disconnected', 'config.unreadable'])

/** What the operating system means. */
const meanings: Readonly<Record<string, string>> = {
  EACCES: 'this user may not',
  EAI_AGAIN: 'the name cannot be looked up now',
  EBUSY: 'somebody else holds it',
  ECONNREFUSED: 'the machine is there, but nothing listens at this port',
  ECONNRESET: 'the other side hung up',
  EHOSTUNREACH: 'no machine answers at this address',
  EISDIR: 'it is a folder',
  ENETUNREACH: 'there is no way to this network',
  ENOENT: 'it does not exist',
  ENOTFOUND: 'nobody knows this name',
  EPERM: 'this user may not',
  ETIMEDOUT: 'no machine answers at this address',
}

/** Causes below causes: deeper is no explanation but a tangle. */
const MAX_DEPTH = 5
const MAX_CHARS = 300

/** The sentence of the fault, with what the system said where that has a meaning. */
export function sayFault(fault: Fault): string {
  const code = causesOf(fault)
    .map((cause) => (cause as { code?: unknown }).code)
    .find((it) => typeof it === 'string' && Object.hasOwn(meanings, it))
  return code === undefined ? fault.message : add(fault, `${meanings[String(code)]} (${code})`)
}

/** The same where nothing may be kept back: otherwise the words of whatever failed, in one line. */
export function sayFaultWhole(fault: Fault): string {
  const said = sayFault(fault)
  const last = causesOf(fault).at(-1)
  if (said !== fault.message || !(last instanceof Error)) return said
  return add(fault, last.message.replaceAll(/\s+/g, ' ').trim().slice(0, MAX_CHARS))
}

function causesOf(fault: Fault): unknown[] {
  if (!bare.has(fault.code)) return []
  const causes: unknown[] = []
  for (let { cause } = fault as { cause?: unknown }; cause && causes.length < MAX_DEPTH; ) {
    causes.push(cause)
    cause = (cause as { cause?: unknown }).cause
  }
  return causes
}

function add({ message }: Fault, why: string): string {
  return why === ''
    ? message
    : `${message.replace(/\.$/, '')}: ${why}${why.endsWith('.') ? '' : '.'}`
}
