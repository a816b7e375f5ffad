/** One MQTT session of the edge node: CONNECT with its will, wait for the host, births, data, death. */
import type mqtt from 'mqtt'
import { createBell } from './bell.ts'
import { openClient, sayFarewell, subscribe, untilConnected } from './connection.ts'
import type { BrokerTls, Session, SessionContext } from './context.ts'
import { receive } from './incoming.ts'
import { createPublisher } from './publisher.ts'
import { pumpDelivery } from './pump.ts'
import { createRebirthPace } from './rebirth-pace.ts'
import type { SessionEnd } from './server-walk.ts'

/** A server whose host has never said a word is left after this time, if there is another. */
const HOST_PATIENCE_MS = 10_000

export interface Outcome {
  end: SessionEnd
  /** The broker took us in. */
  accepted: boolean
  /** It got as far as its births. */
  born: boolean
}

export interface Place {
  server: string
  bdSeq: number
  /** Who we are, to a server of `mqtts://`. */
  tls?: BrokerTls
  /** There is no other server: wait here for as long as it takes. */
  isOnly: boolean
}

/** Runs one session to its end. Never throws. */
export async function runSession(
  context: SessionContext,
  place: Place,
  signal: AbortSignal,
): Promise<Outcome> {
  const ending = new AbortController()
  const outcome: Outcome = { end: 'unreachable', accepted: false, born: false }
  const finish = (end: SessionEnd) => {
    if (ending.signal.aborted) return
    outcome.end = end
    ending.abort()
  }
  const stop = () => finish('stopped')
  const client = tryClient(context, place)
  if (!client) return outcome
  signal.addEventListener('abort', stop)
  watchEnd(client, { context, outcome, finish })
  const session: Session = {
    context,
    bdSeq: place.bdSeq,
    publisher: createPublisher(context, client, ending.signal),
    bell: createBell(),
    signal: ending.signal,
    leave: () => finish('host-offline'),
    rebirthWanted: false,
    pace: createRebirthPace(),
  }
  try {
    await live(client, { session, place, outcome })
  } catch (error) {
    context.log.debug({ error: String(error) }, 'session failed')
  } finally {
    context.wake = undefined
    context.status.end()
    signal.removeEventListener('abort', stop)
    await sayFarewell(client, context, outcome.born ? place.bdSeq : undefined)
  }
  return outcome
}

/** A key or certificate that cannot be read throws before there is a line: to us a server that was not reached. */
function tryClient(context: SessionContext, place: Place): mqtt.MqttClient | undefined {
  try {
    return openClient(context, place)
  } catch (error) {
    context.log.debug({ error: String(error) }, 'no client')
    return undefined
  }
}

interface Ending {
  context: SessionContext
  outcome: Outcome
  finish(end: SessionEnd): void
}

function watchEnd(client: mqtt.MqttClient, { context, outcome, finish }: Ending): void {
  let endedThere = false
  let failed = false
  client.once('connect', () => {
    // A FIN, not an error and not silence: the broker itself closed.
    client.stream.once('end', () => {
      endedThere = !failed
    })
  })
  client.on('error', (error) => {
    failed = true
    context.log.debug({ error: error.message }, 'mqtt error')
  })
  client.on('close', () => {
    if (!outcome.accepted) finish('unreachable')
    else finish(endedThere ? 'ended-there' : 'lost')
  })
}

interface Life {
  session: Session
  place: Place
  outcome: Outcome
}

async function live(client: mqtt.MqttClient, { session, place, outcome }: Life): Promise<void> {
  const { context, signal } = session
  if (!(await untilConnected(client, signal))) return
  outcome.accepted = true
  context.accepted(place.tls)
  client.on('message', (topic, bytes, { retain }) => receive(session, topic, { bytes, retain }))
  await subscribe(client, context)
  if (!(await isHostOnline(session, place))) return session.leave()
  outcome.born = true
  context.status.begin(place.bdSeq)
  context.wake = session.bell.ring
  await pumpDelivery(session)
}

/**
 * tck-id-message-flow-edge-node-birth-publish-phid-wait. False: the host is not on this server, and there are others
 * (tck-id-operational-behavior-primary-application-state-with-multiple-servers-walk).
 */
async function isHostOnline({ context, bell, signal }: Session, place: Place): Promise<boolean> {
  const patienceMs = context.options.hostPatienceMs ?? HOST_PATIENCE_MS
  const deadline = performance.now() + patienceMs
  while (!signal.aborted) {
    const verdict = context.host.verdict()
    if (verdict === 'online') return true
    const isOver = verdict === 'offline' || performance.now() >= deadline
    if (!place.isOnly && isOver) return false
    await bell.wait(place.isOnly ? 60_000 : Math.max(1, deadline - performance.now()), signal)
  }
  return false
}
