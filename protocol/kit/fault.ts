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
  'access.denied': { status: 403, retry: false, say: 'This is not allowed: {reason}.' },
  'alarm.conflict': {
    status: 409,
    retry: false,
    say: 'The alarm is {state}: it cannot be {action} now.',
  },
  'broker.not-listening': {
    status: 500,
    retry: false,
    say: 'The MQTT broker cannot listen on {host}:{port}: {reason}.',
  },
  'case.conflict': {
    status: 409,
    retry: false,
    say: 'The case is {state}: it cannot go on with {action} now.',
  },
  'case.not-verified': {
    status: 409,
    retry: false,
    say: 'The recovery is not shown yet ({condition}); to close all the same, say why.',
  },
  'audit.broken': {
    status: 500,
    retry: false,
    say: 'The audit log does not fit together at entry {seq}: it was changed outside the product.',
  },
  'bench.failed': { status: 500, retry: false, say: 'The benchmark cannot go on: {why}.' },
  'bench.no-data': {
    status: 404,
    retry: false,
    say: 'The set "{set}" is missing: {problem}.',
  },
  'bench.unknown': {
    status: 404,
    retry: false,
    say: 'There is no benchmark "{name}"; known are: {known}.',
  },
  'config.invalid': { status: 422, retry: false, say: 'The configuration has {count} problem(s).' },
  'config.unreadable': {
    status: 422,
    retry: false,
    say: 'The configuration file {file} cannot be read.',
  },
  'credentials.missing': {
    status: 500,
    retry: false,
    say: 'The file {file} cannot be read; make the credentials of this gateway with `mimamori enrol` and carry them here.',
  },
  'demo.not-running': {
    status: 409,
    retry: false,
    say: 'No demo has run with the data folder {dataDir}; start it with `npm start`, or name its folder with --data.',
  },
  'drive.no-login': {
    status: 422,
    retry: false,
    say: 'The drive needs the login of a {role}: give --logins role:login:password, comma separated.',
  },
  'drive.step-failed': {
    status: 500,
    retry: false,
    say: 'This did not hold: {step} ({why}).',
  },
  'driver.bad-value': {
    status: 422,
    retry: false,
    say: 'The value {value} does not fit {tag}: {reason}.',
  },
  'driver.busy': {
    status: 503,
    retry: true,
    say: 'The device at {endpoint} is busy: {reason}.',
  },
  'driver.disconnected': {
    status: 503,
    retry: true,
    say: 'The device at {endpoint} is not connected.',
  },
  'driver.foreign-reply': {
    status: 502,
    retry: true,
    say: 'The device at {endpoint} sent what does not answer the request: {problem}.',
  },
  'driver.not-writable': {
    status: 422,
    retry: false,
    say: 'The tag {tag} cannot be written: {reason}.',
  },
  'driver.refused': {
    status: 502,
    retry: false,
    say: 'The device at {endpoint} refused: {reason}.',
  },
  'driver.timeout': {
    status: 504,
    retry: true,
    say: 'The device at {endpoint} did not answer within {timeoutMs} ms.',
  },
  'events.full': {
    status: 503,
    retry: true,
    say: '{limit} pages are listening already; no more are served.',
  },
  'enrol.unknown-gateway': {
    status: 404,
    retry: false,
    say: 'There is no gateway "{gateway}" at site "{site}" in {file}.',
  },
  'explore.unknown-tag': {
    status: 404,
    retry: false,
    say: 'The configuration has no tag "{tag}"; {hint}.',
  },
  'gateway-config.conflict': {
    status: 409,
    retry: false,
    say: 'The configuration of gateway {gateway} cannot be {action} now: {reason}.',
  },
  'historian.newer': {
    status: 500,
    retry: false,
    say: 'The historian file {file} is of version {found}; this program knows {known}.',
  },
  'historian.refused': {
    status: 502,
    retry: false,
    say: 'The historian at {url} refused the request with {status}: {reason}.',
  },
  'historian.unavailable': {
    status: 503,
    retry: true,
    say: 'The historian is not available: {reason}.',
  },
  'historian.unopenable': {
    status: 500,
    retry: false,
    say: 'The historian file {file} cannot be opened: {reason}.',
  },
  'identity.bad-hash': {
    status: 500,
    retry: false,
    say: 'A stored password hash cannot be read: {problem}.',
  },
  'identity.login-taken': { status: 409, retry: false, say: 'The login {login} is taken.' },
  internal: { status: 500, retry: false, say: 'Something failed inside: {what}.' },
  'login.refused': { status: 401, retry: false, say: 'The login or the password is wrong.' },
  'login.required': { status: 401, retry: false, say: 'Please log in first.' },
  'login.throttled': {
    status: 429,
    retry: true,
    say: 'Too many failed tries; try again in {seconds} s.',
  },
  'maintenance.conflict': {
    status: 409,
    retry: false,
    say: 'The planned maintenance is {state}: it cannot be {action} now.',
  },
  'model.bad-file': {
    status: 422,
    retry: false,
    say: 'The model file {file} cannot be used: {problem}.',
  },
  'model.bad-manifest': { status: 422, retry: false, say: '{file}: {where}: {problem}.' },
  'model.conflict': {
    status: 409,
    retry: false,
    say: 'The version is {stage}: it cannot become {wanted} now.',
  },
  'model.not-trainable': {
    status: 422,
    retry: false,
    say: 'No model can be trained on {file}: {problem}.',
  },
  'model.tampered': {
    status: 409,
    retry: false,
    say: 'The model {name} version {version} is not what was registered: {problem}.',
  },
  'model.unfaithful': {
    status: 500,
    retry: false,
    say: 'The written model differs from its trainer by {difference} (at most {limit} is allowed).',
  },
  'object.missing': { status: 404, retry: false, say: 'There is nothing here under this name.' },
  'outbox.unwritable': {
    status: 507,
    retry: true,
    say: 'The outbox {file} cannot be written: {reason}.',
  },
  'request.foreign-origin': {
    status: 403,
    retry: false,
    say: 'The request comes from another site: {origin}.',
  },
  'request.invalid': { status: 400, retry: false, say: 'The request is not valid: {problem}.' },
  'request.not-json': { status: 415, retry: false, say: 'The body must be application/json.' },
  'request.too-large': {
    status: 413,
    retry: false,
    say: 'The request is larger than {limitBytes} bytes.',
  },
  'request.too-often': {
    status: 429,
    retry: true,
    say: 'Too many requests; try again in {seconds} s.',
  },
  'part.not-ready': {
    status: 500,
    retry: false,
    say: 'The part {part} did not start ({why}); its log is {log}.',
  },
  'port.taken': {
    status: 500,
    retry: false,
    say: 'Port {port} is taken by another program; choose another one with {flag}.',
  },
  'pki.unusable': {
    status: 500,
    retry: false,
    say: 'The key folder {dir} cannot be used: {file} is damaged or not readable.',
  },
  'recorder.failed': {
    status: 503,
    retry: false,
    say: 'The recording cannot be written, so there is no session: {reason}.',
  },
  'opcua.deprecated': {
    status: 422,
    retry: false,
    say: 'The security policy {policy} of {endpoint} is deprecated; choose another one, or set "allowDeprecated".',
  },
  'opcua.untrusted': {
    status: 502,
    retry: false,
    say: 'The certificate {thumbprint} of {endpoint} is not trusted; it lies in {file}: compare the thumbprint, then accept it (`mimamori edge trust`) or list the file under "trust".',
  },
  'scoring.failed': { status: 503, retry: true, say: 'A scoring run failed: {problem}.' },
  'sparkplug.invalid': {
    status: 422,
    retry: false,
    say: 'A Sparkplug message is not valid at {where}: {what}.',
  },
  'store.newer': {
    status: 500,
    retry: false,
    say: 'The database is of version {found}; this program knows {known}.',
  },
  'session.not-allowed': {
    status: 409,
    retry: false,
    say: 'The session cannot {action} while it is {state}.',
  },
  'session.self-approval': {
    status: 403,
    retry: false,
    say: 'Nobody approves or refuses their own request: a second person must decide.',
  },
  'session.too-many': {
    status: 429,
    retry: true,
    say: 'There are already {count} open sessions at this gateway.',
  },
  'session.unknown-case': {
    status: 404,
    retry: false,
    say: 'There is no case {case} at this site.',
  },
  'session.unknown-target': {
    status: 404,
    retry: false,
    say: 'There is no target {target} at this gateway.',
  },
  'session.unsupported-kind': {
    status: 422,
    retry: false,
    say: 'Targets of kind {kind} cannot be opened in the browser yet.',
  },
  'session.window-over': { status: 409, retry: false, say: 'The window of this session is over.' },
  'table.invalid': {
    status: 422,
    retry: false,
    say: '{file}, row {row}, column {column}: {problem}.',
  },
  'training.busy': {
    status: 409,
    retry: true,
    say: 'A training of this asset is {state} already.',
  },
  'training.cancelled': {
    status: 409,
    retry: false,
    say: 'The training was cancelled by {by}.',
  },
  'training.failed': { status: 422, retry: false, say: 'The training failed: {problem}.' },
  'training.full': {
    status: 429,
    retry: true,
    say: 'There are already {count} trainings waiting.',
  },
  'tunnel.down': { status: 503, retry: true, say: 'The tunnel of gateway {gateway} is down.' },
  'tunnel.refused': { status: 403, retry: false, say: 'The gateway refused: {reason}.' },
  'uplink.lost': { status: 503, retry: true, say: 'The connection to the broker is lost.' },
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
  const filled = faults[code].say.replaceAll(/\{(\w+)\}/g, (_, key: string) =>
    String(detail[key] ?? '?'),
  )
  // A reason that is a sentence of its own brings its own full stop.
  return filled.replace(/([.?!])\.$/, '$1')
}

/** True when this error is a Fault of that code. */
export function isFault(error: unknown, code: FaultCode): error is Fault {
  return error instanceof Fault && error.code === code
}
