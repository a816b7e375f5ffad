/** The built console in a real browser: a case from request to report, a model from training to use, every page in every look. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  enterAs,
  findBarriers,
  goTo,
  type Look,
  logIn,
  looks,
  missing,
  openBrowser,
  openVisit,
  overflow,
  settle,
  waitMs,
} from './browser.ts'
import { openBuilt } from './built.ts'
import { openDevServer } from './dev-server.ts'
import { createTurns } from './turns.ts'

/** Set CONSOLE_SHOTS to a folder to keep a picture of every page. */
const shots = process.env.CONSOLE_SHOTS
const closing = new AsyncDisposableStack()
let browser: Browser
let folder: string

async function shoot(page: Page, name: string) {
  if (!shots) return
  mkdirSync(shots, { recursive: true })
  await page.screenshot({ path: join(shots, `${name}.png`), fullPage: true })
}

async function expectUsable(page: Page, where: string, axe = true) {
  expect(await overflow(page), `${where}: wider than the screen`).toBeLessThanOrEqual(0)
  if (axe) expect(await findBarriers(page), where).toEqual([])
}

/** Presses a button as a keyboard does: it must take the focus, and Enter must be enough. */
async function press(page: Page, button: Locator) {
  await button.focus()
  await page.keyboard.press('Enter')
}

/** A plant of its own for each test, so that they can run side by side. */
async function openStage(finished = false) {
  const stack = new AsyncDisposableStack()
  stack.use(await takeTurn())
  const { url } = stack.use(await openDevServer(folder, { finished }))
  return {
    url,
    visit: async (look: Look) => stack.use(await openVisit(browser, url, look)),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  }
}

const [phone] = looks
const wall = { ...phone, width: 1920, height: 1080 } as const
const sizes = [phone, wall] as const

const pages = {
  fleet: '/',
  asset: '/assets/press',
  models: '/assets/press/models',
  training: '/assets/press/train',
  upload: '/assets/press/upload',
  model: '/models/mod_4',
  scoreboard: '/models',
  alarms: '/alarms',
  cases: '/cases',
  case: '/cases/cas_1',
  sessions: '/sessions',
  session: '/sessions/ses_1',
  recording: '/sessions/ses_1/recording',
  gateway: '/gateways/plant/plant-gw',
  maintenance: '/maintenance',
  audit: '/audit',
  missing: '/nowhere',
}

/** Much of a test is waiting: side by side they wait together, but more pages at once only slow one another down. */
const options = { timeout: 10 * waitMs, concurrent: true }
const takeTurn = createTurns(3)

