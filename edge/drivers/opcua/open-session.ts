/** One client, one channel, one session, with no reconnect of the library's own; opened and closed within a deadline. */
import { join, resolve } from 'node:path'
import {
  AttributeIds,
  type ClientSecureChannelLayer,
  type ClientSession,
  LogLevel,
  MessageSecurityMode,
  OPCUAClient,
  SecurityPolicy,
  type StatusCode,
  setLogLevel,
} from 'node-opcua-client'
import { wait } from '../../../protocol/kit/backoff.ts'
import { Fault } from '../../../protocol/kit/fault.ts'
import type { DriverContext } from '../driver.ts'
import type { DriverMemory, SessionRequest } from './conversation.ts'
import { type Deadline, withDeadline } from './deadline.ts'
import { explain } from './explain.ts'
import { readIdentity, renewOwnCertificate } from './identity.ts'
import { capTransport, transportSettings } from './limits.ts'
import { deprecatedPolicies, type OpcuaOptions } from './options.ts'
import { openPki } from './pki.ts'
import { acceptedFiles } from './trust-store.ts'

/** A server forgets a session of a gateway that died after this. */
export const SESSION_TIMEOUT_MS = 60_000
/** A polite goodbye may take so long; then the socket is cut. */
const GOODBYE_MS = 500
export const SERVER_STATE = 'i=2259'

export interface OpenSession extends AsyncDisposable {
  readonly session: ClientSession
  /** Rejects when the line or the session is lost; never resolves. */
  readonly lost: Promise<never>
  /** Of the client: what it sent, and what the server refused as a whole. */
  counters(): { requests: number; exceptions: number }
  /** When the server sent its newest answer, Unix ms by its own clock. */
  answeredAt(): number
}

/** Throws Fault 'driver.disconnected', 'driver.timeout', 'driver.refused', 'opcua.untrusted' or 'opcua.deprecated'. */
export async function openSession(
  request: SessionRequest,
  signal: AbortSignal,
): Promise<OpenSession> {
  signal.throwIfAborted()
  const { options, context, memory } = request
  const { endpoint, timeoutMs } = options
  if (isDeprecated(options.security) && !options.allowDeprecated) {
    throw new Fault('opcua.deprecated', { endpoint, policy: options.security })
  }
  // Its warnings on stdout would repeat what our faults say.
  setLogLevel(LogLevel.Critic)
  capTransport()
  const folder = join(context.stateDir, 'opcua')
  const identity = await readIdentity(request)
  await renewOwnCertificate(folder, request)
  const listed = options.trust.map((file) => resolve(context.baseDir ?? '.', file))
  const trust = [...listed, ...(await acceptedFiles(context.stateDir))]
  const pki = await openPki(folder, options.security === 'None' ? [] : trust)
  const client = OPCUAClient.create({
    ...clientOptions(options, context),
    clientCertificateManager: pki,
  })
  const watch = watchClient(client, endpoint)
  const deadline = { endpoint, timeoutMs, signal }
  let session: ClientSession | undefined
  let isConnected = false
  const close = async () => {
    memory.leftSession = (await closeClient(client, session, watch)) ?? memory.leftSession
  }
  try {
    await withDeadline(client.connect(endpoint), deadline)
    isConnected = true
    await closeLeftSession(client, { memory, watch }, deadline)
    watch.forgetResult()
    session = await withDeadline(client.createSession(identity), deadline)
    session.on('session_closed', watch.lose)
    forbidRepair(session)
    const { lost, counters, answeredAt } = watch
    return { session, lost, counters, answeredAt, [Symbol.asyncDispose]: close }
  } catch (error) {
    // On a line that holds it is the library that saw no way in.
    const isOurs = isConnected && !watch.isLost() && watch.channels.at(-1)?.isValid() === true
    await close()
    throw await explain(error, {
      ...{ endpoint, folder, stateDir: context.stateDir },
      ...{ isOurs, result: watch.result() },
    })
  }
}

const isDeprecated = (policy: string) => deprecatedPolicies.some((it) => it === policy)

