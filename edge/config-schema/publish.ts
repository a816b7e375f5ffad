/** The JSON Schemas that editors read, made from the schemas the gateway itself checks with. */
import type { TObject } from 'typebox'
import { GatewayFile } from '../config.ts'
import { deviceSchema } from '../device-config.ts'
import { driverNames, loadDriver } from '../drivers/registry.ts'
import { Policy } from '../tunnel/policy.ts'

/** Draft 2020-12, as far as we look into it. */
export interface JsonSchema {
  properties?: Record<string, JsonSchema>
  required?: string[]
  default?: unknown
  [keyword: string]: unknown
}

const DRAFT = 'https://json-schema.org/draft/2020-12/schema'

/** The schema of `gateway.yaml`; which words a device knows depends on its `driver`. */
export async function createGatewaySchema(): Promise<JsonSchema> {
  const modules = await Promise.all(
    driverNames.map(async (name) => ({ name, schema: deviceSchema(await loadDriver(name)) })),
  )
  const devices = Object.fromEntries(
    modules.map(({ name, schema }) => [`${name}-device`, createDeviceSchema(name, schema)]),
  )
  const root = toEditorSchema(GatewayFile)
  const list = root.properties?.devices
  return {
    $schema: DRAFT,
    title: 'Mimamori gateway configuration',
    ...root,
    properties: {
      ...root.properties,
      devices: { ...list, items: createDeviceChoice() },
    },
    $defs: devices,
  }
}

/** The schema of the policy file. */
export function createPolicySchema(): JsonSchema {
  return { $schema: DRAFT, title: 'Mimamori remote access policy', ...toEditorSchema(Policy) }
}

/** The file as it lies beside this one. */
export function formatSchema(schema: JsonSchema): string {
  return `${JSON.stringify(schema, undefined, 2)}\n`
}

function createDeviceSchema(name: string, schema: TObject): JsonSchema {
  const device = toEditorSchema(schema)
  const driver = { ...device.properties?.driver, const: name }
  return { ...device, properties: { ...device.properties, driver } }
}

/** `if`/`then` rather than `oneOf`: an editor then reports one driver's mistakes, not every driver's. */
function createDeviceChoice(): JsonSchema {
  return {
    type: 'object',
    description: 'One device; its driver decides which other words it knows.',
    required: ['driver'],
    properties: { driver: { enum: [...driverNames], description: 'What speaks to the device.' } },
    allOf: driverNames.map((name) => ({
      if: { properties: { driver: { const: name } }, required: ['driver'] },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: { $ref: `#/$defs/${name}-device` },
    })),
  }
}

/** A plain copy in which nothing is required that has a default. */
function toEditorSchema(schema: object): JsonSchema {
  return relax(JSON.parse(JSON.stringify(schema))) as JsonSchema
}

function relax(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(relax)
  if (typeof node !== 'object' || node === null) return node
  const copy = Object.fromEntries(
    Object.entries(node).map(([key, value]) => [key, key === 'default' ? value : relax(value)]),
  ) as JsonSchema
  const { required, properties } = copy
  if (!Array.isArray(required) || !properties) return copy
  return { ...copy, required: required.filter((key) => properties[key]?.default === undefined) }
}
