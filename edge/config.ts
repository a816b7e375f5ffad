/** The gateway's configuration file: its schema, its lint, and the devices it makes of it. */
import { resolve } from 'node:path'
import { type Static, Type } from 'typebox'
import {
  type ConfigProblem,
  checkConfig,
  configFault,
  examineConfig,
  formatProblem,
  readConfigFile,
  type SourceDocument,
} from '../protocol/kit/schema.ts'
import { ConfigId, checkDevices, type DeviceConfig } from './device-config.ts'
import { Policy, policyProblems } from './tunnel/policy.ts'

/** One level of an MQTT topic. */
const HOST_ID = '^[^+/#]+$'

/** The file `gateway.yaml`; devices are checked a second time by their driver's own schema. */
export const GatewayFile = Type.Object(
  {
    $schema: Type.Optional(
      Type.String({ description: 'Where editors find the schema of this file; not read here.' }),
    ),
    site: ConfigId('The site: Sparkplug group id.'),
    gateway: ConfigId('This gateway: Sparkplug edge node id.'),
    timeZone: Type.String({
      default: 'UTC',
      description: 'IANA name; schedules of the policy mean it.',
    }),
    dataDir: Type.String({ description: 'Where the outbox and the certificates live.' }),
    cloud: Type.Object(
      {
        mqttUrl: Type.String({ pattern: '^mqtts?://', description: 'mqtts://host:port' }),
        otherMqttUrls: Type.Array(Type.String({ pattern: '^mqtts?://' }), {
          default: [],
          description:
            'Further brokers. The gateway moves on to the next where the primary host is offline; it talks to one at a time.',
        }),
        tunnelHost: Type.String({
          minLength: 1,
          description: 'Name or address of the cloud for remote access.',
        }),
        tunnelPort: Type.Integer({
          minimum: 1,
          maximum: 65535,
          description: 'Its port; the gateway dials out, nothing listens here.',
        }),
        serverName: Type.Optional(Type.String({ description: 'Name in the cloud certificate.' })),
        credentials: Type.String({
          description:
            'Folder made by `mimamori enrol`: key.pem, cert.pem, ca.pem, grant-key.json.',
        }),
        primaryHost: Type.String({
          default: 'mimamori',
          pattern: HOST_ID,
          description: 'Sparkplug host id: readings are sent while it is online.',
        }),
        standbyHosts: Type.Array(Type.String({ pattern: HOST_ID }), {
          default: [],
          description: 'Host ids that may stand in for it: any one online is enough.',
        }),
      },
      { additionalProperties: false, description: 'Where the readings go.' },
    ),
    delivery: Type.Union([Type.Literal('acknowledged'), Type.Literal('state')], {
      default: 'acknowledged',
      description: 'acknowledged: our cloud confirms what it stored; state: any Sparkplug host.',
    }),
    outbox: Type.Object(
      {
        maxBytes: Type.Integer({
          minimum: 1_000_000,
          default: 1_000_000_000,
          description: 'Bytes on disk; beyond them the oldest readings go, counted and told.',
        }),
        maxAgeHours: Type.Number({
          exclusiveMinimum: 0,
          default: 744,
          description: 'Readings older than this are not kept for a cloud that stays away.',
        }),
      },
      {
        additionalProperties: false,
        default: {},
        description: 'What is kept on disk until the cloud has it.',
      },
    ),
    local: Type.Object(
      {
        host: Type.String({
          default: '127.0.0.1',
          description: 'Address it listens on; 127.0.0.1 is for this machine only.',
        }),
        port: Type.Integer({
          minimum: 0,
          maximum: 65535,
          default: 8090,
          description: 'Port it listens on; 0: any free one.',
        }),
        names: Type.Array(Type.String({ pattern: '^[A-Za-z0-9.-]+$', maxLength: 253 }), {
          default: [],
          description:
            'Names browsers may call it by, beside addresses and localhost; others are refused.',
        }),
        tls: Type.Optional(
          Type.Object(
            {
              certFile: Type.String({ minLength: 1, description: 'Certificate (chain), PEM.' }),
              keyFile: Type.String({ minLength: 1, description: 'Its private key, PEM.' }),
            },
            {
              additionalProperties: false,
              description: 'Serves the page by HTTPS; without it passwords travel in the clear.',
            },
          ),
        ),
      },
      { additionalProperties: false, default: {}, description: 'The page on the plant network.' },
    ),
    policy: Type.Optional(
      Type.String({
        description: 'File with the targets this site allows; none: no remote access.',
      }),
    ),
    remoteConfig: Type.Object(
      {
        allow: Type.Boolean({
          default: false,
          description: 'Lets the cloud change `devices`; false: this file alone counts.',
        }),
        hosts: Type.Array(Type.String({ minLength: 1, maxLength: 253 }), {
          default: [],
          description:
            'Names, addresses or networks (10.0.5.0/24) that devices from the cloud may be at, beside those of this file.',
        }),
        allowWrites: Type.Boolean({
          default: false,
          description: 'Lets the cloud change which tags may be written, and their limits.',
        }),
      },
      {
        additionalProperties: false,
        default: {},
        description: 'What the cloud may change here; nothing unless it is said.',
      },
    ),
    devices: Type.Array(Type.Record(Type.String(), Type.Unknown()), {
      minItems: 1,
      description: 'What this gateway reads, one driver each.',
    }),
  },
  { additionalProperties: false },
)
export type GatewayFile = Static<typeof GatewayFile>

