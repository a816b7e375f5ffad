/** Configured models, stages and rules together: who watches an asset, under which tags, and who may raise what. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { innerFileNames } from '../models/inner-models.ts'
import { readModelFolder, sha256Hex } from '../models/manifest.ts'
import { SETTLE_ROWS } from '../models/modes.ts'
import { writeFolder } from '../models/train/model-folder.ts'
import { createModePlant, createVisits } from '../models/train/modes.fixture.ts'
import { NORMAL_FILE } from '../models/train/normal-rows.ts'
import { START } from '../models/train/plant.fixture.ts'
import { readInnerFiles } from '../models/train/scored-folder.ts'
import type { Table } from '../models/train/table.ts'
import { trainModes } from '../models/train/train-modes.ts'
import { quality, type Sample, type TagId } from '../protocol/model.ts'
import { openAudit } from './audit/audit.ts'
import { factsOf, registerConfiguredModels } from './configured-models.ts'
import type { AssetConfig } from './fleet/fleet-config.ts'
import { openDuckdbHistorian } from './historian/duckdb.ts'
import { openModelSigner } from './identity/model-signer.ts'
import { createPastReader, namedTags } from './models-of.ts'
import { openRegistry, type Registry } from './registry/registry.ts'
import { openStore } from './store/store.ts'
import { createModelFinder, createModelLoader, rulesOf, watchedModels } from './watched-models.ts'

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

test('the files of a version that watches no more are let go', async () => {
  await using t = await open()
  let reads = 0
  const load: Registry['load'] = (id) => {
    reads += 1
    return t.registry.load(id)
  }
  const loader = createModelLoader({ ...t.registry, load })
  const [version] = await t.registry.list({})
  const watched = async () => await watchedModels(t.registry, loader, [press])
  for (const ids of [[version!.id], []]) {
    await watched()
    await watched()
    loader.keep(new Set(ids))
  }
  expect(reads).toBe(1)
  await watched()
  expect(reads).toBe(2)
})

test('tags of two devices with one name are told apart by the device', async () => {
  const tags: TagId[] = ['s/g/left/heat', 's/g/right/heat', 's/g/right/flow']
  expect(namedTags({ ...press, tags, modelTags: { own: 's/g/right/flow' } })).toEqual({
    ...{ 'left/heat': 's/g/left/heat', 'right/heat': 's/g/right/heat' },
    ...{ flow: 's/g/right/flow', own: 's/g/right/flow' },
  })
})

/** A version with three modes, as a training writes it. */
async function addModes(registry: Registry) {
  const table = createModePlant({ seed: 1, visits: createVisits(5) })
  const trained = await trainModes(table, { name: 'turns', seed: 1, modeTag: 'state' })
  await writeFolder(join(dir, 'turns'), trained)
  const names = ['model.onnx', 'manifest.json', NORMAL_FILE, ...innerFileNames(trained.manifest)]
  const files = await readInnerFiles(join(dir, 'turns'), names)
  const own = { asset: 'press', site: 'plant', name: 'turns', kind: 'multivariate' } as const
  const rest = { source: 'trained', stage: 'shadow', createdBy: 'ina' } as const
  const facts = factsOf(trained.manifest)
  return await registry.register({ ...own, ...rest, periods: [], facts, files })
}

/** The table as a gateway would have told it; the mode by its changes only. */
async function openHistory({ names, columns, modes = [], rows }: Table) {
  const historian = await openDuckdbHistorian({ file: join(dir, 'history.duckdb') })
  const samples: Sample[] = []
  for (let row = 0; row < rows; row++) {
    const at = START + row * 1000
    const tell = (name: string, value: Sample['value']) =>
      samples.push({ tag: `plant/gw/plc/${name}`, at, value, quality: quality.good })
    for (const [i, name] of names.entries()) tell(name, columns[i]![row]!)
    if (modes[row] !== modes[row - 1]) tell('state', Number(modes[row]))
  }
  await historian.write(samples)
  return historian
}

test('a version with modes is watched with the tag of the mode, explained by the model of its mode, and refused whole', async () => {
  const names = ['flow', 'pressure', 'power', 'heat', 'state']
  const asset = { ...press, tags: names.map((name): TagId => `plant/gw/plc/${name}`) }
  await using t = await open(asset)
  const { id, modes, trainedRows } = await addModes(t.registry)
  expect(modes!.known.map(({ value }) => value)).toEqual(['1', '2', '0'])
  expect(trainedRows).toBe(modes!.known.reduce((sum, { rows }) => sum + rows, 0))
  const own = (await t.look()).watched.find((one) => one.id === id)!
  expect(Object.keys(own.tags).sort()).toEqual([...names].sort())
  expect('problem' in own.model ? [] : [...own.model.modes!.keys()]).toEqual(['1', '2', '0'])

  const visits = [
    ['1', 100],
    ['2', 100],
    ['9', 40],
  ] as const
  await using historian = await openHistory(createModePlant({ seed: 2, visits }))
  const parts = { registry: t.registry, loader: createModelLoader(t.registry), assets: [asset] }
  const find = createModelFinder({ ...parts, historian })
  const at = START + 150_000
  const found = await find(id, at)
  expect(found).toMatchObject({
    mode: { value: '2' },
    folder: { manifest: { name: 'turns-mode-2' } },
  })
  expect(await find(id, START + 220_000)).toBeUndefined()
  // To the model of mode 2 what was before it, and what may be half of before, is a gap.
  const past = await createPastReader(historian)(found!, at, 100)
  const isKnown = Array.from(past.at, (_, row) => !Number.isNaN(past.values[row * 4]))
  expect(isKnown.indexOf(true)).toBe(100 - 51 + SETTLE_ROWS)
  expect(isKnown.lastIndexOf(false)).toBe(isKnown.indexOf(true) - 1)

  const file = join(dir, 'models', id, 'modes', '3', 'model.onnx')
  await rm(file)
  const after = (await t.look()).watched.find((one) => one.id === id)!
  expect(after.model).toEqual({ problem: expect.stringContaining('modes/3/model.onnx is missing') })
})
