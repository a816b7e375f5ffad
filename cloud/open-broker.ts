/** The MQTT broker the configuration asks for: embedded, or somebody else's; either way the ingest gets a client. */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { connect, type IClientOptions, type MqttClient } from 'mqtt'
import type { Log } from '../protocol/kit/log.ts'
import { openBroker } from './broker/broker.ts'
import type { CloudConfig } from './config.ts'
import type { Pki } from './identity/pki.ts'
import { identifyKnown } from './known-gateways.ts'

export interface BrokerLink extends AsyncDisposable {
  /** Null: an external one. */
  port: number | null
  connect(options: Partial<IClientOptions>): MqttClient
  /** Gateways connected to the embedded one. */
  clients(): number
}

/** Throws Fault 'broker.not-listening' when the embedded one cannot listen. */
export async function openConfiguredBroker(
  config: CloudConfig,
  pki: Pki,
  log: Log,
): Promise<BrokerLink> {
  if (config.broker.kind === 'external') return linkExternal(config.broker, config.baseDir)
  const { host, port } = config.broker
  const tls = await pki.serverCredentials(config.serverNames)
  const broker = await openBroker({ host, port, tls, identify: identifyKnown(config, pki), log })
  return {
    port: broker.port,
    connect: (options) => broker.connectInside(options),
    clients: () => broker.clients(),
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
    [Symbol.asyncDispose]: async () => undefined,
  }
}
