/** A configured folder is known by all that it speaks by: a training that changed one mode only is a new version. */
import { appendFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { writeFolder } from '../models/train/model-folder.ts'
import { createModePlant } from '../models/train/modes.fixture.ts'
import { trainModes } from '../models/train/train-modes.ts'
import { openAudit } from './audit/audit.ts'
import { registerConfiguredModels } from './configured-models.ts'
import type { AssetConfig } from './fleet/fleet-config.ts'
import { openModelSigner } from './identity/model-signer.ts'
import { openRegistry } from './registry/registry.ts'
import { openStore } from './store/store.ts'

let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mimamori-configured-'))
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const machine: AssetConfig = {
  ...{ id: 'machine', site: 'plant', name: 'Machine', kind: 'machine', model: 'mine' },
  ...{ targets: [], recovery: { holdMs: 0 }, alarm: { severity: 700 }, tags: [] },
}

/** Trained on the same rows of mode 1; those of mode 2 stand so much elsewhere. */
async function train(offset: number): Promise<void> {
  const visits = [
    ['1', 500],
    ['2', 400],
  ] as const
  const change = (value: number, row: number) => value + (row < 500 ? 0 : offset)
  const table = createModePlant({ seed: 1, visits, change })
  const options = { name: 'machine', seed: 1, modeTag: 'state', keep: table.names }
  await writeFolder(join(dir, 'mine'), await trainModes(table, options))
}

/** The versions after one more start of the cloud. */
async function start() {
  await using store = await openStore({ file: join(dir, 'state.db') })
  const registry = await openRegistry({
    ...{ store, audit: await openAudit(store), dir: join(dir, 'models') },
    signer: await openModelSigner(join(dir, 'pki')),
    onChange: () => undefined,
  })
  await registerConfiguredModels(registry, { assets: [machine], baseDir: dir })
  const versions = await registry.list({})
  return versions.toSorted((one, other) => one.version - other.version)
}

test('a training that changed only another mode than the first is seen as new; a card that was edited is not', async () => {
  await train(0)
  await start()
  expect(await start()).toMatchObject([{ version: 1, stage: 'active' }])
  await train(7)
  const [before, after] = await start()
  expect([before?.stage, after?.stage]).toEqual(['retired', 'active'])
  expect(after?.sha256).toBe(before?.sha256)
  await appendFile(join(dir, 'mine', 'card.md'), '\nSeen by the plant.\n')
  await appendFile(join(dir, 'mine', 'modes', '2', 'card.md'), '\nSeen by the plant.\n')
  expect(await start()).toHaveLength(2)
})
