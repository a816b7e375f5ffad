/** The devices of a gateway's configuration: each checked by its driver's own schema, then turned into tags and groups. */
import { type Static, type TObject, type TProperties, Type } from 'typebox'
import { Default } from 'typebox/value'
import { type ConfigProblem, findProblems, type Path } from '../protocol/kit/schema.ts'
import { dataTypes, formatTagId, type Tag } from '../protocol/model.ts'
import {
  type CounterConfig,
  type CounterPlan,
  CounterSchema,
  derivedTags,
  lintCounters,
  planCounters,
} from './counters/counter-schema.ts'
import {
  type DriverModule,
  type DriverName,
  driverNames,
  isDriverName,
  loadDriver,
  sayUnknownDriver,
} from './drivers/registry.ts'

/** Ids are Sparkplug topic parts (tck-id-topic-structure-namespace-valid-*): no `+`, `/`, `#`, no white space. */
export const ConfigId = (say: string) =>
  Type.String({ ...idRule, description: `${say} Letters, digits, "_", "." and "-".` })
const idRule = { minLength: 1, maxLength: 64, pattern: '^[A-Za-z0-9_.-]+$' }

/** A tag without it is never written, whoever asks. */
const WriteSchema = Type.Object(
  {
    min: Type.Optional(Type.Number({ description: 'Nothing below it is written, after scale.' })),
    max: Type.Optional(Type.Number({ description: 'Nothing above it is written, after scale.' })),
    maxPerMinute: Type.Integer({
      minimum: 1,
      maximum: 600,
      default: 6,
      description: 'Writes let through in any minute.',
    }),
    dryRun: Type.Boolean({
      default: false,
      description: 'Orders are checked and put on record, nothing is written.',
    }),
  },
  {
    additionalProperties: false,
    description: 'Lets the cloud write this tag, within these limits.',
  },
)

/** What every tag may have beside its driver's address. */
const tagFields = {
  name: Type.String({ minLength: 1, maxLength: 200, description: 'Of the tag, in its device.' }),
  type: Type.Union(
    dataTypes.map((type) => Type.Literal(type)),
    { description: 'Sparkplug data type of the value after conditioning.' },
  ),
  unit: Type.Optional(Type.String({ maxLength: 20, description: 'Engineering unit, e.g. bar.' })),
  description: Type.Optional(Type.String({ maxLength: 500, description: 'For people.' })),
  scale: Type.Optional(Type.Number({ description: 'value = raw × scale + offset' })),
  offset: Type.Optional(Type.Number({ description: 'value = raw × scale + offset' })),
  min: Type.Optional(Type.Number({ description: 'Below it the quality is bad.' })),
  max: Type.Optional(Type.Number({ description: 'Above it the quality is bad.' })),
  deadband: Type.Optional(
    Type.Number({ minimum: 0, description: 'Smaller changes are not reported.' }),
  ),
  write: Type.Optional(WriteSchema),
  counter: Type.Optional(CounterSchema),
}

/** What every group has, whatever the driver. */
const groupFields = {
  name: ConfigId('Name of the group, for logs and metrics.'),
  intervalMs: Type.Integer({ minimum: 50, maximum: 86_400_000, description: 'Period of reads.' }),
  mode: Type.Union([Type.Literal('poll'), Type.Literal('subscribe')], {
    default: 'poll',
    description: 'poll reads at the interval; subscribe lets the device push changes.',
  }),
  maxSilenceMs: Type.Integer({
    minimum: 1000,
    default: 60_000,
    description: 'An unchanged value is repeated after this.',
  }),
}

export interface TagConfig {
  tag: Tag
  scale?: number
  offset?: number
  min?: number
  max?: number
  deadband?: number
  /** Absent: never written. */
  write?: Static<typeof WriteSchema>
  counter?: CounterConfig
}

export interface GroupConfig {
  name: string
  intervalMs: number
  mode: 'poll' | 'subscribe'
  maxSilenceMs: number
  tags: TagConfig[]
}

export interface DeviceConfig {
  id: string
  driver: DriverName
  /** Checked by the driver's schema, defaults filled in. */
  options: Record<string, unknown>
  groups: GroupConfig[]
  /** Tags of it that count up. */
  counters: CounterPlan[]
}

export interface Place {
  site: string
  gateway: string
}

