/** The published schemas are those of the code, whole, and agree with the gateway's own check. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Compile } from 'typebox/schema'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import {
  createGatewaySchema,
  createPolicySchema,
  formatSchema,
  type JsonSchema,
} from './publish.ts'

const here = import.meta.dirname
const root = join(here, '../..')

const published = [
  ['gateway.schema.json', createGatewaySchema, 'mimamori edge schema'],
  ['policy.schema.json', createPolicySchema, 'mimamori edge schema --policy'],
] as const

/** Every `properties` entry in a schema, with its place. */
function* properties(node: unknown, place = ''): Generator<[string, JsonSchema]> {
  if (typeof node !== 'object' || node === null) return
  for (const [key, value] of Object.entries(node)) {
    // The condition of an `if` names a property without describing it.
    if (key === 'if' || key === 'default') continue
    if (key === 'properties') {
      for (const [name, schema] of Object.entries(value as Record<string, JsonSchema>)) {
        yield [`${place}/${name}`, schema]
      }
    }
    yield* properties(value, `${place}/${key}`)
  }
}

describe.each(published)('%s', (file, create, command) => {
  it(`is what \`${command}\` prints`, async () => {
    const made = JSON.parse(formatSchema(await create()))
    const committed = JSON.parse(await readFile(join(here, file), 'utf8'))
    expect(committed, `run: ${command} > edge/config-schema/${file}`).toEqual(made)
  })

  it('describes every property', async () => {
    const all = [...properties(await create())]
    expect(all.length).toBeGreaterThan(8)
    const silent = all.filter(([, { description }]) => typeof description !== 'string')
    expect(silent.map(([place]) => place)).toEqual([])
  })
})

describe('the schema of the gateway in an editor', () => {
  const example = async () =>
    parse(await readFile(join(root, 'deploy/gateway/gateway.yaml'), 'utf8')) as {
      devices: Record<string, unknown>[]
    }

  it('accepts the example, which leaves out what has a default', async () => {
    const schema = Compile(await createGatewaySchema())
    expect(schema.Check(await example())).toBe(true)
  })

  it('knows the words of a device by its driver', async () => {
    const schema = Compile(await createGatewaySchema())
    const config = await example()
    const [press, chiller] = config.devices
    const refused = (devices: unknown[]) => !schema.Check({ ...config, devices })
    expect(refused([press, chiller])).toBe(false)
    expect(refused([{ ...press, byteOrder: 'CDAB' }])).toBe(true)
    expect(refused([{ ...chiller, byteOrder: 'CDAB' }])).toBe(false)
    expect(refused([{ ...chiller, driver: 'modbuss' }])).toBe(true)
    expect(refused([{ ...chiller, groups: undefined }])).toBe(true)
  })

  it('accepts the example of the policy and refuses a right that does not exist', async () => {
    const schema = Compile(createPolicySchema())
    const policy = parse(await readFile(join(root, 'deploy/gateway/policy.yaml'), 'utf8'))
    expect(schema.Check(policy)).toBe(true)
    const [target] = policy.targets
    expect(schema.Check({ targets: [{ ...target, rights: ['everything'] }] })).toBe(false)
  })
})
