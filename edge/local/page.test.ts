/** The page on the plant network: who may act, what is put on record, and whose requests are turned away. */
import { mkdtemp, rm } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { Registry } from 'prom-client'
import { afterEach, describe, expect, it } from 'vitest'
import { openPki } from '../../cloud/identity/pki.ts'
import { createLog } from '../../protocol/kit/log.ts'
import { openLocalPage } from './page.ts'
import { setQuickPassword } from './password.fixture.ts'
import { createPlantFixture } from './plant.fixture.ts'

const PASSWORD = '高炉-4711'
const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const dispose of cleanup.splice(0).reverse()) await dispose()
})

interface Answer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: string
}

interface Wish {
  method?: string
  form?: Record<string, string>
  headers?: Record<string, string>
}

interface PageOptions {
  password?: string
  audit?: 'broken'
  tls?: { cert: string; key: string }
}

async function openPage(options: PageOptions = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'mimamori-page-'))
  const passwordFile = join(dir, 'local-password')
  if (options.password !== undefined) await setQuickPassword(passwordFile, options.password)
  const plant = createPlantFixture()
  const kept: Record<string, unknown>[] = []
  const page = await openLocalPage({
    ...{
      host: '127.0.0.1',
      port: 0,
      names: ['gw-plant.example'],
      tls: options.tls,
      timeZone: 'Asia/Tokyo',
    },
    ...{ passwordFile, plant, metrics: new Registry(), log: createLog('page') },
    audit: {
      async append(entry) {
        if (options.audit === 'broken') throw new Error('no space left')
        kept.push(entry)
      },
    },
  })
  cleanup.push(async () => {
    await page[Symbol.asyncDispose]()
    await rm(dir, { recursive: true, force: true })
  })
  const ask = async (path: string, { method, form, headers }: Wish = {}): Promise<Answer> => {
    const body = form && new URLSearchParams(form).toString()
    return await new Promise((resolve, reject) => {
      const outgoing = (options.tls ? httpsRequest : httpRequest)({
        rejectUnauthorized: false,
        ...{ host: '127.0.0.1', port: page.port, path, agent: false },
        method: method ?? (form ? 'POST' : 'GET'),
        headers: {
          ...(form && { 'content-type': 'application/x-www-form-urlencoded' }),
          ...headers,
        },
      })
      outgoing.on('error', reject)
      outgoing.on('response', (response) => {
        const { statusCode: status = 0, headers: answered } = response
        text(response).then((it) => resolve({ status, headers: answered, body: it }), reject)
      })
      outgoing.end(body)
    })
  }
  const origin = `${options.tls ? 'https' : 'http'}://127.0.0.1:${page.port}`
  const tokenIn = ({ body }: Answer) => /name="token" value="([^"]+)"/.exec(body)?.[1] ?? ''
  return {
    ...{ plant, kept, ask, origin, port: page.port, tokenIn },
    /** As a browser that knows its password. */
    async signIn(password: string, name = '佐藤 & Sons') {
      const token = tokenIn(await ask('/sign-in'))
      const form = { token, name, password, back: 'access' }
      const answer = await ask('/sign-in', { form, headers: { origin } })
      const cookie = String(answer.headers['set-cookie'] ?? '').split(';')[0] ?? ''
      return { answer, cookie }
    },
  }
}

const answerForm = (token: string) => ({ token, session: 'ses_2', verdict: 'yes' })

describe('who may act', () => {
  it('asks for a password before it allows, trusts, restores or ends; cutting needs nobody', async () => {
    const { ask, plant, origin, tokenIn } = await openPage({ password: PASSWORD })
    const token = tokenIn(await ask('/access'))
    const forms: [string, Record<string, string>][] = [
      ['/access/answer', answerForm(token)],
      ['/access/answer', { ...answerForm(token), verdict: 'no' }],
      ['/access/end', { token, session: 'ses_3' }],
      ['/certificates', { token, device: 'press', sha256: 'a1', verdict: 'trust' }],
      ['/remote-access/restore', { token }],
    ]
    for (const [path, form] of forms) {
      const answer = await ask(path, { form, headers: { origin } })
      expect(answer.headers.location).toMatch(/^\/sign-in\?back=/)
      expect((await ask(path, { form: { ...form, token: '' } })).headers.location).toMatch(
        /^\/sign-in/,
      )
    }
    expect(plant.acts).toEqual([])
    await ask('/remote-access/cut', { form: { token, reason: ' smoke ' }, headers: { origin } })
    expect(plant.acts).toEqual([{ kind: 'cut', object: 'smoke', by: 'somebody at the gateway' }])
  })

  it('puts what a person allows on record before and after, under the name they gave', async () => {
    const { signIn, ask, plant, kept, origin, tokenIn } = await openPage({ password: PASSWORD })
    const { answer, cookie } = await signIn(PASSWORD)
    expect(answer).toMatchObject({ status: 303, headers: { location: '/access' } })
    expect(String(answer.headers['set-cookie'])).toMatch(/HttpOnly; SameSite=Strict$/)
    const page = await ask('/access', { headers: { cookie } })
    expect(page.body).toContain('佐藤 &#38; Sons')
    const form = answerForm(tokenIn(page))
    const done = await ask('/access/answer', { form, headers: { origin, cookie } })
    expect(done.headers.location).toBe('/access?said=done')
    const act = { act: 'allow-session', object: 'ses_2', by: '佐藤 & Sons', from: '127.0.0.1' }
    expect(kept).toMatchObject([
      { ...act, outcome: 'asked' },
      { ...act, outcome: 'done' },
    ])
    expect(plant.acts).toMatchObject([{ kind: 'allow-session', object: 'ses_2' }])
    await ask('/sign-out', { form: { token: form.token }, headers: { origin, cookie } })
    const after = await ask('/access/answer', { form, headers: { origin, cookie } })
    expect(after.headers.location).not.toContain('said=done')
    expect(plant.acts).toHaveLength(1)
  })

  it('does not open what it cannot put on record, but cuts all the same', async () => {
    const { signIn, ask, plant, origin, tokenIn } = await openPage({
      password: PASSWORD,
      audit: 'broken',
    })
    const { cookie } = await signIn(PASSWORD)
    const token = tokenIn(await ask('/access', { headers: { cookie } }))
    const headers = { origin, cookie }
    const answer = await ask('/access/answer', { form: answerForm(token), headers })
    expect(answer.headers.location).toBe('/access?said=unkept')
    expect(plant.acts).toEqual([])
    await ask('/remote-access/cut', { form: { token }, headers })
    expect(plant.acts).toMatchObject([{ kind: 'cut' }])
  })

  it('by HTTPS, where a certificate is given: the cookie never travels in the clear', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'mimamori-page-'))
    cleanup.push(() => rm(dir, { recursive: true, force: true }))
    const tls = await (await openPki(dir)).serverCredentials()
    const { signIn } = await openPage({ password: PASSWORD, tls })
    const { answer } = await signIn(PASSWORD)
    expect(String(answer.headers['set-cookie'])).toMatch(/SameSite=Strict; Secure$/)
  })

  it('says so when somebody was faster', async () => {
    const { ask, plant } = await openPage()
    plant.isThere = false
    const answer = await ask('/access/answer', { form: { session: 'ses_2', verdict: 'no' } })
    expect(answer.headers.location).toBe('/access?said=late')
  })

  it('without a password only a page on the loopback lets people act', async () => {
    const { ask, plant } = await openPage()
    await ask('/remote-access/restore', { form: {} })
    expect(plant.acts).toMatchObject([{ kind: 'restore', by: 'somebody at this machine' }])
  })
})

