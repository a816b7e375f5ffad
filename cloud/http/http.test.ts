/** The API over real sockets: logins, refusals, shapes, console, hook, live events. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  AlarmList,
  AssetDetail,
  AuditList,
  CaseDetail,
  Fleet,
  Me,
  Problem,
} from '../../protocol/api.ts'
import { quality } from '../../protocol/model.ts'
import { openTestCloud, PASSWORD, type TestCloud } from './test/test-cloud.ts'

let cloud: TestCloud
let folder: string
let ids: { alarm: string; case: string }

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mimamori-console-'))
  await mkdir(join(folder, 'static'))
  await writeFile(join(folder, 'index.html'), '<title>console</title>')
  await writeFile(join(folder, 'static', 'app-1a2b.js'), 'export {}')
  cloud = await openTestCloud({
    consoleDir: folder,
    hmiOrigins: ['http://*.localhost:8080'],
    hookToken: 'hook secret',
    metricsToken: 'metrics secret',
  })
  ids = await cloud.trouble('press')
})
afterAll(async () => {
  await cloud?.[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

const audited = async () => (await cloud.services.audit.list({ limit: 1 }))[0]
const fits = (schema: TSchema, value: unknown) =>
  [...Compile(schema).Errors(value)].map((error) => `${error.instancePath} ${error.message}`)

describe('logging in', () => {
  it('answers who I am and sets a cookie that scripts and other sites cannot use', async () => {
    const answer = await cloud.call('/api/login', {
      body: { login: 'engineer', password: PASSWORD },
    })
    expect(answer.status).toBe(200)
    expect(fits(Me, answer.body)).toEqual([])
    expect(answer.headers['set-cookie']?.[0]).toMatch(
      /^__Host-mimamori=[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; Secure; SameSite=Strict$/,
    )
  })

  it('refuses a wrong password with 401 in words, and audits it', async () => {
    const answer = await cloud.call('/api/login', { body: { login: 'engineer', password: 'x' } })
    expect(answer.status).toBe(401)
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(fits(Problem, answer.body)).toEqual([])
    expect(answer.body).toMatchObject({
      code: 'login.refused',
      detail: 'The login or the password is wrong.',
    })
    expect(await audited()).toMatchObject({ action: 'login', actor: 'engineer', outcome: 'denied' })
  })

  it('ends the login at logout', async () => {
    const login = await cloud.call('/api/login', {
      body: { login: 'engineer', password: PASSWORD },
    })
    const cookie = login.headers['set-cookie']![0]!.split(';')[0]!
    expect((await cloud.call('/api/me', { headers: { cookie } })).status).toBe(200)
    await cloud.call('/api/logout', { body: {}, headers: { cookie } })
    expect((await cloud.call('/api/me', { headers: { cookie } })).body.code).toBe('login.required')
  })
})

describe('a flood', () => {
  it('is refused by the minute before it reaches the audit', async () => {
    await using calm = await openTestCloud()
    const flood = () =>
      calm.call('/api/login', { body: {}, headers: { origin: 'http://evil.example' } })
    const answers = await Promise.all(Array.from({ length: 40 }, flood))
    const codes = answers.map((answer) => answer.body.code)
    expect(codes.filter((code) => code === 'request.foreign-origin')).toHaveLength(30)
    expect(codes.filter((code) => code === 'request.too-often')).toHaveLength(10)
    expect(await calm.services.audit.list({ limit: 100 })).toHaveLength(30)
  })
})

describe('what may change something', () => {
  const path = () => `/api/alarms/${ids.alarm}/acknowledge`

  it('is refused from another origin, and without one, and audited', async () => {
    for (const origin of ['http://evil.example', 'null', '']) {
      const answer = await cloud.call(path(), { as: 'engineer', body: {}, headers: { origin } })
      expect(answer.body.code, origin).toBe('request.foreign-origin')
      expect(await audited()).toMatchObject({ action: 'alarm.acknowledge', outcome: 'denied' })
    }
  })

  it.each([
    'text/plain',
    'application/json\ta',
    'Application/Json ;',
    'application/json garbage',
    'multipart/form-data; boundary=x',
    'application/x-www-form-urlencoded',
  ])('is refused as %s', async (type) => {
    const headers = { 'content-type': type }
    const answer = await cloud.call(path(), { as: 'engineer', raw: '{}', headers })
    expect(answer).toMatchObject({ status: 415, body: { code: 'request.not-json' } })
  })

  it('is checked exactly: a wrong type, a missing field, a broken body, prototype tricks', async () => {
    const shelve = `/api/alarms/${ids.alarm}/shelve`
    for (const raw of [
      '{"minutes":"5","reason":"x"}',
      '{"minutes":5}',
      '{',
      '[]',
      '',
      '{"__proto__":{}}',
    ]) {
      const answer = await cloud.call(shelve, { as: 'engineer', raw })
      expect(answer, raw).toMatchObject({ status: 400, body: { code: 'request.invalid' } })
    }
  })

  it('is refused when it is too large', async () => {
    const raw = JSON.stringify({ comment: 'x'.repeat(70_000) })
    const answer = await cloud.call(path(), { as: 'engineer', raw })
    expect(answer).toMatchObject({ status: 413, body: { code: 'request.too-large' } })
  })
})

describe('reading', () => {
  it('shows a person the own sites only, in the promised shapes', async () => {
    const fleet = await cloud.call('/api/fleet', { as: 'engineer' })
    expect(fits(Fleet, fleet.body)).toEqual([])
    expect(fleet.body.sites.map((site: { id: string }) => site.id)).toEqual(['plant'])
    const all = await cloud.call('/api/fleet', { as: 'everywhere' })
    expect(all.body.sites.map((site: { id: string }) => site.id)).toEqual(['plant', 'shop'])
    const asset = await cloud.call('/api/assets/press', { as: 'engineer' })
    expect(fits(AssetDetail, asset.body)).toEqual([])
    expect(asset.body).toMatchObject({ health: 'alarm', openCase: ids.case })
    const alarms = await cloud.call('/api/alarms?state=open', { as: 'engineer' })
    expect(fits(AlarmList, alarms.body)).toEqual([])
    expect(alarms.body.alarms).toHaveLength(1)
    const detail = await cloud.call(`/api/cases/${ids.case}`, { as: 'engineer' })
    expect(fits(CaseDetail, detail.body)).toEqual([])
    expect(detail.body.targets).toMatchObject([{ id: 'hmi', gateway: 'gw' }])
  })

  it('reads a range of real history, and refuses what is no range', async () => {
    const tag = 'plant/gw/plc/temp'
    const start = Math.floor(Date.now() / 10_000) * 10_000 - 60_000
    const samples = [1, 2, 3].map(
      (value) => ({ tag, at: start + value * 1_000, value, quality: quality.good }) as const,
    )
    await (cloud.services.historian as unknown as { write(s: unknown): Promise<void> }).write(
      samples,
    )
    const range = (query: string) => cloud.call(`/api/range?${query}`, { as: 'engineer' })
    const answer = await range(`tag=${tag}&from=${start}&to=${start + 4_000}&points=4`)
    expect(answer.body.series).toMatchObject([{ tag, unit: '°C', mean: [1, 2, 3] }])
    for (const query of [
      '',
      `tag=${tag}`,
      `tag=${tag}&from=5&to=4`,
      `tag=${tag}&from=0&to=9&points=1e9`,
    ]) {
      expect((await range(query)).body.code, query).toBe('request.invalid')
    }
    expect((await range('tag=shop/gw/plc/temp&from=0&to=9')).status).toBe(404)
    expect((await range(`tag=${tag}&tag=shop/gw/plc/temp&from=0&to=9`)).status).toBe(404)
  })

  it('shows the audit with its verdict', async () => {
    const answer = await cloud.call('/api/audit?limit=5', { as: 'site-manager' })
    expect(fits(AuditList, answer.body)).toEqual([])
    expect(answer.body.intact).toBe(true)
    expect(answer.body.entries.every((entry: { site: string }) => entry.site === 'plant')).toBe(
      true,
    )
  })
})

describe('health, metrics, console', () => {
  it('answers 200 while every part is well and 503 when one is not', async () => {
    expect((await cloud.call('/healthz')).body).toEqual({ ok: true, parts: { store: 'ok' } })
    await using ill = await openTestCloud({
      health: async () => ({ parts: { store: 'ok', broker: 'not listening' } }),
    })
    expect(await ill.call('/healthz')).toMatchObject({ status: 503, body: { ok: false } })
  })

  it('gives metrics to the scraper with the token only', async () => {
    expect((await cloud.call('/metrics')).status).toBe(403)
    const headers = { authorization: 'Bearer metrics secret' }
    expect((await cloud.call('/metrics', { headers })).status).toBe(200)
  })

  it('serves the console, and its page for the addresses of its pages', async () => {
    for (const path of ['/', '/cases/cas_1', '/assets/press-1']) {
      const answer = await cloud.call(path)
      expect(answer.text, path).toContain('<title>console</title>')
      expect(answer.headers['content-security-policy']).toContain(
        'frame-src http://*.localhost:8080',
      )
      expect(answer.headers['content-security-policy']).toContain("script-src 'self';")
    }
    const script = await cloud.call('/static/app-1a2b.js')
    expect(script.headers['cache-control']).toContain('immutable')
    expect((await cloud.call('/api/nothing')).body.code).toBe('object.missing')
    expect((await cloud.call('/static/gone.js')).status).toBe(404)
  })

  it('does not leave the console folder by any spelling of the path', async () => {
    for (const path of [
      '/../../etc/passwd',
      '/..%2f..%2fetc/passwd',
      '/static/..%2F..%2F..%2Fetc%2Fpasswd',
    ]) {
      expect((await cloud.call(path)).text, path).not.toContain('root:')
    }
  })
})

describe('the Grafana hook', () => {
  const alert = {
    status: 'firing',
    labels: { alertname: 'Too warm', asset: 'till' },
    annotations: { summary: 'The till is too warm' },
    fingerprint: 'f00',
    startsAt: '2026-11-22T00:00:00Z',
  }
  const hook = (alerts: unknown[], token = 'hook secret') =>
    cloud.call('/api/hooks/grafana', {
      body: { status: 'firing', alerts },
      headers: { authorization: `Bearer ${token}`, origin: '' },
    })

  it('opens one case however often it is repeated, and says what it ignored', async () => {
    const first = await hook([
      alert,
      { ...alert, labels: { asset: 'ghost' } },
      { ...alert, status: 'resolved' },
    ])
    expect(first.status).toBe(200)
    expect(first.body.cases).toHaveLength(1)
    expect(first.body.ignored).toHaveLength(2)
    const second = await hook([alert])
    expect(second.body.cases).toEqual(first.body.cases)
    const detail = await cloud.call(`/api/cases/${first.body.cases[0]}`, { as: 'everywhere' })
    expect(detail.body.events).toHaveLength(1)
  })

  it('is refused without the right token, and audited', async () => {
    expect((await hook([alert], 'wrong')).status).toBe(403)
    expect(await audited()).toMatchObject({ object: '/api/hooks/grafana', outcome: 'denied' })
  })
})

describe('live events', () => {
  function listen(cookie: string, asset?: string) {
    const lines: string[] = []
    const path = asset ? `/api/events?asset=${asset}` : '/api/events'
    const request = get({ host: '127.0.0.1', port: cloud.http.port, path, headers: { cookie } })
    request.on('response', (response) =>
      response.on('data', (chunk: Buffer) => lines.push(...chunk.toString().split('\n\n'))),
    )
    request.on('error', () => undefined)
    const data = () =>
      lines.filter((line) => line.startsWith('data: ')).map((line) => JSON.parse(line.slice(6)))
    return { data, lines, [Symbol.dispose]: () => void request.destroy() }
  }
  const soon = { timeout: 20_000, interval: 20 }

  it('tell a person of changes at the own sites and samples of the asked asset only', async () => {
    using one = listen(await cloud.cookieOf('engineer'), 'press')
    using other = listen(await cloud.cookieOf('everywhere'))
    await expect.poll(() => [one.lines.length, other.lines.length].every(Boolean), soon).toBe(true)
    const changed = (id: string) => ({ kind: 'changed', what: 'cases', id }) as const
    const { live } = cloud.http
    live.changed(changed('shop case'), 'shop')
    live.samples({ kind: 'samples', samples: [] }, { asset: 'press', site: 'plant' })
    live.samples({ kind: 'samples', samples: [] }, { asset: 'till', site: 'shop' })
    live.changed(changed('plant case'), 'plant')
    await expect.poll(() => one.data().length, soon).toBe(2)
    await expect.poll(() => other.data().length, soon).toBe(2)
    expect(one.data()).toEqual([{ kind: 'samples', samples: [] }, changed('plant case')])
    expect(other.data()).toEqual([changed('shop case'), changed('plant case')])
  })

  it('are for persons who are logged in', async () => {
    expect((await cloud.call('/api/events')).status).toBe(401)
  })
})
