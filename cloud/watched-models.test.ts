/** Configured models, stages and rules together: who watches an asset, under which tags, and who may raise what. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readModelFolder, sha256Hex } from '../models/manifest.ts'
import type { TagId } from '../protocol/model.ts'
import { openAudit } from './audit/audit.ts'
import { factsOf, registerConfiguredModels } from './configured-models.ts'
import type { AssetConfig } from './fleet/fleet-config.ts'
import { openModelSigner } from './identity/model-signer.ts'
import { namedTags } from './models-of.ts'
import { openRegistry } from './registry/registry.ts'
import { openStore } from './store/store.ts'
import { createModelLoader, rulesOf, watchedModels } from './watched-models.ts'

const shipped = resolve(import.meta.dirname, '..', 'models', 'shipped', 'hydraulic-press')
const { manifest } = await readModelFolder(shipped)
const ina = { login: 'ina' }
const press: AssetConfig = {
  ...{ id: 'press', site: 'plant', name: 'Press', kind: 'press', model: 'shipped:hydraulic-press' },
  ...{ targets: [], recovery: { holdMs: 0 }, alarm: { severity: 700 } },
  tags: manifest.tags.map(({ name }): TagId => `plant/gw/plc/${name}`),
}

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mimamori-watched-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

async function open(asset = press) {
  const store = await openStore({ file: join(dir, 'state.db') })
  const registry = await openRegistry({
    ...{ store, audit: await openAudit(store), dir: join(dir, 'models') },
    signer: await openModelSigner(join(dir, 'pki')),
    onChange: () => undefined,
  })
  await registerConfiguredModels(registry, { assets: [asset], baseDir: dir })
  const look = async () => {
    const watched = await watchedModels(registry, createModelLoader(registry), [asset])
    return { watched, rules: rulesOf(watched, [asset]) }
  }
  /** A younger version of the same file, with hard rules when it is of drifting tags. */
  const add = async (kind: 'multivariate' | 'one-tag', name: string) => {
    const files = {
      'model.onnx': await readFile(join(shipped, 'model.onnx')),
      'manifest.json': await readFile(join(shipped, 'manifest.json')),
    }
    if (kind === 'one-tag') {
      const rules = { low: 0, high: 1, maxStep: 1 }
      const tags = manifest.tags.map((tag) => ({ ...tag, rules }))
      files['manifest.json'] = Buffer.from(JSON.stringify({ ...manifest, kind, tags }))
    }
    const own = { asset: 'press', site: 'plant', name, kind, facts: factsOf(manifest), files }
    const rest = { source: 'trained', stage: 'shadow', createdBy: 'ina' } as const
    return (await registry.register({ ...own, ...rest, periods: [] })).id
  }
  return { registry, look, add, [Symbol.asyncDispose]: () => store[Symbol.asyncDispose]() }
}

const because = (stage: 'active' | 'canary' | 'retired') => ({ stage, reason: 'as agreed' })

test('the model of the configuration is version 1, active, at the first start and at no other', async () => {
  for (let start = 0; start < 2; start++) {
    await using t = await open()
    const versions = await t.registry.list({})
    expect(versions).toMatchObject([
      { asset: 'press', name: 'hydraulic-press', version: 1, stage: 'active', source: 'shipped' },
    ])
    const { watched, rules } = await t.look()
    expect(watched).toMatchObject([
      { isPrimary: true, outputs: { ratio: 'Ratio' }, tags: { PS1: 'plant/gw/plc/PS1' } },
    ])
    expect(rules).toMatchObject([
      {
        ...{ id: 'press:ratio', tag: 'plant/cloud/press/Model/Ratio', severity: 700 },
        ...{ opensCase: true, onDelayMs: manifest.onDelayMs, peakClear: manifest.peakClear },
        model: versions[0]?.id,
      },
    ])
  }
})

test('a newer file of the configuration takes over, but not from a version that a person made active', async () => {
  const own = { ...press, model: 'mine' }
  await cp(shipped, join(dir, 'mine'), { recursive: true })
  const renew = async (version: number) => {
    const text = JSON.stringify({ ...manifest, version })
    const bytes = Buffer.concat([
      await readFile(join(shipped, 'model.onnx')),
      Buffer.from([version]),
    ])
    await writeFile(join(dir, 'mine', 'model.onnx'), bytes)
    const files = { 'model.onnx': sha256Hex(bytes) }
    await writeFile(
      join(dir, 'mine', 'manifest.json'),
      JSON.stringify({ ...JSON.parse(text), files }),
    )
  }
  const stages = async () => {
    await using t = await open(own)
    return (await t.registry.list({})).map(({ version, stage }) => `${version} ${stage}`).sort()
  }
  expect(await stages()).toEqual(['1 active'])
  await renew(2)
  expect(await stages()).toEqual(['1 retired', '2 active'])
  {
    await using t = await open(own)
    await t.registry.setStage(ina, await t.add('multivariate', 'press'), because('active'))
  }
  await renew(3)
  expect(await stages()).toEqual(['1 active', '1 retired', '2 retired', '3 shadow'])
})

test('a shadow is silent, a canary is for awareness, a second active model speaks beside the first', async () => {
  await using t = await open()
  const canary = await t.add('multivariate', 'press')
  const drifting = await t.add('one-tag', 'press-drifting')
  expect((await t.look()).rules.map(({ id }) => id)).toEqual(['press:ratio'])
  await t.registry.setStage(ina, canary, because('canary'))
  await t.registry.setStage(ina, drifting, because('active'))
  const { watched, rules } = await t.look()
  expect(watched.filter(({ isPrimary }) => isPrimary)).toHaveLength(1)
  const told = rules.map(({ id, tag, severity, opensCase }) => [
    id,
    tag.split('Model/')[1],
    severity,
    opensCase,
  ])
  expect(told).toEqual(
    expect.arrayContaining([
      ['press:ratio', 'Ratio', 700, true],
      [`press:trial:${canary}`, 'press-v1/Ratio', 100, false],
      ['press:drifting', 'press-drifting-v1/Ratio', 700, true],
      ['press:drifting:rules', 'press-drifting-v1/Breaches', 700, true],
    ]),
  )
  expect(rules.find(({ id }) => id === 'press:drifting:rules')).toMatchObject({ onDelayMs: 0 })
  await t.registry.setStage(ina, canary, because('active'))
  const after = await t.look()
  expect(after.rules.find(({ id }) => id === 'press:ratio')?.model).toBe(canary)
  expect(after.watched.find(({ id }) => id === canary)?.outputs.ratio).toBe('Ratio')
})

test('a version whose file was changed watches with its problem, so that its asset is unknown and not healthy', async () => {
  await using t = await open()
  const [version] = await t.registry.list({})
  await rm(join(dir, 'models', version!.id, 'model.onnx'))
  const { watched, rules } = await t.look()
  expect(watched[0]?.model).toEqual({
    problem:
      'The model hydraulic-press version 1 is not what was registered: model.onnx is missing.',
  })
  expect(rules.map(({ id }) => id)).toEqual(['press:ratio'])
})

test('tags of two devices with one name are told apart by the device', async () => {
  const tags: TagId[] = ['s/g/left/heat', 's/g/right/heat', 's/g/right/flow']
  expect(namedTags({ ...press, tags, modelTags: { own: 's/g/right/flow' } })).toEqual({
    ...{ 'left/heat': 's/g/left/heat', 'right/heat': 's/g/right/heat' },
    ...{ flow: 's/g/right/flow', own: 's/g/right/flow' },
  })
})