describe.skipIf(missing !== '')(`the console${missing}`, options, () => {
  beforeAll(async () => {
    const opening = openBrowser()
    closing.defer(async () => (await opening).close())
    folder = closing.use(await openBuilt()).folder
    browser = await opening
  }, 3 * waitMs)
  afterAll(() => closing.disposeAsync())

  it.each(looks)(
    'shows every page on a phone and on the wall in $language, $scheme, without errors, overflow or barriers',
    async (look) => {
      await using stage = await openStage(true)
      const visit = await stage.visit(look)
      const { page, errors } = visit
      await enterAs(visit, stage.url, 'admin')
      for (const [name, path] of Object.entries(pages)) {
        for (const { width, height } of sizes) {
          await page.setViewportSize({ width, height })
          if (width === phone.width) await goTo(page, path)
          else await settle(page)
          await expectUsable(page, `${name} at ${width} px`, width === look.width)
          await shoot(page, `${name}-${width}-${look.language}-${look.scheme}`)
        }
      }
      expect(errors).toEqual([])
    },
  )

  it('carries a case from the request for access to the report, with the buttons a driver presses', async () => {
    await using stage = await openStage()
    const [one, two] = [await stage.visit(phone), await stage.visit(wall)]
    const [technician, manager] = [one.page, two.page]
    await enterAs(one, stage.url, 'technician')
    await shoot(technician, 'fleet-alarm-390')
    await goTo(technician, '/cases/cas_1')
    await technician.getByRole('combobox', { name: 'Target' }).waitFor()
    await expectUsable(technician, 'case, open')
    await shoot(technician, 'case-open-390')
    await technician.getByRole('textbox', { name: 'Reason' }).fill('Cooling efficiency is too low')
    await technician.getByRole('button', { name: 'Request access' }).click()
    await technician.getByText('Waiting for approval').waitFor()

    await enterAs(two, stage.url, 'manager')
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
    await technician.getByRole('textbox', { name: 'Part' }).fill('Main cooler')
    await technician.getByRole('button', { name: 'Close case' }).click()
    await technician.getByRole('heading', { name: 'Report' }).waitFor()
    expect([...one.errors, ...two.errors]).toEqual([])
  })

  it('offers nobody an approval that is not theirs to give: where the site decides it says so, and a no is possible', async () => {
    await using stage = await openStage()
    const [one, two] = [await stage.visit(phone), await stage.visit({ ...wall, language: 'ja' })]
    await enterAs(one, stage.url, 'technician')
    await goTo(one.page, '/cases/cas_1')
    await one.page.getByRole('combobox', { name: 'Target' }).selectOption('2')
    await one.page.getByRole('textbox', { name: 'Reason' }).fill('Look at the panel')
    await one.page.getByRole('button', { name: 'Request access' }).click()
    await one.page.getByText('Waits for the site').waitFor()
    await shoot(one.page, 'case-waits-for-site-390')
    expect(await one.page.getByRole('button', { name: 'Approve' }).count()).toBe(0)

    await enterAs(two, stage.url, 'manager')
    await goTo(two.page, '/sessions')
    await two.page.getByText('現場の判断を待っています').waitFor()
    await expectUsable(two.page, 'sessions, waiting for the site')
    await shoot(two.page, 'sessions-waits-for-site-1920-ja')
    expect(await two.page.getByRole('button', { name: '承認' }).count()).toBe(0)
    await two.page.getByRole('button', { name: '拒否' }).click()
    await one.page.getByText('Refused by').waitFor()
    expect([...one.errors, ...two.errors]).toEqual([])
  })

  it('says that the cloud does not answer and since when, and takes it back', async () => {
    await using stage = await openStage()
    const visit = await stage.visit(phone)
    const { page, context } = visit
    await enterAs(visit, stage.url, 'engineer')
    const banner = page.getByText('The cloud has not answered since')
    await page.getByRole('heading', { name: 'Kanagawa plant' }).waitFor()
    expect(await banner.count()).toBe(0)
    await context.setOffline(true)
    await banner.waitFor()
    await page.getByRole('heading', { name: 'Kanagawa plant' }).waitFor()
    await context.setOffline(false)
    await banner.waitFor({ state: 'detached' })
  })

  it('brings a person without a login to the login page, says no in words, and brings them back', async () => {
    await using stage = await openStage()
    const { page } = await stage.visit(phone)
    await page.goto('/alarms')
    await page.getByRole('textbox', { name: 'Login' }).fill('technician')
    await page.getByRole('textbox', { name: 'Password' }).fill('wrong')
    await page.getByRole('button', { name: 'Log in' }).click()
    await page.getByText('The login or the password is wrong.').waitFor()
    await expectUsable(page, 'login')
    await shoot(page, 'login')
    await logIn(page, 'technician')
    await page.getByRole('heading', { name: 'Alarms', level: 1 }).waitFor()
  })

  it('asks for the login again when it is over, and goes back to where the person was', async () => {
    await using stage = await openStage()
    const { page, context } = await stage.visit(phone)
    await page.goto('/cases')
    await logIn(page, 'engineer')
    await page.getByRole('heading', { name: 'Cases', level: 1 }).waitFor()
    await context.clearCookies()
    await page.getByRole('textbox', { name: 'Login' }).waitFor()
    await logIn(page, 'engineer')
    await page.getByRole('heading', { name: 'Cases', level: 1 }).waitFor()
  })

  it('edits the configuration of a gateway: what is wrong beside its line, the differences in words, sent with a reason', async () => {
    await using stage = await openStage()
    const visit = await stage.visit(phone)
    const { page, errors } = visit
    await enterAs(visit, stage.url, 'engineer', '/gateways/plant/plant-gw')
    const text = page.getByRole('textbox', { name: 'Devices' })
    await text.waitFor()
    const before = await text.inputValue()
    await text.fill(before.replace('name: Tag3', 'name: Tag3!'))
    await press(page, page.getByRole('button', { name: 'Check', exact: true }))
    await press(page, page.getByRole('button', { name: 'Line 11' }))
    const marked = await text.evaluate((field: HTMLTextAreaElement) =>
      field.value.slice(field.selectionStart, field.selectionEnd),
    )
    expect(marked).toContain('Tag3!')
    await expectUsable(page, 'gateway, wrong')
    await shoot(page, 'gateway-wrong-390')
    const send = page.getByRole('button', { name: 'Send to the gateway' })
    expect(await send.getAttribute('aria-description')).toBe('1 problem(s)')
    await text.fill(before.replace('name: Tag3', 'name: Speed'))
    await press(page, page.getByRole('button', { name: 'Check', exact: true }))
    await page.getByText('Nothing wrong').waitFor()
    await press(page, send)
    await page.getByRole('textbox', { name: 'Reason' }).fill('A better name')
    await page.getByRole('button', { name: 'Send', exact: true }).click()
    await page.getByText('On trial').waitFor()
    await page.setViewportSize({ width: 1920, height: 1080 })
    await shoot(page, 'gateway-trial-1920')
    await press(page, page.getByRole('button', { name: 'Take it back now' }))
    await page.getByRole('textbox', { name: 'Reason' }).fill('Not yet')
    await page.getByRole('dialog').getByRole('button', { name: 'Take it back now' }).click()
    await page.getByText('Taken back from here.').waitFor()
    expect(errors).toEqual([])
  })

  it('revokes the certificate of a stolen gateway: the administrator only, with a reason, and says what it takes to come back', async () => {
    await using stage = await openStage()
    const other = await stage.visit(phone)
    await enterAs(other, stage.url, 'engineer', '/gateways/plant/plant-gw')
    const greyed = other.page.getByRole('button', { name: 'Revoke the certificate' })
    expect(await greyed.getAttribute('aria-description')).toContain('revoke certificates')
    const visit = await stage.visit(phone)
    const { page, errors } = visit
    await enterAs(visit, stage.url, 'admin', '/gateways/plant/plant-gw')
    const revoke = page.getByRole('button', { name: 'Revoke the certificate' })
    await press(page, revoke)
    const dialog = page.getByRole('dialog')
    await dialog.getByText(/mimamori enrol/).waitFor()
    await dialog.getByRole('textbox', { name: 'Reason' }).fill('Stolen from the van')
    await expectUsable(page, 'gateway, to be revoked')
    await shoot(page, 'gateway-revoke-390')
    await dialog.getByRole('button', { name: 'Revoke', exact: true }).click()
    await page.getByText(/^Its certificate was revoked/).waitFor()
    expect(await revoke.getAttribute('aria-description')).toContain('enrolled anew')
    await shoot(page, 'gateway-revoked-390')
    expect([...errors, ...other.errors]).toEqual([])
  })

  it('takes a machine out of service for planned maintenance: seen on machine, alarm and fleet, and ended from there', async () => {
    await using stage = await openStage()
    const visit = await stage.visit(phone)
    const { page, errors } = visit
    await enterAs(visit, stage.url, 'engineer', '/assets/press')
    await press(page, page.getByRole('button', { name: 'Plan maintenance' }))
    const dialog = page.getByRole('dialog')
    const to = dialog.getByLabel('To')
    const before = await to.inputValue()
    await to.fill('2020-01-01T00:00:00')
    await dialog.getByText('The end must come after the beginning.').waitFor()
    await dialog.getByText('Times are those of the site (Asia/Tokyo).').waitFor()
    await expectUsable(page, 'maintenance, form')
    await shoot(page, 'maintenance-form-390')
    await to.fill(before)
    await dialog.getByRole('textbox', { name: 'What is done' }).fill('Change the seals')
    await press(page, dialog.getByRole('button', { name: 'Enter' }))
    await page.getByText(/^In planned maintenance until .*: Change the seals$/).waitFor()
    await page.getByText('Entered by Erika Engineer. Alarms are out of service').waitFor()
    await page.getByText('Planned maintenance in view').waitFor()
    await expectUsable(page, 'asset, in maintenance')
    await shoot(page, 'asset-maintenance-390')

    await goTo(page, '/alarms')
    await page.getByText(/^Out of service until/).waitFor()
    await page.getByText('Planned maintenance: Change the seals (entered by Erika').waitFor()
    await shoot(page, 'alarms-maintenance-390')
    await goTo(page, '/')
    await page.getByText('In planned maintenance, asking nobody (1)').waitFor()
    await expectUsable(page, 'fleet, in maintenance')
    await shoot(page, 'fleet-maintenance-390')
    await goTo(page, '/maintenance')
    await page.setViewportSize({ width: 1920, height: 1080 })
    await expectUsable(page, 'maintenance')
    await shoot(page, 'maintenance-running-1920')
    await press(page, page.getByRole('button', { name: 'Extend' }))
    await page.getByRole('dialog').getByRole('button', { name: 'Extend' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await press(page, page.getByRole('button', { name: 'End now' }))
    await page.getByText('Nothing is being worked on.').waitFor()
    await press(page, page.getByRole('button', { name: 'Cancel it' }).first())
    await page.getByRole('textbox', { name: 'Reason' }).fill('The part did not come')
    await page.getByRole('button', { name: 'Cancel this maintenance' }).click()
    await page.getByText('Nothing is planned.').waitFor()
    await goTo(page, '/alarms')
    await page.getByText('Hydraulic press 1').first().waitFor()
    expect(await page.getByText(/^Out of service until/).count()).toBe(0)
    expect(errors).toEqual([])
  })

  it('trains a model by keyboard alone: proposal, progress, back-test, and into use', async () => {
    await using stage = await openStage()
    const visit = await stage.visit(phone)
    const { page, errors } = visit
    await enterAs(visit, stage.url, 'engineer', '/assets/press/train')
    await page.getByText('Enough data').waitFor()
    await page.getByText('Planned maintenance: oil change').waitFor()
    await press(page, page.getByRole('button', { name: 'Remove period 1' }))
    await page.getByRole('button', { name: 'Remove period 3' }).waitFor({ state: 'detached' })
    await page.getByText(/^about .* rows/).waitFor()
    const modes = page.getByRole('combobox', { name: 'Operating mode (optional)' })
    await modes.selectOption({ label: 'Program: clean, fast, slow' })
    const asked = page.waitForRequest((request) => request.url().endsWith('/train'))
    await press(page, page.getByRole('button', { name: 'Start training' }))
    expect((await asked).postDataJSON()).toMatchObject({ modeTag: 'Program' })
    await page.getByRole('progressbar', { name: 'Progress of the training' }).waitFor()
    await page
      .getByText(/It would have alarmed 3 times in 8 weeks/)
      .first()
      .waitFor()
    const perMode = page.getByRole('region', { name: 'By operating mode' })
    await perMode.getByRole('row', { name: /clean .* not learned/ }).waitFor()
    await page.getByText('In planned maintenance: 1 alarm(s), not counted').click()
    await page.getByText('· Cylinder exchanged').waitFor()
    const aside = page.getByRole('region', { name: 'Planned maintenance' })
    await aside.getByRole('row', { name: /Pressure\/PS1/ }).waitFor()
    await expectUsable(page, 'training, done')
    await shoot(page, 'training-done-390')
    await press(page, page.getByRole('button', { name: 'Put in use' }))
    await page.getByRole('textbox', { name: 'Reason' }).fill('Fewer false alarms in back-test')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByText('In use: its alarms open cases.').waitFor()

    await goTo(page, '/assets/press/models')
    await page.getByText('52% of the rows could not be judged').waitFor()
    await page.getByText('by engineer · version 3 sees it earlier').waitFor()
    const before = page.getByRole('article', { name: 'press-all-tags, version 3' })
    await before.getByText('Retired', { exact: true }).waitFor()
    await press(page, before.getByRole('button', { name: 'Roll back to this version' }))
    await page.getByRole('textbox', { name: 'Reason' }).fill('The new one is too quiet')
    await shoot(page, 'roll-back-390')
    await press(page, page.getByRole('button', { name: 'Confirm' }))
    await before.getByText('Active', { exact: true }).waitFor()
    expect(errors).toEqual([])
  })

  it('lets an engineer look into an alarm, call it normal, take it back from the shelf, and follow a proposal', async () => {
    await using stage = await openStage()
    const visit = await stage.visit(phone)
    const { page, errors } = visit
    await enterAs(visit, stage.url, 'engineer', '/alarms')
    await page.getByText('Why? What was expected, what helped before').click()
    await page.getByText('Cleaned the filter; switched back to the main cooler').waitFor()
    await page.getByText('a case at another site of your company').first().waitFor()
    await page.getByText('Looks like: cooler fouling · 86% likely').waitFor()
    await page.getByText('Partly from expectation: Flow/FS1.').waitFor()
    await expectUsable(page, 'alarm with its explanation')
    await shoot(page, 'alarm-why-390')
    await page.getByRole('button', { name: 'Shelve', exact: true }).click()
    await page.getByRole('textbox', { name: 'Reason' }).fill('The cooler is being changed')
    await page.getByRole('button', { name: 'Shelve this alarm' }).click()
    await page.getByRole('button', { name: 'Unshelve' }).click()
    await page.getByRole('button', { name: 'Shelve', exact: true }).waitFor()
    await page.getByRole('button', { name: 'This was normal' }).click()
    await page.getByRole('textbox', { name: 'What the machine was doing' }).fill('Test run')
    await expectUsable(page, 'dialog')
    await page.getByRole('button', { name: 'Tell the model' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })

    await goTo(page, '/models')
    await page.getByRole('button', { name: 'Threshold × 1.15' }).click()
    await page.getByRole('button', { name: 'Set the threshold' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await goTo(page, '/models/mod_3')
    await page.getByText('1.207', { exact: true }).waitFor()
    expect(errors).toEqual([])
  })

  it('uploads a model with its manifest, and says what is missing before', async () => {
    await using stage = await openStage()
    const visit = await stage.visit(phone)
    const { page, errors } = visit
    await enterAs(visit, stage.url, 'engineer', '/assets/press/upload')
    const send = page.getByRole('button', { name: 'Upload and try out' })
    expect(await send.getAttribute('aria-description')).toBe('Choose both files first.')
    const files = page.locator('input[type=file]')
    const onnx = { name: 'forest.onnx', mimeType: 'application/octet-stream' }
    await files.nth(0).setInputFiles({ ...onnx, buffer: Buffer.from([8, 7, 18, 0]) })
    const manifest = { name: 'manifest.json', mimeType: 'application/json' }
    await files.nth(1).setInputFiles({ ...manifest, buffer: Buffer.from('[]') })
    await page.getByText('The manifest is not a JSON object.').waitFor()
    await files.nth(1).setInputFiles({ ...manifest, buffer: Buffer.from('{"name":"forest"}') })
    await send.click()
    await page.getByText('It is here as version 5, in shadow.').waitFor()
    await page.getByRole('link', { name: 'See this version' }).click()
    await page.getByRole('heading', { name: 'forest, version 5', level: 1 }).waitFor()
    expect(errors).toEqual([])
  })
})
