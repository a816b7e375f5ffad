/** The cloud's configuration file: its schema and its lint. */
import { resolve } from 'node:path'
import { type Static, Type } from 'typebox'
import { type ConfigProblem, checkConfig, readConfigFile } from '../protocol/kit/schema.ts'
import { checkFleet, FleetConfig } from './fleet/fleet-config.ts'

const Host = Type.String({
  minLength: 1,
  default: '127.0.0.1',
  description: 'Address to listen on.',
})
const Port = (fallback: number, description: string) =>
  Type.Integer({ minimum: 0, maximum: 65535, default: fallback, description })

const Broker = Type.Union([
  Type.Object(
    {
      kind: Type.Literal('embedded'),
      host: Host,
      port: Port(8883, 'MQTT over TLS; gateways show a client certificate.'),
    },
    { additionalProperties: false },
  ),
  Type.Object(
    {
      kind: Type.Literal('external'),
      url: Type.String({ pattern: '^mqtts?://', description: 'mqtts://host:port' }),
      ca: Type.Optional(Type.String({ description: 'PEM file of the CA that signed the broker.' })),
      cert: Type.Optional(Type.String({ description: 'PEM file: our client certificate.' })),
      key: Type.Optional(Type.String({ description: 'PEM file: its key.' })),
    },
    { additionalProperties: false },
  ),
])

const Historian = Type.Union([
  Type.Object({ kind: Type.Literal('duckdb') }, { additionalProperties: false }),
  Type.Object(
    {
      kind: Type.Literal('influx'),
      url: Type.String({ pattern: '^https?://' }),
      database: Type.String({ description: 'Database (1.x) or bucket (2.x).' }),
      api: Type.Union([Type.Literal('v1'), Type.Literal('v2')], { default: 'v2' }),
      org: Type.Optional(Type.String()),
      tokenEnv: Type.Optional(Type.String({ description: 'Environment variable with the token.' })),
      username: Type.Optional(Type.String()),
      passwordEnv: Type.Optional(
        Type.String({ description: 'Environment variable with the password.' }),
      ),
    },
    { additionalProperties: false },
  ),
])

/** What is in use, the way back from it, and what a case refers to is kept in any case. */
const KeptVersions = (keepVersions: number, keepDays: number, of: string) =>
  Type.Object(
    {
      keepVersions: Type.Integer({
        minimum: 2,
        default: keepVersions,
        description: `The newest so many ${of} are kept.`,
      }),
      keepDays: Type.Number({
        minimum: 1,
        default: keepDays,
        description: 'So is whatever was in use or changed within so many days.',
      }),
    },
    { additionalProperties: false, default: {} },
  )

