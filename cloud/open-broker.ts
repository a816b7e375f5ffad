/** The MQTT broker the configuration asks for: embedded, or somebody else's; either way the ingest gets a client. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { connect, type IClientOptions, type MqttClient } from 'mqtt'
import { openBroker } from './broker/broker.ts'
import type { GatewayIdentity } from './broker/policy.ts'
import type { CloudConfig } from './config.ts'
import { datesOf } from './identity/validity.ts'
import { identifyKnown } from './known-gateways.ts'
import type { Parts } from './parts.ts'

export interface BrokerLink extends AsyncDisposable {
  /** Null: an external one. */
  port: number | null
  connect(options: Partial<IClientOptions>): MqttClient
  /** Gateways connected to the embedded one. */
  clients(): number
  /** Ends this gateway's line to the embedded one, now. */
  kick(name: GatewayIdentity): void
}

/** Throws Fault 'broker.not-listening' when the embedded one cannot listen. */
export async function openConfiguredBroker(parts: Parts): Promise<BrokerLink> {
  const { config, pki, revocations, log } = parts
  if (config.broker.kind === 'external') return linkExternal(config.broker, config.baseDir)
  const { host, port } = config.broker
  const tls = await pki.serverCredentials(config.serverNames)
  const broker = await openBroker({
    ...{ host, port, tls, log, identify: identifyKnown(config, parts) },
    isRevoked: ({ identity, ...dates }) => revocations.isRevoked(identity, datesOf(dates)),
  })
  return {
    port: broker.port,
    connect: (options) => broker.connectInside(options),
    clients: () => broker.clients(),
    kick: broker.kick,
    [Symbol.asyncDispose]: async () => await broker[Symbol.asyncDispose](),
  }
}

type External = Extract<CloudConfig['broker'], { kind: 'external' }>

function linkExternal({ url, ca, cert, key }: External, baseDir: string): BrokerLink {
  const read = (file: string | undefined): Buffer | undefined =>
    file === undefined ? undefined : readFileSync(resolve(baseDir, file))
  const tls = { ca: read(ca), cert: read(cert), key: read(key) }
  return {
    port: null,
    connect: (options) => connect(url, { ...tls, ...options }),
    clients: () => 0,
    kick: () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  }
}
