/** TEST equipment: a built console in a headless Chromium, and what may not be wrong with a page in it. */
import { existsSync } from 'node:fs'
import { AxeBuilder } from '@axe-core/playwright'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { password } from './people.ts'

export const chromiumPath = '/usr/bin/chromium'
/** The line that installs what a skipped test lacks; empty when it is there. */
export const missing = existsSync(chromiumPath) ? '' : ' (skipped: apt-get install chromium)'

/** How long anything is waited for before it counts as not coming. */
export const waitMs = 60_000

export const openBrowser = () =>
  chromium.launch({
    executablePath: chromiumPath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })

/** A walk shows every page on a phone, then on the wall; barriers depend on layout and colours, so axe (half a second a page) looks at each of those once. */
export const looks = [
  { width: 390, height: 844, language: 'en', scheme: 'light' },
  { width: 1920, height: 1080, language: 'ja', scheme: 'dark' },
] as const satisfies readonly Look[]
export interface Look {
  width: number
  height: number
  language: 'en' | 'ja'
  scheme: 'light' | 'dark'
}

export interface Visit extends AsyncDisposable {
  page: Page
  context: BrowserContext
  /** What the page printed as an error, or threw. */
  errors: string[]
}

/** A fresh browser profile with this size, language and colour scheme; errors are collected. */
export async function openVisit(browser: Browser, baseURL: string, look: Look): Promise<Visit> {
  const { width, height, language, scheme } = look
  const context = await browser.newContext({
    baseURL,
    viewport: { width, height },
    locale: language === 'ja' ? 'ja-JP' : 'en-GB',
    colorScheme: scheme,
    reducedMotion: 'reduce',
  })
  // Long enough for a machine that is busy with something else: what does not come at all still fails.
  context.setDefaultTimeout(waitMs)
  const page = await context.newPage()
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => {
    // Before the login GET /api/me answers 401, which the browser itself reports.
    if (message.type() === 'error' && !message.text().includes('401')) errors.push(message.text())
  })
  return { page, context, errors, [Symbol.asyncDispose]: () => context.close() }
}

const names = {
  en: { login: 'Login', password: 'Password', enter: 'Log in' },
  ja: { login: 'ログイン名', password: 'パスワード', enter: 'ログイン' },
} as const

/** Logs in by the form; the page goes on to where it was asked to go. */
export async function logIn(page: Page, login: string, language: Look['language'] = 'en') {
  const words = names[language]
  await page.getByRole('textbox', { name: words.login, exact: true }).fill(login)
  await page.getByRole('textbox', { name: words.password }).fill(password)
  await page.getByRole('button', { name: words.enter, exact: true }).click()
  await page.getByRole('navigation').waitFor({ state: 'attached' })
}

/** Logs in by the cookie that the form would bring: the form has a test of its own. */
export async function enterAs(visit: Visit, baseURL: string, login: string, path = '/') {
  await visit.context.addCookies([{ name: 'login', value: login, url: baseURL }])
  await visit.page.goto(path)
  await visit.page.getByRole('navigation').waitFor({ state: 'attached' })
}

/** Goes to a path inside the running console, without loading it anew, and waits for its answer. */
export async function goTo(page: Page, path: string) {
  await page.evaluate((to) => window.history.pushState(null, '', to), path)
  await page.locator('main h1').waitFor()
  await settle(page)
}

/** Waits until every answer is there and every chart is drawn as wide as its place. */
export async function settle(page: Page) {
  const isSettled = () => {
    if (document.querySelector('main .mantine-Loader-root')) return false
    return [...document.querySelectorAll<HTMLElement>('main .chart [role=img]')].every((chart) => {
      const plot = chart.querySelector<HTMLElement>('.uplot')
      return plot && Math.abs(plot.offsetWidth - chart.clientWidth) <= 1
    })
  }
  // Looking at every frame would make the browser draw every frame.
  await page.waitForFunction(isSettled, undefined, { polling: 40 })
}

/** By how many pixels the page is wider than its window. */
export const overflow = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)

/** Serious and critical findings of axe, one line each. */
export async function findBarriers(page: Page): Promise<string[]> {
  // Half a megabyte of script: a page that has it already is given nothing more.
  const has = await page.evaluate(() => 'axe' in window)
  // Legacy mode stays in this page; the other one opens a window for every answer.
  const { violations } = await new AxeBuilder(has ? { page, axeSource: ';' } : { page })
    .setLegacyMode(true)
    .options({ resultTypes: ['violations'] })
    .analyze()
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`)
}
