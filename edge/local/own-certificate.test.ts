/** The gateway's own certificate on its page: quiet while it is renewed in time, loud and with what to do when it is not. */
import { expect, test } from 'vitest'
import { openPage } from './open-page.fixture.ts'

test('the page says until when the gateway is known to the cloud, why it is not renewed, and what to do then', async () => {
  await using page = await openPage()
  const { plant, read } = page
  const until = Date.UTC(2199, 4, 9, 12)
  const command = 'mimamori enrol --config cloud.yaml --site kita-plant --gateway gw-plant'
  plant.now = { ...plant.now, certificate: { until, failures: 0, problem: undefined } }
  const quiet = await read('en')
  expect(quiet).toContain('valid until 9 May 2199')
  expect(quiet).not.toContain('mimamori enrol')
  const problem = 'the cloud refused: <b>no</b>'
  plant.now = { ...plant.now, certificate: { until, failures: 3, problem } }
  const loud = await read('en')
  expect(loud).toContain('3 times in a row: the cloud refused: &#60;b&#62;no&#60;/b&#62;')
  expect(loud).toContain(command)
  expect(await read('ja')).toContain('更新に 3 回続けて失敗しました')
  plant.now = { ...plant.now, certificate: { until: 1, failures: 0, problem: undefined } }
  expect(await read('en')).toContain('the cloud takes nothing from this gateway')
  expect(await read('ja')).toContain(command)
})
