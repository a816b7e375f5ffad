/** Three people with a browser profile each, and what they all do on every page. */
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { timeZone } from '../places.ts'
import type { DemoLogin } from '../screen.ts'
import { patience } from './story.ts'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** The first browser of this machine that can be driven; undefined when there is none. */
export function findChromium(path = process.env.PATH ?? ''): string | undefined {
  const folders = ['/usr/bin', ...path.split(delimiter)]
  return folders.flatMap((folder) => names.map((name) => join(folder, name))).find(isExecutable)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

export async function openChromium(executablePath: string): Promise<Browser> {
  const { chromium } = await import('playwright-core')
  return await chromium.launch({
    executablePath,
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
}

export interface Visit {
  page: Page
  context: BrowserContext
  /** What the page printed as an error, or threw, since it was opened. */
  errors: string[]
}

/** A fresh profile, English and light, at the size of a desktop screen. */
export async function openVisit(browser: Browser, url: string): Promise<Visit> {
  const context = await browser.newContext({
    baseURL: url,
    viewport: { width: 1920, height: 1080 },
    locale: 'en-GB',
    timezoneId: timeZone,
    colorScheme: 'light',
    reducedMotion: 'reduce',
  })
  context.setDefaultTimeout(patience.pageMs)
  const page = await context.newPage()
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => {
    // Who is not logged in yet is told so with 401, which the browser itself reports.
    if (message.type() === 'error' && !message.text().includes('401')) errors.push(message.text())
  })
  return { page, context, errors }
}

export async function logIn({ page }: Visit, { login, password }: DemoLogin): Promise<void> {
  await page.getByRole('textbox', { name: 'Login', exact: true }).fill(login)
  await page.getByRole('textbox', { name: 'Password' }).fill(password)
  await page.getByRole('button', { name: 'Log in', exact: true }).click()
  await page.getByRole('navigation').waitFor({ state: 'attached' })
}

/** Goes there by the navigation, as a person does. */
export async function goTo({ page }: Visit, place: string): Promise<void> {
  await page.getByRole('navigation').getByRole('link', { name: place }).click()
  await page.getByRole('heading', { level: 1, name: place }).waitFor()
}
