/** `mimamori enrol`: makes a gateway's credentials with the cloud's own CA; and the broker's, for an external one. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Fault } from '../protocol/kit/fault.ts'
import { loadCloudConfig } from './config.ts'
import { openPki } from './identity/pki.ts'

export interface EnrolOptions {
  config: string
  site: string
  gateway: string
  out: string
}

/** Writes key.pem, cert.pem, ca.pem and grant-key.json; answers what to do with them. */
export async function enrolGateway(options: EnrolOptions): Promise<string> {
  const config = await loadCloudConfig(options.config)
  const { site, gateway, out } = options
  if (!config.fleet.gateways.some((known) => known.site === site && known.id === gateway)) {
    throw new Fault('enrol.unknown-gateway', { site, gateway, file: options.config })
  }
  const dataDir = resolve(config.baseDir, config.dataDir)
  const days = config.tunnel.certificateDays
  await writeGatewayCredentials(join(dataDir, 'pki'), { site, gateway, days }, out)
  return `Credentials of ${site}/${gateway} are in ${out}. Carry them to the gateway by a safe way, name the folder in its configuration (cloud.credentials) and delete this copy.`
}

export interface EnrolBrokerOptions {
  config: string
  /** Comma separated names and addresses of the broker. */
  names: string
  out: string
}

/** The user name of the cloud at an external broker: the common name of its certificate. */
const CLOUD_CLIENT = 'mimamori-cloud'

/** For an external broker: its own key.pem, cert.pem and ca.pem, and cloud-key.pem, cloud-cert.pem for our client. */
export async function enrolBroker({
  config: file,
  names,
  out,
}: EnrolBrokerOptions): Promise<string> {
  const config = await loadCloudConfig(file)
  const pki = await openPki(join(resolve(config.baseDir, config.dataDir), 'pki'))
  const server = await pki.serverCredentials(names.split(',').map((name) => name.trim()))
  const client = await pki.issueClient(CLOUD_CLIENT)
  await writePrivately(out, {
    'key.pem': server.key,
    'cert.pem': server.cert,
    'ca.pem': server.ca,
    'cloud-key.pem': client.key,
    'cloud-cert.pem': client.cert,
  })
  return `Credentials of the broker, and of the cloud as its client "${CLOUD_CLIENT}", are in ${out}.`
}

/** Makes the files; the key is readable by its owner only. */
export async function writeGatewayCredentials(
  pkiDir: string,
  { site, gateway, days }: { site: string; gateway: string; days?: number },
  out: string,
): Promise<void> {
  const pki = await openPki(pkiDir, { gatewayDays: days })
  const made = await pki.issueGateway({ site, gateway })
  await writePrivately(out, {
    'key.pem': made.key,
    'cert.pem': made.cert,
    'ca.pem': made.ca,
    'grant-key.json': JSON.stringify(made.grantKey, null, 2),
  })
}

async function writePrivately(dir: string, files: Record<string, string>): Promise<void> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  for (const [file, text] of Object.entries(files)) {
    await writeFile(join(dir, file), text, { mode: 0o600 })
  }
}
