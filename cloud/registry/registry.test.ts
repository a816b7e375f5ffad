/** The registry on a real store, folder and key: versions, stages, roll-back, and files that were changed behind its back. */
import { chmod, copyFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openAudit } from '../audit/audit.ts'
import { openModelSigner } from '../identity/model-signer.ts'
import { openStore } from '../store/store.ts'
import { type NewModel, openRegistry } from './registry.ts'

const ina = { login: 'ina' }
let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mimamori-registry-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

async function open() {
  const store = await openStore({ file: join(dir, 'state.db') })
  const audit = await openAudit(store)
  const clock = { now: 1_700_000_000_000 }
  const changes: string[] = []
  const registry = await openRegistry({
    ...{ store, audit, dir: join(dir, 'models'), now: () => clock.now++ },
    signer: await openModelSigner(join(dir, 'pki')),
    onChange: ({ asset }) => void changes.push(asset),
  })
  const acts = async () =>
    (await audit.list({ limit: 20 })).map(({ action, outcome }) => `${action} ${outcome}`)
  return {
    ...{ store, audit, registry, changes, acts },
    [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
  }
}

const wanted = (change: Partial<NewModel> = {}): NewModel => ({
  ...{ asset: 'press', site: 'plant', name: 'press', kind: 'multivariate', source: 'trained' },
  ...{ stage: 'shadow', createdBy: 'ina', periods: [{ from: 1, to: 2 }] },
  facts: {
    ...{ trainedRows: 900, periodMs: 1000, threshold: 2, tags: ['a'], metrics: { blocks: 4 } },
    dataHash: 'd',
  },
  files: { 'model.onnx': new Uint8Array([1, 2]), 'manifest.json': new Uint8Array([3]) },
  ...change,
})
const bytesOf = (files: Readonly<Record<string, Uint8Array>>) =>
  Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, [...bytes]]))
const because = (stage: 'active' | 'canary' | 'shadow' | 'retired') => ({
  stage,
  reason: 'as agreed',
})

