/** A plant page without a password on a plant fixture, read as a browser of one language reads it. */
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { createLog } from '../../protocol/kit/log.ts'
import { openLocalPage } from './page.ts'
import { createPlantFixture } from './plant.fixture.ts'

export async function openPage(more: { requestMs?: number } = {}) {
  const plant = createPlantFixture()
  const page = await openLocalPage({
    ...{ host: '127.0.0.1', port: 0, names: [], timeZone: 'UTC', plant, metrics: new Registry() },
    passwordFile: join(import.meta.dirname, 'no-such-file'),
    audit: { append: async () => {} },
    log: createLog('page'),
    ...more,
  })
  return {
    plant,
    port: page.port,
    async read(language: string) {
      const headers = { 'accept-language': language }
      return await (await fetch(`http://127.0.0.1:${page.port}/`, { headers })).text()
    },
    [Symbol.asyncDispose]: () => page[Symbol.asyncDispose](),
  }
}