describe('whose requests are turned away', () => {
  it('a name that is not ours: DNS rebinding', async () => {
    const { ask, port } = await openPage()
    for (const host of [`evil.example:${port}`, `localhost.evil.example:${port}`, 'gw-plant']) {
      for (const path of ['/', '/status', '/metrics', '/page.js']) {
        expect((await ask(path, { headers: { host } })).status).toBe(421)
      }
    }
    for (const host of [`localhost:${port}`, `[::1]:${port}`, '10.0.0.9', 'GW-plant.example']) {
      expect((await ask('/', { headers: { host } })).status).toBe(200)
    }
  })

  it('a form of another page, whatever it says of itself, and one without our token', async () => {
    const { ask, plant, origin, tokenIn } = await openPage()
    const token = tokenIn(await ask('/access'))
    const foreign = [
      { origin: 'http://evil.example' },
      { origin: 'null' },
      { origin, 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
    ]
    for (const headers of foreign as Record<string, string>[]) {
      expect((await ask('/remote-access/cut', { form: { token }, headers })).status).toBe(403)
    }
    const tokens: Record<string, string>[] = [{}, { token: 'x' }, { token: `${token}x` }]
    for (const form of tokens) {
      const answer = await ask('/remote-access/cut', { form, headers: { origin } })
      expect(answer.headers.location).toBe('/?said=stale')
    }
    expect(plant.acts).toEqual([])
  })

  it('a token of somebody else', async () => {
    const { signIn, ask, plant, origin, tokenIn } = await openPage({ password: PASSWORD })
    const token = tokenIn(await ask('/access'))
    const { cookie } = await signIn(PASSWORD)
    const form = answerForm(token)
    const answer = await ask('/access/answer', { form, headers: { origin, cookie } })
    expect(answer.headers.location).toBe('/?said=stale')
    expect(plant.acts).toEqual([])
  })
})

describe('what is shown', () => {
  it('nothing that came from outside is markup, and nothing is loaded from elsewhere', async () => {
    const { ask } = await openPage()
    const { body, headers } = await ask('/tags?find=%3Cb%3E&device=%22%3E')
    expect(body).not.toContain('<b>')
    expect((await ask('/tags')).body).toContain('&#60;b&#62;Door&#60;/b&#62;')
    expect(headers['content-security-policy']).toMatch(/^default-src 'none'/)
    expect(headers['content-security-policy']).not.toContain('unsafe')
    for (const path of ['/', '/tags', '/access', '/certificates', '/events', '/sign-in']) {
      const page = await ask(path)
      expect(page.status).toBe(200)
      expect(page.body).not.toMatch(/<script(?! src="\/page\.js")|<style|style=| on\w+=|https?:/)
    }
  })

  it('tags by device and by a part of their name', async () => {
    const { ask } = await openPage()
    const names = async (query: string) =>
      [...(await ask(`/tags?${query}`)).body.matchAll(/data-live="tag ([^"]+)"/g)].map((m) => m[1])
    expect(await names('')).toHaveLength(4)
    expect(await names('device=printer')).toEqual(['printer/PaperNearEnd'])
    expect(await names('find=FLO')).toEqual(['press/Flow'])
    expect(await names('device=unknown')).toEqual([])
  })

  it('in Japanese for a browser that asks for it, in English for one that chose so', async () => {
    const { ask } = await openPage()
    const japanese = { 'accept-language': 'ja-JP,ja;q=0.9,en;q=0.8' }
    expect((await ask('/', { headers: japanese })).body).toContain('遠隔アクセス')
    const cookie = 'mimamori-language=en'
    const english = await ask('/', { headers: { ...japanese, cookie } })
    expect(english.body).toContain('Remote access')
    const chosen = await ask('/language?to=ja&back=https://evil.example')
    expect(chosen.headers.location).toBe('/')
  })
})
