/** The boards: the committed JSON, the conventions, and every query on a real InfluxDB. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { openInfluxHistorian } from '../cloud/historian/influx.ts'
import {
  hasInfluxd,
  INFLUXD_HINT,
  type Influxd,
  openInfluxd,
} from '../cloud/historian/test-influxd.ts'
import { derivedTagId, quality, type Sample, type TagId } from '../protocol/model.ts'
import type { Board } from './board.ts'
import { boards, formatBoard, JSON_FOLDER } from './build.ts'
import { type BoardWindow, checkBoard } from './panel-queries.ts'

const NOW = Date.now()
const WINDOW: BoardWindow = { from: NOW - 600_000, to: NOW, intervalMs: 10_000 }
const MAX_PANELS = 20
const readYaml = (path: string) =>
  parse(readFileSync(join(import.meta.dirname, 'provisioning', path), 'utf8'))

describe('the boards as JSON', () => {
  it('are exactly what the code makes: node dashboards/build.ts', () => {
    const made = boards.map(formatBoard)
    expect(readdirSync(JSON_FOLDER).sort()).toEqual(made.map(({ file }) => file).sort())
    for (const { file, text } of made) {
      expect(readFileSync(join(JSON_FOLDER, file), 'utf8')).toBe(text)
    }
  })

  it.each(boards)(
    '$uid keeps the conventions: units, thresholds, descriptions, no-data words',
    (board) => {
      expect(board.panels.length).toBeLessThanOrEqual(MAX_PANELS)
      expect(new Set(board.panels.map((panel) => panel.id)).size).toBe(board.panels.length)
      expect(Number.parseInt(board.refresh, 10)).toBeGreaterThanOrEqual(30)
      for (const { title, description, fieldConfig, gridPos } of board.panels) {
        expect(description.length, title).toBeGreaterThan(20)
        expect(fieldConfig.defaults, title).toMatchObject({
          unit: expect.any(String),
          noValue: expect.stringMatching(/./),
        })
        expect(fieldConfig.defaults.thresholds, title).toMatchObject({
          steps: expect.arrayContaining([{ color: expect.any(String), value: null }]),
        })
        expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24)
      }
    },
  )

  it.each(boards)('$uid has no panel over another', (board) => {
    const cells = board.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, n) => `${x + (n % w)}:${y + Math.floor(n / w)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
  })

  it('link from the fleet to an asset with variables that the asset board has', () => {
    const text = JSON.stringify(boards)
    const links = [...text.matchAll(/\/d\/([\w-]+)(?:\?([^"]*))?/g)]
    expect(links.length).toBeGreaterThanOrEqual(3)
    for (const [, uid, query = ''] of links) {
      const target = boards.find((board) => board.uid === uid)
      const names = target?.templating.list.map((variable) => variable.name)
      for (const [, name] of query.matchAll(/var-(\w+)=/g)) expect(names).toContain(name)
    }
  })
})

/** Ten minutes of a press that fails at the end, of a quiet chiller, and names that need escaping. */
function createSamples(): Sample[] {
  const samples: Sample[] = []
  for (let at = WINDOW.from + 1; at < NOW; at += 5_000) {
    const late = at > NOW - 120_000
    const put = (tag: TagId, value: Sample['value'], more: Partial<Sample> = {}) =>
      samples.push({ tag, at, value, quality: quality.good, ...more })
    put('plant/gw-1/press (1)/Pressure/PS1', 150 + Math.sin(at))
    put('plant/gw-1/press (1)/Running', true)
    put('shop/gw-2/pos/Cuts', 7n)
    if (late) put('plant/gw-1/press (1)/Flow', null, { quality: quality.bad, status: 0x80050000 })
    put(derivedTagId('plant', 'press.1', 'Ratio'), late ? 1.7 : 0.4)
    put(derivedTagId('plant', 'press.1', 'Score'), late ? 3.4 : 0.8)
    put(derivedTagId('plant', 'chiller', 'Ratio'), 0.2)
    put(derivedTagId('plant', 'chiller', 'Score'), 0.1)
  }
  return samples
}

