/** A gateway whose identity another one uses says so on its page, in both languages, and only then. */
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { createLog } from '../../protocol/kit/log.ts'
import { openLocalPage } from './page.ts'
import { createPlantFixture } from './plant.fixture.ts'

test('the page tells that somebody else uses our identity, and how often it put us out', async () => {
  const plant = createPlantFixture()
  await using page = await openLocalPage({
    ...{ host: '127.0.0.1', port: 0, names: [], timeZone: 'UTC', plant, metrics: new Registry() },
    passwordFile: join(import.meta.dirname, 'no-such-file'),
    audit: { append: async () => {} },
    log: createLog('page'),
  })
  const read = async (language: string) => {
    const headers = { 'accept-language': language }
    return await (await fetch(`http://127.0.0.1:${page.port}/`, { headers })).text()
  }
  const english = 'another gateway seems to use this identity: put out 7 times in ten minutes'
  expect(await read('en')).not.toContain('use this identity')
  plant.now = { ...plant.now, cloud: { ...plant.now.cloud, contest: { since: 1, takeovers: 7 } } }
  expect(await read('en')).toContain(english)
  expect(await read('ja')).toContain('10分間に7回切断されました')
})