/** Checks each device against the schema made of ours and its driver's. */
export async function checkDevices(
  raw: readonly unknown[],
  place: Place,
): Promise<{ devices: DeviceConfig[]; problems: ConfigProblem[] }> {
  const devices: DeviceConfig[] = []
  const problems: ConfigProblem[] = []
  for (const [index, value] of raw.entries()) {
    const path = ['devices', index]
    const name = (value as { driver?: unknown } | null)?.driver
    if (!isDriverName(name)) {
      problems.push({ path: [...path, 'driver'], say: sayUnknownDriver(name) })
      continue
    }
    const module = await loadDriver(name)
    const schema = deviceSchema(module)
    const filled = Default(schema, structuredClone(value)) as RawDevice
    const found = findProblems(schema, filled, path)
    problems.push(...found)
    if (found.length > 0) continue
    const device = createDevice(filled, module, place)
    const twin = devices.findIndex((other) => other.id === device.id)
    if (twin >= 0) problems.push({ path: [...path, 'id'], say: `devices[${twin}] has this id too` })
    problems.push(...lintDevice(device, module, path))
    devices.push(device)
  }
  return { devices, problems }
}

/** Every tag of a device, in the order of its groups; then those that its counters make. */
export function tagsOf({ groups, counters }: DeviceConfig): Tag[] {
  return [...groups.flatMap(({ tags }) => tags.map(({ tag }) => tag)), ...derivedTags(counters)]
}

/** A pushed reading may be as old as this when it arrives. */
export function publishingMs({ options }: DeviceConfig): number {
  return Number(options.publishingIntervalMs ?? 0)
}

/** The whole schema of one device: also the editor's completion. */
export function deviceSchema(module: DriverModule): TObject {
  const tag = Type.Object(
    { ...tagFields, ...module.addressSchema.properties },
    { additionalProperties: false },
  )
  const group = Type.Object(
    {
      ...groupFields,
      ...module.groupSchema?.properties,
      tags: Type.Array(tag, { minItems: 1, description: 'What is read together.' }),
    },
    { additionalProperties: false },
  )
  const properties: TProperties = {
    id: ConfigId('The device: Sparkplug device id.'),
    driver: Type.String({ description: `One of ${driverNames.join(', ')}.` }),
    ...module.optionsSchema.properties,
    groups: Type.Array(group, {
      minItems: 1,
      description: 'Tags by how often they are read.',
    }),
  }
  return Type.Object(properties, { additionalProperties: false })
}

type RawTag = Omit<TagConfig, 'tag'> & Pick<Tag, 'name' | 'type' | 'unit' | 'description'>
interface RawDevice {
  id: string
  driver: DriverName
  groups: (Omit<GroupConfig, 'tags'> & { tags: RawTag[] })[]
  [option: string]: unknown
}

function createDevice(raw: RawDevice, module: DriverModule, place: Place): DeviceConfig {
  const { id, driver, groups: rawGroups, ...options } = raw
  const where = { ...place, device: id }
  const groups = rawGroups.map(({ tags, ...group }) => {
    const shared = pick(group, module.groupSchema)
    return { ...group, tags: tags.map((tag) => createTag({ ...shared, ...tag }, module, where)) }
  })
  const counters = planCounters(groups.flatMap(({ tags }) => tags))
  return { id, driver, options, groups, counters }
}

function createTag(
  raw: RawTag,
  module: DriverModule,
  place: Place & { device: string },
): TagConfig {
  const { name, type, unit, description, scale, offset, min, max, deadband, ...others } = raw
  const { write, counter, ...rest } = others
  const address = pick(rest, module.addressSchema)
  const tag: Tag = { id: formatTagId({ ...place, name }), name, type, unit, description, address }
  return { tag, scale, offset, min, max, deadband, write, counter }
}

function pick(from: object, schema?: TObject): Record<string, unknown> {
  const known = Object.entries(from).filter(([key]) => key in (schema?.properties ?? {}))
  return Object.fromEntries(known)
}

function lintDevice(device: DeviceConfig, module: DriverModule, path: Path): ConfigProblem[] {
  const problems: ConfigProblem[] = []
  const seen = new Map<string, string>()
  const wrong = module.lintOptions?.(device.options)
  if (wrong) problems.push({ path, say: wrong })
  for (const [g, group] of device.groups.entries()) {
    if (group.mode === 'subscribe' && module.canSubscribe !== true) {
      const say = `a ${device.driver} device cannot be subscribed to; use poll`
      problems.push({ path: [...path, 'groups', g, 'mode'], say })
    }
    for (const [t, { tag }] of group.tags.entries()) {
      const place = [...path, 'groups', g, 'tags', t]
      // Sparkplug: names should not differ by case alone (tck-id-case-sensitivity-metric-names)
      const twin = seen.get(tag.name.toLowerCase())
      if (twin) problems.push({ path: [...place, 'name'], say: `${twin} has this name too` })
      seen.set(tag.name.toLowerCase(), `groups[${g}].tags[${t}]`)
      const said = module.lintTag?.(tag)
      if (said) problems.push({ path: place, say: said })
    }
  }
  const places = device.groups.flatMap(({ tags }, g) =>
    tags.map((_, t) => ['groups', g, 'tags', t]),
  )
  const all = device.groups.flatMap(({ tags }) => tags)
  problems.push(...lintCounters(all, (index) => [...path, ...(places[index] ?? [])]))
  return problems
}