describe.skipIf(!hasInfluxd())(`on a real influxd (${INFLUXD_HINT})`, () => {
  let influxd: Influxd
  let database: string
  beforeAll(async () => {
    influxd = await openInfluxd()
    database = await influxd.createDatabase()
    await using historian = await openInfluxHistorian({ url: influxd.url, database, api: 'v1' })
    const { rejected } = await historian.write(createSamples())
    expect(rejected).toEqual([])
  })
  afterAll(async () => await influxd[Symbol.asyncDispose]())
  const check = (board: Board) => checkBoard(board, WINDOW, { url: influxd.url, database })

  it.each(boards)('no panel and no annotation of $uid is empty', async (board) => {
    for (const answer of await check(board)) {
      // The first asset by name is the chiller, which never rises: its annotation has nothing to mark.
      const isCalm = board.uid === 'mimamori-asset' && answer.isEmptyWhenHealthy
      expect(answer, answer.query).toMatchObject({ error: undefined })
      expect(answer.rows > 0, `${answer.title}: ${answer.query}`).toBe(!isCalm)
    }
  })

  it('an asset whose name has characters of regular expressions is found, and only it', async () => {
    const [, assetBoard] = boards
    const chosen: Board = JSON.parse(JSON.stringify(assetBoard))
    for (const variable of chosen.templating.list) {
      if (variable.name === 'asset') variable.query += ' AND "device" = \'press.1\''
    }
    const answers = await check(chosen)
    for (const answer of answers) expect(answer.rows, answer.query).toBeGreaterThan(0)
    expect(answers.find((one) => one.title === 'Ratio now')?.rows).toBe(1)
  })

  it('an empty database shows as empty panels, so that this test can fail', async () => {
    const empty = { url: influxd.url, database: await influxd.createDatabase() }
    for (const board of boards) {
      const answers = await checkBoard(board, WINDOW, empty)
      expect(answers.some((answer) => answer.rows > 0)).toBe(false)
    }
  })

  it("the alert rule's query finds the press and the chiller as separate series", async () => {
    const [rule] = readYaml('alerting/rules.yaml').groups[0].rules
    const query = rule.data[0].model.query.replace('$timeFilter', `time >= ${WINDOW.from}ms`)
    const body = new URLSearchParams({ db: database, q: query })
    const answer = await (await fetch(`${influxd.url}/query`, { method: 'POST', body })).json()
    const devices = answer.results[0].series.map(
      (one: { tags: { device: string } }) => one.tags.device,
    )
    expect(devices.sort()).toEqual(['chiller', 'press.1'])
  })
})

describe('the provisioning', () => {
  const [source] = readYaml('datasources/influx.yaml').datasources
  const [contact] = readYaml('alerting/contact-points.yaml').contactPoints
  const [policy] = readYaml('alerting/policies.yaml').policies
  const [group] = readYaml('alerting/rules.yaml').groups

  it('the rule asks the provisioned data source, is routed to the contact point, and shows a real panel', () => {
    const [rule] = group.rules
    expect(rule.data[0].datasourceUid).toBe(source.uid)
    expect(rule.data.map((one: { refId: string }) => one.refId)).toContain(rule.condition)
    expect(policy.receiver).toBe(contact.name)
    // Without it the cloud leaves the alert out.
    expect(rule.labels.asset).toBe('{{ .Labels.device }}')
    expect(rule.data[0].model.query).toContain('"device"')
    const board = boards.find((one) => one.uid === rule.dashboardUid)
    expect(board?.panels.find((panel) => panel.id === rule.panelId)?.title).toBe('Ratio')
  })

  it('the webhook goes to the cloud with a token, and no secret stands in a file', () => {
    const { settings } = contact.receivers[0]
    expect(settings.url).toBe(['$', '{MIMAMORI_URL}/api/hooks/grafana'].join(''))
    expect(settings.authorization_scheme).toBe('Bearer')
    expect(settings.authorization_credentials).toMatch(/^\$\{\w+\}$/)
    expect(source.secureJsonData.httpHeaderValue1).toMatch(/^\$\{\w+\}$/)
  })

  it('expects exactly the variables of the environment that the README names', () => {
    const files = [
      'datasources/influx.yaml',
      'alerting/contact-points.yaml',
      'dashboards/mimamori.yaml',
      'alerting/policies.yaml',
      'alerting/rules.yaml',
    ]
    const text = files
      .map((file) => readFileSync(join(import.meta.dirname, 'provisioning', file), 'utf8'))
      .join()
    const used = new Set([...text.matchAll(/\$\{(\w+)\}/g)].map(([, name]) => name))
    const readme = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8')
    const named = new Set([...readme.matchAll(/^\| `([A-Z_]+)` \|/gm)].map(([, name]) => name))
    expect(used).toEqual(named)
  })
})
