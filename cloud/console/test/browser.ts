/** TEST equipment: a built console in a headless Chromium, and what may not be wrong with a page in it. */
import { existsSync } from 'node:fs'
import { AxeBuilder } from '@axe-core/playwright'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { password } from './people.ts'

export const chromiumPath = '/usr/bin/chromium'
/** The line that installs what a skipped test lacks; empty when it is there. */
export const missing = existsSync(chromiumPath) ? '' : ' (skipped: apt-get install chromium)'

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

/** Barriers depend on layout and colours, so axe (a second a page) looks at each of those once. */
export const looks = [
  { width: 390, height: 844, language: 'en', scheme: 'light', axe: true },
  { width: 390, height: 844, language: 'ja', scheme: 'dark', axe: false },
  { width: 1920, height: 1080, language: 'ja', scheme: 'dark', axe: true },
  { width: 1920, height: 1080, language: 'en', scheme: 'light', axe: false },
] as const
export type Look = (typeof looks)[number]

export interface Visit {
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
  context.setDefaultTimeout(15_000)
  const page = await context.newPage()
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => {
    // Before the login GET /api/me answers 401, which the browser itself reports.
    if (message.type() === 'error' && !message.text().includes('401')) errors.push(message.text())
  })
  return { page, context, errors }
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

/** Goes to a path inside the running console, without loading it anew, and waits for its answer. */
export async function goTo(page: Page, path: string) {
  await page.evaluate((to) => window.history.pushState(null, '', to), path)
  await page.locator('main h1').waitFor()
  await page.waitForFunction(() => !document.querySelector('main .mantine-Loader-root'))
}

/** By how many pixels the page is wider than its window. */
export const overflow = (page: Page) =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)

/** Serious and critical findings of axe, one line each. */
export async function findBarriers(page: Page): Promise<string[]> {
  // Legacy mode stays in this page; the other one opens a window for every answer.
  const { violations } = await new AxeBuilder({ page }).setLegacyMode(true).analyze()
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`)
}