describe('the registry', () => {
  it('numbers the versions of a name, keeps what their manifest said, and gives the files back', async () => {
    await using t = await open()
    const first = await t.registry.register(wanted())
    const second = await t.registry.register(wanted())
    expect([first.version, second.version]).toEqual([1, 2])
    expect((await t.registry.register(wanted({ name: 'other' }))).version).toBe(1)
    expect(bytesOf(await t.registry.load(second.id))).toEqual(bytesOf(wanted().files))
    expect(await t.registry.view(second)).toMatchObject({
      ...{ stage: 'shadow', threshold: 2, periods: [{ from: 1, to: 2 }], intact: true },
      ...{ problem: null, metrics: { blocks: 4 }, createdBy: 'ina' },
    })
    expect((await t.registry.list({ asset: 'press' })).map(({ version }) => version)).toEqual([
      1, 2, 1,
    ])
    expect(await t.registry.list({ sites: ['shop'] })).toEqual([])
    expect(t.changes).toEqual(['press', 'press', 'press'])
    expect(await t.acts()).toEqual(Array(3).fill('model.register done'))
  })

  it('says what a missing value means: filled, never filled by this kind, or to be trained again', async () => {
    await using t = await open()
    const kept = { ...wanted().files, 'normal.f32.gz': new Uint8Array([7]) }
    const versions = [
      wanted({ files: kept }),
      wanted(),
      wanted({ kind: 'external', name: 'foreign' }),
      wanted({ kind: 'life', name: 'life' }),
      wanted({ kind: 'failures', name: 'failures' }),
    ]
    const said = []
    for (const one of versions)
      said.push((await t.registry.view(await t.registry.register(one))).emptyCells)
    expect(said).toEqual(['filled', 'retrain', 'unknown', null, null])
  })

  it('has one active version of an asset and kind: the next one retires it, and roll-back brings it back', async () => {
    await using t = await open()
    const { id: one } = await t.registry.register(wanted({ stage: 'active' }))
    const { id: two } = await t.registry.register(wanted())
    const { id: drifting } = await t.registry.register(wanted({ kind: 'one-tag', stage: 'active' }))
    const stages = async () =>
      Promise.all([one, two, drifting].map(async (id) => (await t.registry.get(id))?.stage))
    await t.registry.setStage(ina, two, because('canary'))
    await t.registry.setStage(ina, two, because('active'))
    expect(await stages()).toEqual(['retired', 'active', 'active'])
    await t.registry.setStage(ina, one, because('active'))
    expect(await stages()).toEqual(['active', 'retired', 'active'])
    const [entry] = await t.audit.list({ limit: 1 })
    expect(JSON.parse(entry!.detail)).toMatchObject({
      from: 'retired',
      to: 'active',
      replaced: two,
    })
    await expect(t.registry.setStage(ina, one, because('canary'))).rejects.toMatchObject({
      code: 'model.conflict',
    })
    await expect(t.registry.setStage(ina, 'mdl_x', because('active'))).rejects.toMatchObject({
      code: 'object.missing',
    })
  })

  it('keeps a factor on the threshold, shows the threshold with it, and takes it back', async () => {
    await using t = await open()
    const { id } = await t.registry.register(wanted())
    const reason = 'too many nuisances'
    expect(await t.registry.setFactor(ina, id, { factor: 1.5, reason })).toMatchObject({
      threshold: 3,
    })
    expect(await t.registry.setFactor(ina, id, { factor: 1, reason })).toMatchObject({
      threshold: 2,
    })
    const events = await t.store.db.selectFrom('model_events').select('kind').execute()
    expect(events.map(({ kind }) => kind)).toEqual(['registered', 'threshold', 'threshold'])
    expect((await t.acts()).slice(0, 2)).toEqual(Array(2).fill('model.threshold done'))
  })

  const file = (id: string, name: string) => join(dir, 'models', id, name)
  const spoil: [string, (id: string, other: string) => Promise<void>, string][] = [
    [
      'a model file that was changed',
      async (id) => {
        await chmod(file(id, 'model.onnx'), 0o600)
        await writeFile(file(id, 'model.onnx'), 'something else')
      },
      'model.onnx was changed',
    ],
    ['a manifest that is gone', (id) => rm(file(id, 'manifest.json')), 'manifest.json is missing'],
    ['a signature that is gone', (id) => rm(file(id, 'signature.jws')), 'its signature is missing'],
    [
      'the whole folder of another version',
      async (id, other) => {
        for (const name of await readdir(join(dir, 'models', other))) {
          await chmod(file(id, name), 0o600)
          await copyFile(file(other, name), file(id, name))
        }
      },
      'its signature is that of another version',
    ],
    [
      'a signature made by somebody else',
      async (id) => {
        const foreign = await openModelSigner(join(dir, 'foreign'))
        await chmod(file(id, 'signature.jws'), 0o600)
        await writeFile(
          file(id, 'signature.jws'),
          await foreign.sign({ id, asset: 'press', files: {} }),
        )
      },
      'its signature was not made here',
    ],
  ]
  it.each(spoil)(
    'does not give out %s, says so once in the audit, and stays with its word',
    async (...[, act, problem]) => {
      await using t = await open()
      const version = await t.registry.register(wanted())
      const { id: other } = await t.registry.register(
        wanted({
          files: { 'model.onnx': new Uint8Array([9]), 'manifest.json': new Uint8Array([3]) },
        }),
      )
      await act(version.id, other)
      await expect(t.registry.load(version.id)).rejects.toMatchObject({ code: 'model.tampered' })
      await expect(t.registry.load(version.id)).rejects.toThrow(
        `The model press version 1 is not what was registered: ${problem}.`,
      )
      expect(await t.registry.view(version)).toMatchObject({ intact: false, problem })
      await expect(t.registry.setStage(ina, version.id, because('active'))).rejects.toMatchObject({
        code: 'model.tampered',
      })
      expect((await t.acts()).filter((act) => act === 'model.load failed')).toHaveLength(1)
      await t.registry.setStage(ina, version.id, because('retired'))
      expect(await t.registry.view((await t.registry.get(other))!)).toMatchObject({ intact: true })
    },
  )

  it('knows its versions after a restart, and sweeps away what was half written', async () => {
    let id = ''
    {
      await using t = await open()
      id = (await t.registry.register(wanted())).id
      await writeFile(join(dir, 'models', '.new-mdl_half'), '')
    }
    await using t = await open()
    expect(bytesOf(await t.registry.load(id))).toEqual(bytesOf(wanted().files))
    expect(await readdir(join(dir, 'models'))).toEqual([id])
  })
})