/** The file `cloud.yaml`. */
export const CloudFile = Type.Object(
  {
    dataDir: Type.String({ description: 'Keys, state, historian and recordings live here.' }),
    serverNames: Type.Array(Type.String(), {
      default: [],
      description: 'Further names and addresses in the server certificate.',
    }),
    hostId: Type.String({ default: 'mimamori', description: 'Sparkplug host id.' }),
    http: Type.Object(
      {
        host: Host,
        port: Port(8080, 'Console and API.'),
        publicUrl: Type.Optional(
          Type.String({ pattern: '^https?://', description: 'The console as browsers reach it.' }),
        ),
        trustedProxies: Type.Array(Type.String(), {
          default: [],
          description: 'Addresses of reverse proxies whose X-Forwarded-* headers are believed.',
        }),
      },
      { additionalProperties: false, default: {} },
    ),
    hmi: Type.Object(
      {
        host: Host,
        port: Port(8081, 'Web HMIs, each session on a host name of its own.'),
        publicUrl: Type.Optional(
          Type.String({
            pattern: '^https?://',
            description: 'Base of the host names browsers use, e.g. https://hmi.example.com',
          }),
        ),
      },
      { additionalProperties: false, default: {} },
    ),
    broker: Broker,
    tunnel: Type.Object(
      {
        host: Host,
        port: Port(8884, 'Gateways dial in here with TLS 1.3.'),
        certificateDays: Type.Number({
          exclusiveMinimum: 0,
          maximum: 825,
          default: 30,
          description: 'Life of a gateway certificate; it is renewed at two thirds of it.',
        }),
        renewEndedDays: Type.Number({
          minimum: 0,
          default: 60,
          description:
            'So long after its end a certificate may still be renewed, and do nothing else; 0: never.',
        }),
      },
      { additionalProperties: false, default: {} },
    ),
    historian: Historian,
    retention: Type.Object(
      {
        maxAgeDays: Type.Number({
          exclusiveMinimum: 0,
          default: 400,
          description: 'Samples older than this are dropped.',
        }),
        models: Type.Object(
          {
            ...KeptVersions(10, 90, 'retired versions of models, of an asset and name').properties,
            keepAutomatic: Type.Integer({
              minimum: 1,
              default: 3,
              description:
                'So many versions that nobody asked for stay in shadow, of an asset and name.',
            }),
            keepJobs: Type.Integer({
              minimum: 1,
              default: 20,
              description:
                'The newest so many trainings of an asset are kept, with their back-tests.',
            }),
          },
          { additionalProperties: false, default: {} },
        ),
        gatewayConfigs: KeptVersions(20, 365, 'versions of the configuration of a gateway'),
      },
      { additionalProperties: false, default: {} },
    ),
    store: Type.Object(
      {
        urlEnv: Type.Optional(
          Type.String({ description: 'Variable with a postgres:// URL; none: SQLite in dataDir.' }),
        ),
      },
      { additionalProperties: false, default: {} },
    ),
    hooks: Type.Object(
      {
        grafanaTokenEnv: Type.Optional(
          Type.String({ description: 'Variable with the webhook token.' }),
        ),
      },
      { additionalProperties: false, default: {} },
    ),
    fleet: FleetConfig,
  },
  { additionalProperties: false },
)
export type CloudFile = Static<typeof CloudFile>

export interface CloudConfig extends CloudFile {
  /** Folder of the configuration file: relative paths start here. */
  baseDir: string
}

/** Reads and checks the file. Throws Fault 'config.invalid' with every problem at once. */
export async function loadCloudConfig(file: string): Promise<CloudConfig> {
  const source = await readConfigFile(file)
  return { ...checkConfig(source, CloudFile, lintCloud), baseDir: resolve(file, '..') }
}

/** What a schema cannot say: names that must exist, variables that must be set. */
function lintCloud(value: CloudFile): ConfigProblem[] {
  return [...lintFleet(value), ...lintEnvironment(value)]
}

function lintFleet({ fleet }: CloudFile): ConfigProblem[] {
  return checkFleet(fleet).map(({ path, problem }) => ({
    path: ['fleet', ...parsePath(path)],
    say: problem,
  }))
}

/** `assets[2].site` → ['assets', 2, 'site'] */
function parsePath(path: string): (string | number)[] {
  return [...path.matchAll(/([^.[\]]+)|\[(\d+)\]/g)].map(([, key, index]) =>
    index === undefined ? String(key) : Number(index),
  )
}

function lintEnvironment(value: CloudFile): ConfigProblem[] {
  const wanted: [path: string[], name: string | undefined][] = [
    [['store', 'urlEnv'], value.store.urlEnv],
    [['hooks', 'grafanaTokenEnv'], value.hooks.grafanaTokenEnv],
  ]
  if (value.historian.kind === 'influx') {
    wanted.push([['historian', 'tokenEnv'], value.historian.tokenEnv])
    wanted.push([['historian', 'passwordEnv'], value.historian.passwordEnv])
  }
  return wanted
    .filter(([, name]) => name !== undefined && !process.env[name])
    .map(([path, name]) => ({ path, say: `the environment variable ${name} is not set` }))
}