/**
 * When the server no longer knows the session, the library makes a new one by itself, whatever the strategy of
 * connection says, and moves the subscriptions there; what changed meanwhile would be missing without a word.
 * It does not while it believes that a repair is under way, and then the call fails, as it should.
 */
function forbidRepair(session: ClientSession): void {
  Object.assign(session, { recursive_repair_detector: 1 })
}

interface ClientWatch {
  lost: Promise<never>
  isLost(): boolean
  lose(cause?: unknown): void
  /** The first status that was not good: the library's errors carry it as text only. */
  result(): StatusCode | undefined
  /** What the server said of an older session does not explain what comes now. */
  forgetResult(): void
  channels: readonly ClientSecureChannelLayer[]
  counters(): { requests: number; exceptions: number }
  answeredAt(): number
}

function watchClient(client: OPCUAClient, endpoint: string): ClientWatch {
  const channels: ClientSecureChannelLayer[] = []
  client.on('secure_channel_created', (channel) => channels.push(channel))
  let result: StatusCode | undefined
  let [requests, exceptions, answeredAt] = [0, 0, Date.now()]
  client.on('send_request', () => requests++)
  client.on('receive_response', ({ responseHeader }) => {
    answeredAt = responseHeader.timestamp?.getTime() ?? Date.now()
    if (responseHeader.serviceResult.isNotGood()) exceptions++
    // The first that is not good: a goodbye of the library's own may follow it.
    if (responseHeader.serviceResult.isNotGood()) result ??= responseHeader.serviceResult
  })
  const lost = Promise.withResolvers<never>()
  lost.promise.catch(() => {})
  let isLost = false
  const lose = (cause?: unknown) => {
    isLost = true
    lost.reject(new Fault('driver.disconnected', { endpoint }, { cause: cause ?? undefined }))
  }
  client.on('close', lose)
  return {
    lost: lost.promise,
    isLost: () => isLost,
    lose,
    result: () => result,
    forgetResult() {
      result = undefined
    },
    channels,
    counters: () => ({ requests, exceptions }),
    answeredAt: () => answeredAt,
  }
}

/**
 * The line broke before the last session could be closed, and a server that allows one would refuse the next:
 * the old one is taken over by this channel (Part 4, 5.6.3) and closed.
 */
async function closeLeftSession(
  client: OPCUAClient,
  { memory, watch }: { memory: DriverMemory; watch: ClientWatch },
  deadline: Deadline,
): Promise<void> {
  const { leftSession } = memory
  if (!leftSession) return
  try {
    await withDeadline(client.reactivateSession(leftSession), deadline)
    await withDeadline(leftSession.close(true), deadline)
  } catch (error) {
    // The line broke again: it may still be there. A server that does not answer must not be asked for ever.
    if (!watch.isLost()) memory.leftSession = undefined
    if (error instanceof Fault || deadline.signal.aborted) throw error
  }
  memory.leftSession = undefined
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
    // A session that could not be closed is not forgotten but taken over by the next connection.
    keepPendingSessionsOnDisconnect: true,
    requestedSessionTimeout: SESSION_TIMEOUT_MS,
    // Ours comes first, so that silence is told from a lost line; these free what the library keeps.
    // The transport's counts idle time, and a slow group is idle for long: the keep-alive must come first.
    transportTimeout: SESSION_TIMEOUT_MS + options.timeoutMs * 2,
    defaultTransactionTimeout: options.timeoutMs * 2,
    transportSettings,
  }
}

/** Says goodbye for a moment, then cuts the socket: a server that hangs must not hold us. Returns the session it may still hold. */
async function closeClient(
  client: OPCUAClient,
  session: ClientSession | undefined,
  { channels, isLost }: ClientWatch,
): Promise<ClientSession | undefined> {
  const enough = new AbortController()
  let left = session
  const goodbye = async () => {
    if (session && !isLost()) {
      // Whoever does not answer this would not answer the goodbye, and a session once closed here cannot be taken over.
      await session.read({ nodeId: SERVER_STATE, attributeId: AttributeIds.Value })
      left = undefined
      await session.close(true)
    }
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
  return left
}