export interface GatewayConfig extends Omit<GatewayFile, 'devices'> {
  devices: DeviceConfig[]
  /** Folder of the configuration file: relative paths start here. */
  baseDir: string
  /** The site's own file. */
  source: SourceDocument
}

/** Reads, checks and resolves the file. Throws Fault 'config.invalid' with every problem at once. */
export async function loadGatewayConfig(file: string): Promise<GatewayConfig> {
  return (await readGatewayConfig(file)).config
}

/** The same together with the source, which knows the lines. */
export async function readGatewayConfig(
  file: string,
): Promise<{ config: GatewayConfig; source: SourceDocument }> {
  const source = await readConfigFile(file)
  const { config, problems } = await examineGateway(source, resolve(file, '..'))
  if (config && problems.length === 0) return { config, source }
  const sentences = problems.map((problem) => formatProblem(source, problem))
  throw configFault([...new Set(sentences)])
}

/** All that the schemas and the drivers refuse of a document; without problems there is a configuration. */
export async function examineGateway(
  source: SourceDocument,
  baseDir: string,
): Promise<{ config?: GatewayConfig; problems: ConfigProblem[] }> {
  const { value, problems } = examineConfig(source, GatewayFile)
  const base = problems.length === 0 ? (value as GatewayFile) : undefined
  const raw = (source.value as { devices?: unknown })?.devices
  const place = { site: String(base?.site), gateway: String(base?.gateway) }
  const checked = await checkDevices(Array.isArray(raw) ? raw : [], place)
  problems.push(...checked.problems)
  if (!base || problems.length > 0) return { problems }
  return { config: { ...base, devices: checked.devices, baseDir, source }, problems }
}

/** The site's own policy; none in the configuration: no target at all. Throws Fault 'config.invalid'. */
export async function loadPolicy(config: GatewayConfig): Promise<Policy> {
  return (await readPolicy(config))?.policy ?? { targets: [] }
}

/** The same together with the source; undefined where the configuration names none. */
export async function readPolicy(
  config: GatewayConfig,
): Promise<{ policy: Policy; source: SourceDocument } | undefined> {
  if (config.policy === undefined) return undefined
  const source = await readConfigFile(resolve(config.baseDir, config.policy))
  const policy = checkConfig(source, Policy, (value) =>
    policyProblems(value).map(({ path, problem }) => ({
      path: path
        .split('/')
        .slice(1)
        .map((part) => (/^\d+$/.test(part) ? Number(part) : part)),
      say: problem,
    })),
  )
  return { policy, source }
}
