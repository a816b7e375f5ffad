/** The gateway's configuration file: its schema, its lint, and the devices it makes of it. */
import { resolve } from 'node:path'
import { type Static, type TSchema, Type } from 'typebox'
import {
  type ConfigProblem,
  checkConfig,
  configFault,
  findProblems,
  formatProblem,
  nearest,
  readConfigFile,
  type SourceDocument,
} from '../protocol/kit/schema.ts'
import { dataTypes, formatTagId, type Tag } from '../protocol/model.ts'
import { type DriverModule, driverNames, isDriverName, loadDriver } from './drivers/registry.ts'

/** Ids are Sparkplug topic parts (tck-id-topic-structure-namespace-valid-*): no `+`, `/`, `#`, no white space. */
const Id = (description: string) =>
  Type.String({ minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9_.-]+$', description })

const Group = Type.Object(
  {
    name: Id('Name of the group, for logs and metrics.'),
    intervalMs: Type.Integer({ minimum: 50, maximum: 86_400_000, description: 'Period of the reads.' }),
    mode: Type.Union([Type.Literal('poll'), Type.Literal('subscribe')], {
      default: 'poll',
      description: 'poll reads at the interval; subscribe lets the device push changes.',
    }),
    maxSilenceMs: Type.Optional(
      Type.Integer({ minimum: 1000, description: 'An unchanged value is repeated after this.' }),
    ),
    tags: Type.Array(Type.Record(Type.String(), Type.Unknown()), { minItems: 1 }),
  },
  { additionalProperties: false },
)

/** What every tag may have beside its driver's address. */
const tagFields = {
  name: Type.String({ minLength: 1, maxLength: 200, description: 'Name of the tag in its device.' }),
  type: Type.Union(
    dataTypes.map((type) => Type.Literal(type)),
    { description: 'Sparkplug data type of the value after conditioning.' },
  ),
  unit: Type.Optional(Type.String({ maxLength: 20, description: 'Engineering unit, e.g. bar.' })),
  description: Type.Optional(Type.String({ maxLength: 500 })),
  scale: Type.Optional(Type.Number({ description: 'value = raw × scale + offset' })),
  offset: Type.Optional(Type.Number()),
  min: Type.Optional(Type.Number({ description: 'Below: bad quality.' })),
  max: Type.Optional(Type.Number({ description: 'Above: bad quality.' })),
  deadband: Type.Optional(
    Type.Number({ minimum: 0, description: 'Smaller changes are not reported.' }),
  ),
}

/** The file `gateway.yaml`; devices are checked a second time by their driver's own schema. */
export const GatewayFile = Type.Object(
  {
    site: Id('The site: Sparkplug group id.'),
    gateway: Id('This gateway: Sparkplug edge node id.'),
    dataDir: Type.String({ description: 'Where the outbox and the certificates live.' }),
    cloud: Type.Object(
      {
        mqttUrl: Type.String({ pattern: '^mqtts?://', description: 'mqtts://host:port' }),
        tunnelHost: Type.String(),
        tunnelPort: Type.Integer({ minimum: 1, maximum: 65535 }),
        serverName: Type.Optional(Type.String({ description: 'Name in the cloud certificate.' })),
        credentials: Type.String({
          description: 'Folder made by `mimamori enrol`: key.pem, cert.pem, ca.pem, grant-key.json.',
        }),
        primaryHost: Type.String({ default: 'mimamori', description: 'Sparkplug host id.' }),
      },
      { additionalProperties: false },
    ),
    delivery: Type.Union([Type.Literal('acknowledged'), Type.Literal('state')], {
      default: 'acknowledged',
      description: 'acknowledged: our cloud confirms what it stored; state: any Sparkplug host.',
    }),
    outbox: Type.Object(
      {
        maxBytes: Type.Integer({ minimum: 1_000_000, default: 1_000_000_000 }),
        maxAgeHours: Type.Number({ exclusiveMinimum: 0, default: 744 }),
      },
      { additionalProperties: false, default: {} },
    ),
    local: Type.Object(
      {
        host: Type.String({ default: '127.0.0.1' }),
        port: Type.Integer({ minimum: 0, maximum: 65535, default: 8090 }),
      },
      { additionalProperties: false, default: {}, description: 'The page on the plant network.' },
    ),
    policy: Type.Optional(
      Type.String({ description: 'File with the targets this site allows; none: no remote access.' }),
    ),
    devices: Type.Array(Type.Record(Type.String(), Type.Unknown()), { minItems: 1 }),
  },
  { additionalProperties: false },
)
export type GatewayFile = Static<typeof GatewayFile>

export interface TagConfig {
  tag: Tag
  scale?: number
  offset?: number
  min?: number
  max?: number
  deadband?: number
}

export interface GroupConfig {
  name: string
  intervalMs: number
  mode: 'poll' | 'subscribe'
  maxSilenceMs?: number
  tags: TagConfig[]
}

export interface DeviceConfig {
  id: string
  driver: string
  /** Checked by the driver's schema, defaults filled in. */
  options: Record<string, unknown>
  groups: GroupConfig[]
}

export interface GatewayConfig extends Omit<GatewayFile, 'devices'> {
  devices: DeviceConfig[]
  /** Folder of the configuration file: relative paths start here. */
  baseDir: string
}

/** Reads, checks and resolves the file. Throws Fault 'config.invalid' with every problem at once. */
export async function loadGatewayConfig(file: string): Promise<GatewayConfig> {
  const source = await readConfigFile(file)
  const baseDir = resolve(file, '..')
  let base: GatewayFile | undefined
  const sentences: string[] = []
  try {
    base = checkConfig(source, GatewayFile)
  } catch (error) {
    sentences.push(...problemsOf(error))
  }
  const raw = (source.value as { devices?: unknown })?.devices
  const { devices, problems } = await checkDevices(Array.isArray(raw) ? raw : [], source)
  sentences.push(...problems.map((problem) => formatProblem(source, problem)))
  if (sentences.length > 0 || !base) throw configFault([...new Set(sentences)])
  return { ...base, devices, baseDir }
}

function problemsOf(error: unknown): string[] {
  const detail = (error as { detail?: { problems?: string } }).detail
  if (detail?.problems === undefined) throw error
  return detail.problems.split('\n')
}

async function checkDevices(
  raw: unknown[],
  source: SourceDocument,
): Promise<{ devices: DeviceConfig[]; problems: ConfigProblem[] }> {
  const ids = source.value as { site?: unknown; gateway?: unknown }
  const place = { site: String(ids.site), gateway: String(ids.gateway) }
  const devices: DeviceConfig[] = []
  const problems: ConfigProblem[] = []
  for (const [index, value] of raw.entries()) {
    const path = ['devices', index]
    const device = (value ?? {}) as Record<string, unknown>
    if (!isDriverName(device.driver)) {
      problems.push({ path: [...path, 'driver'], say: sayDriver(device.driver) })
      continue
    }
    const module = await loadDriver(device.driver)
    const schema = deviceSchema(module)
    const found = findProblems(schema, withDefaults(schema, device), path)
    problems.push(...found)
    if (found.length > 0) continue
    const made = createDevice(withDefaults(schema, device), place)
    const twin = devices.findIndex((other) => other.id === made.id)
    if (twin >= 0) problems.push({ path: [...path, 'id'], say: `"${made.id}" is already devices[${twin}]` })
    problems.push(...lintTags(made, path))
    devices.push(made)
  }
  return { devices, problems }
}

function sayDriver(name: unknown): string {
  if (name === undefined) return `"driver" is missing; known are ${driverNames.join(', ')}`
  const near = nearest(String(name), driverNames)
  return near
    ? `unknown driver "${name}", did you mean "${near}"?`
    : `unknown driver "${name}"; known are ${driverNames.join(', ')}`
}
