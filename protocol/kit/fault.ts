/** The one error type and the one table of its codes: HTTP status, whether a retry can help, the sentence a person reads. */

interface FaultEntry {
  /** RFC 9457 status when it reaches the API. */
  status: number
  /** True when the same call may succeed later without anyone changing anything. */
  retry: boolean
  /** One sentence; `{name}` is filled from the detail. */
  say: string
}

export const faults = {
  'config.invalid': { status: 422, retry: false, say: 'The configuration has {count} problem(s).' },
  'driver.disconnected': {
    status: 503,
    retry: true,
    say: 'The device at {endpoint} is not connected.',
  },
  'driver.timeout': {
    status: 504,
    retry: true,
    say: 'The device at {endpoint} did not answer within {timeoutMs} ms.',
  },
  internal: { status: 500, retry: false, say: 'Something failed inside: {what}.' },
  'model.bad-file': { status: 422, retry: false, say: 'The model file {file} cannot be used: {problem}.' },
  'model.bad-manifest': { status: 422, retry: false, say: '{file}: {where}: {problem}.' },
  'model.not-trainable': { status: 422, retry: false, say: 'No model can be trained on {file}: {problem}.' },
  'model.unfaithful': { status: 500, retry: false, say: 'The written model differs from its trainer by {difference} (at most {limit} is allowed).' },
  'scoring.failed': { status: 503, retry: true, say: 'A scoring run failed: {problem}.' },
  'table.invalid': { status: 422, retry: false, say: '{file}, row {row}, column {column}: {problem}.' },
} as const satisfies Record<string, FaultEntry>

export type FaultCode = keyof typeof faults
export type FaultDetail = Readonly<Record<string, string | number | boolean | undefined>>

/** An error with a code of the table. Caught at three walls only: a link, a request, `main`. */
export class Fault extends Error {
  readonly code: FaultCode
  readonly detail: FaultDetail

  constructor(code: FaultCode, detail: FaultDetail = {}, options?: ErrorOptions) {
    super(formatFault(code, detail), options)
    this.name = 'Fault'
    this.code = code
    this.detail = detail
  }
}

/** The table's sentence with the detail filled in; a missing detail reads `?`. */
export function formatFault(code: FaultCode, detail: FaultDetail): string {
  return faults[code].say.replaceAll(/\{(\w+)\}/g, (_, key: string) => String(detail[key] ?? '?'))
}

/** True when this error is a Fault of that code. */
export function isFault(error: unknown, code: FaultCode): error is Fault {
  return error instanceof Fault && error.code === code
}
