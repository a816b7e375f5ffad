/** Every panel of every board has an answer on a real InfluxDB that the demo's plant has filled through gateway and cloud. */
import { describe, expect, it } from 'vitest'
import { hasInfluxd, INFLUXD_HINT, openInfluxd } from '../cloud/historian/test-influxd.ts'
import { boards } from '../dashboards/build.ts'
import { checkBoard } from '../dashboards/panel-queries.ts'
import { derivedTagId } from '../protocol/model.ts'
import { openHarness, waitFor } from './harness.ts'

const ratio = derivedTagId('kita-plant', 'press-1', 'Ratio')

describe.skipIf(!hasInfluxd())(`boards on the plant's own data (${INFLUXD_HINT})`, () => {
  it('show rows in every panel that is not a count of trouble', async () => {
    await using influxd = await openInfluxd()
    const database = await influxd.createDatabase()
    const from = Date.now()
    await using plant = await openHarness({
      machines: ['press', 'chiller'],
      changeCloud: (file) => {
        file.historian = { kind: 'influx', url: influxd.url, database, api: 'v1' }
      },
    })
    const { historian } = plant.cloud.parts
    plant.press.inject('cooler-failed')
    await waitFor(async () => {
      const [score] = await historian.latest([ratio])
      return score && typeof score.value === 'number' && score.value > 1
    }, 'a score above the threshold in InfluxDB')

    const window = { from, to: Date.now() + 1000, intervalMs: 1000 }
    for (const board of boards) {
      const answers = await checkBoard(board, window, { url: influxd.url, database })
      const broken = answers.filter(
        ({ rows, error, isEmptyWhenHealthy }) =>
          error !== undefined || (rows === 0 && !isEmptyWhenHealthy),
      )
      expect(broken, board.title).toEqual([])
      expect(answers.length).toBeGreaterThan(0)
    }
  })
})
