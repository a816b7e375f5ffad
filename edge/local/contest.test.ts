/** A gateway whose identity another one uses says so on its page, in both languages, and only then. */
import { expect, test } from 'vitest'
import { openPage } from './open-page.fixture.ts'

test('the page tells that somebody else uses our identity, and how often it put us out', async () => {
  await using page = await openPage()
  const { plant, read } = page
  const english = 'another gateway seems to use this identity: put out 7 times in ten minutes'
  expect(await read('en')).not.toContain('use this identity')
  plant.now = { ...plant.now, cloud: { ...plant.now.cloud, contest: { since: 1, takeovers: 7 } } }
  expect(await read('en')).toContain(english)
  expect(await read('ja')).toContain('10分間に7回切断されました')
})
