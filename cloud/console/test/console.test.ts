/** The built console in a real browser: a case from request to report, then every page in every look. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { build } from 'vite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  findBarriers,
  goTo,
  logIn,
  looks,
  missing,
  openBrowser,
  openVisit,
  overflow,
} from './browser.ts'
import { openDevServer } from './dev-server.ts'

const folder = mkdtempSync(join(tmpdir(), 'console-'))
/** Set CONSOLE_SHOTS to a folder to keep a picture of every page. */
const shots = process.env.CONSOLE_SHOTS
const closing = new AsyncDisposableStack()
let url: string
let browser: Browser

async function shoot(page: Page, name: string) {
  if (!shots) return
  mkdirSync(shots, { recursive: true })
  await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true })
}

async function expectUsable(page: Page, where: string, axe = true) {
  expect(await overflow(page), `${where}: wider than the screen`).toBeLessThanOrEqual(0)
  if (axe) expect(await findBarriers(page), where).toEqual([])
}

describe.skipIf(missing !== '')(`the console${missing}`, () => {
  beforeAll(async () => {
    closing.defer(() => rmSync(folder, { recursive: true, force: true }))
    const configFile = fileURLToPath(new URL('../../../vite.config.ts', import.meta.url))
    await build({ configFile, logLevel: 'error', build: { outDir: folder } })
    const server = closing.use(await openDevServer(folder))
    url = server.url
    browser = await openBrowser()
    closing.defer(() => browser.close())
  })
  afterAll(() => closing.disposeAsync())

  it('brings a person without a login to the login page, says no in words, and brings them back', async () => {
    const { page, context } = await openVisit(browser, url, looks[0])
    await page.goto('/alarms')
    await page.getByRole('textbox', { name: 'Login' }).fill('technician')
    await page.getByRole('textbox', { name: 'Password' }).fill('wrong')
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByText('The login or the password is wrong.').waitFor()
    await expectUsable(page, 'login')
    await shoot(page, 'login')
    await logIn(page, 'technician')
    await page.getByRole('heading', { name: 'Alarms', level: 1 }).waitFor()
    await context.close()
  })

  it('carries a case from the request for access to the report, with the buttons a driver presses', async () => {
    const one = await openVisit(browser, url, looks[0])
    const two = await openVisit(browser, url, looks[3])
    const [technician, manager] = [one.page, two.page]
    await technician.goto('/')
    await logIn(technician, 'technician')
    await shoot(technician, 'fleet-alarm-390')
    await goTo(technician, '/cases/cas_1')
    await technician.getByRole('combobox', { name: 'Target' }).waitFor()
    await expectUsable(technician, 'case, open')
    await shoot(technician, 'case-open-390')
    await technician.getByRole('textbox', { name: 'Reason' }).fill('Cooling efficiency is too low')
    await technician.getByRole('button', { name: 'Request access' }).click()
    await technician.getByText('Waiting for approval').waitFor()

    await manager.goto('/')
    await logIn(manager, 'manager')
    await shoot(manager, 'fleet-alarm-1920')
    await manager.getByRole('link', { name: '田中 一郎 asks for access to Press HMI' }).click()
    await manager.getByText('Cooling efficiency is too low').first().waitFor()
    await expectUsable(manager, 'case, request')
    await shoot(manager, 'case-request-1920')
    await manager.getByRole('button', { name: 'Approve' }).click()
    await manager.getByText('Approved', { exact: true }).first().waitFor()

    await technician.getByRole('button', { name: 'Open session' }).click()
    const machine = technician.frameLocator('iframe')
    await machine.getByRole('button', { name: 'Switch to spare cooler' }).click()
    await machine.getByText('Spare cooler is running').waitFor()
    await expectUsable(technician, 'session, active')
    await shoot(technician, 'session-active-390')
    await technician.setViewportSize({ width: 1920, height: 1080 })
    await shoot(technician, 'session-active-1920')
    await technician.getByRole('button', { name: 'End session' }).click()
    await technician.getByText('The session is over.').waitFor()

    await goTo(technician, '/cases/cas_1')
    await technician.getByText('Recovery verified at').waitFor()
    await shoot(technician, 'case-verified-1920')
    await technician.getByRole('textbox', { name: 'Cause' }).fill('The main cooler failed')
    await technician.getByRole('textbox', { name: 'What was done' }).fill('Switched to the spare')
    await technician.getByRole('button', { name: 'Close case' }).click()
    await technician.getByRole('heading', { name: 'Report' }).waitFor()
    expect([...one.errors, ...two.errors]).toEqual([])
    await one.context.close()
    await two.context.close()
  })

  it('says that the cloud does not answer and since when, and takes it back', async () => {
    const { page, context } = await openVisit(browser, url, looks[0])
    await page.goto('/')
    await logIn(page, 'engineer')
    const banner = page.getByText('The cloud has not answered since')
    await page.getByRole('heading', { name: 'Kanagawa plant' }).waitFor()
    expect(await banner.count()).toBe(0)
    await context.setOffline(true)
    await banner.waitFor()
    await page.getByRole('heading', { name: 'Kanagawa plant' }).waitFor()
    await context.setOffline(false)
    await banner.waitFor({ state: 'detached' })
    await context.close()
  })

  it('asks for the login again when it is over, and goes back to where the person was', async () => {
    const { page, context } = await openVisit(browser, url, looks[0])
    await page.goto('/cases')
    await logIn(page, 'engineer')
    await page.getByRole('heading', { name: 'Cases', level: 1 }).waitFor()
    await context.clearCookies()
    await page.getByRole('textbox', { name: 'Login' }).waitFor()
    await logIn(page, 'engineer')
    await page.getByRole('heading', { name: 'Cases', level: 1 }).waitFor()
    await context.close()
  })

  const pages = {
    fleet: '/',
    asset: '/assets/press',
    alarms: '/alarms',
    cases: '/cases',
    case: '/cases/cas_1',
    sessions: '/sessions',
    session: '/sessions/ses_1',
    recording: '/sessions/ses_1/recording',
    audit: '/audit',
    missing: '/nowhere',
  }
  it.each(looks)(
    'shows every page at $width px in $language, $scheme, without errors, overflow or barriers',
    async (look) => {
      const { page, context, errors } = await openVisit(browser, url, look)
      await page.goto('/')
      await logIn(page, 'admin', look.language)
      for (const [name, path] of Object.entries(pages)) {
        await goTo(page, path)
        await page.waitForTimeout(150) // a frame or two for the charts
        await expectUsable(page, `${name} at ${look.width} px`, look.axe)
        await shoot(page, `${name}-${look.width}-${look.language}-${look.scheme}`)
      }
      expect(errors).toEqual([])
      await context.close()
    },
  )
})
