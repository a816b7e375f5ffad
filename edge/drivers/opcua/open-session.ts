/** One client, one channel, one session, with no reconnect of the library's own; opened and closed within a deadline. */
import { join, resolve } from 'node:path'
import {
  type ClientSecureChannelLayer,
  type ClientSession,
  LogLevel,
  MessageSecurityMode,
  OPCUAClient,
  SecurityPolicy,
  type StatusCode,
  StatusCodes,
  setLogLevel,
  UserTokenType,
} from 'node-opcua-client'
import { wait } from '../../../protocol/kit/backoff.ts'
import { Fault } from '../../../protocol/kit/fault.ts'
import type { DriverContext } from '../driver.ts'
import { withDeadline } from './deadline.ts'
import type { OpcuaOptions } from './options.ts'
import { findRejected, openPki } from './pki.ts'

/** A hostile server may answer with anything: bound what is assembled in memory. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024
const MAX_CHUNKS = 256
/** A server forgets a session of a gateway that died after this. */
const SESSION_TIMEOUT_MS = 60_000
/** A polite goodbye may take so long; then the socket is cut. */
const GOODBYE_MS = 500

export interface OpenSession extends AsyncDisposable {
  readonly session: ClientSession
  /** Rejects when the line or the session is lost; never resolves. */
  readonly lost: Promise<never>
}

export interface SessionRequest {
  options: OpcuaOptions
  context: DriverContext
}

/** Throws Fault 'driver.disconnected', 'driver.timeout', 'driver.refused' or 'opcua.untrusted'. */
export async function openSession(
  { options, context }: SessionRequest,
  signal: AbortSignal,
): Promise<OpenSession> {
  signal.throwIfAborted()
  // Its warnings on stdout would repeat what our faults say.
  setLogLevel(LogLevel.Critic)
  const { endpoint, timeoutMs } = options
  const folder = join(context.stateDir, 'opcua')
  const trust = options.trust.map((file) => resolve(context.baseDir ?? '.', file))
  const pki = await openPki(folder, options.security === 'None' ? [] : trust)
  const client = OPCUAClient.create({
    ...clientOptions(options, context),
    clientCertificateManager: pki,
  })
  const channels: ClientSecureChannelLayer[] = []
  client.on('secure_channel_created', (channel) => channels.push(channel))
  // The library's errors carry the server's reason as text only; here it is a number.
  let result: StatusCode | undefined
  client.on('receive_response', ({ responseHeader }) => {
    // The first that is not good: a goodbye of the library's own may follow it.
    if (responseHeader.serviceResult.isNotGood()) result ??= responseHeader.serviceResult
  })
  const lost = Promise.withResolvers<never>()
  lost.promise.catch(() => {})
  client.on('close', (cause) =>
    lost.reject(new Fault('driver.disconnected', { endpoint }, { cause: cause ?? undefined })),
  )
  const deadline = { endpoint, timeoutMs, signal }
  let session: ClientSession | undefined
  const close = () => closeClient(client, session, channels)
  try {
    await withDeadline(client.connect(endpoint), deadline)
    session = await withDeadline(client.createSession(userIdentity(options)), deadline)
    session.on('session_closed', () => lost.reject(new Fault('driver.disconnected', { endpoint })))
    return { session, lost: lost.promise, [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw await explain(error, { endpoint, folder, result })
  }
}

function clientOptions(options: OpcuaOptions, { device }: DriverContext) {
  const isOpen = options.security === 'None'
  return {
    applicationName: 'Mimamori',
    applicationUri: `urn:mimamori:gateway:${device}`,
    clientName: `mimamori-${device}`,
    securityMode: isOpen ? MessageSecurityMode.None : MessageSecurityMode.SignAndEncrypt,
    securityPolicy: isOpen ? SecurityPolicy.None : SecurityPolicy[options.security],
    // The one owner of reconnect is the link: the library must not try by itself.
    connectionStrategy: { maxRetry: 0, initialDelay: 100, maxDelay: 1000 },
    // Servers behind NAT announce a name of their own; the certificate is what counts.
    endpointMustExist: false,
    keepSessionAlive: false,
    requestedSessionTimeout: SESSION_TIMEOUT_MS,
    // Ours comes first, so that silence is told from a lost line; these free what the library keeps.
    transportTimeout: options.timeoutMs * 2,
    defaultTransactionTimeout: options.timeoutMs * 2,
    transportSettings: { maxChunkCount: MAX_CHUNKS, maxMessageSize: MAX_MESSAGE_BYTES },
  }
}

function userIdentity({ user }: OpcuaOptions) {
  return user
    ? { type: UserTokenType.UserName as const, userName: user.name, password: user.password }
    : { type: UserTokenType.Anonymous as const }
}

/** Says goodbye for a moment, then cuts the socket: a server that hangs must not hold us. */
async function closeClient(
  client: OPCUAClient,
  session: ClientSession | undefined,
  channels: readonly ClientSecureChannelLayer[],
): Promise<void> {
  const enough = new AbortController()
  const goodbye = async () => {
    await session?.close(true)
    await client.disconnect()
  }
  await Promise.race([
    goodbye()
      .catch(() => {})
      .finally(() => enough.abort()),
    wait(GOODBYE_MS, enough.signal),
  ])
  for (const channel of channels) channel.forceConnectionBreak()
  client.removeAllListeners()
  // A client still waiting for its own goodbye gives up by itself once the socket is gone.
  client.disconnect().catch(() => {})
}

const refusals: ReadonlySet<number> = new Set(
  [
    StatusCodes.BadIdentityTokenRejected,
    StatusCodes.BadIdentityTokenInvalid,
    StatusCodes.BadUserAccessDenied,
    StatusCodes.BadSecurityChecksFailed,
    StatusCodes.BadSecurityPolicyRejected,
    StatusCodes.BadSecurityModeRejected,
    StatusCodes.BadCertificateUntrusted,
  ].map((code) => code.value),
)

async function explain(
  error: unknown,
  { endpoint, folder, result }: { endpoint: string; folder: string; result?: StatusCode },
): Promise<unknown> {
  const rejected = await findRejected(folder)
  if (rejected) {
    return new Fault('opcua.untrusted', { endpoint, ...rejected }, { cause: error })
  }
  if (!(error instanceof Error) || error instanceof Fault || error.name === 'AbortError')
    return error
  return result && refusals.has(result.value)
    ? new Fault('driver.refused', { endpoint, reason: result.name }, { cause: error })
    : new Fault('driver.disconnected', { endpoint }, { cause: error })
}
