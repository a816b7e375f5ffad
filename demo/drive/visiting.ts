/** The visit in the browser: the request, the decision, the machine's page in the frame, the end. */
import assert from 'node:assert/strict'
import type { Stage } from './by-browser.ts'
import { RESET, SWITCH, texts, type Visiting } from './story.ts'
import { goTo, logIn } from './visits.ts'

export function createVisiting(stage: Stage): Visiting {
  const { visits } = stage
  const { page } = visits.technician
  return {
    requestAccess: () => requestAccess(stage),
    approve: () => approve(stage),
    openSession: () => openSession(stage),
    mend: () => mend(stage),
    async endSession() {
      await page.getByRole('button', { name: 'End session' }).click()
      const over = page.getByText('The session is over.')
      await over.waitFor()
      assert.equal(await page.locator('iframe').count(), 0, 'the frame is still there')
      return (await over.textContent()) ?? ''
    },
  }
}

async function requestAccess(stage: Stage): Promise<string> {
  const { visits, cast, photographer } = stage
  const { page } = visits.technician
  await page.goto('/')
  await logIn(visits.technician, cast.logins.technician)
  await goTo(visits.technician, 'Cases')
  await photographer.shoot(page, 'cases')
  await page
    .getByRole('main')
    .getByRole('link', { name: /^Abnormal/ })
    .first()
    .click()
  await page.getByRole('textbox', { name: 'Reason' }).fill(texts.reason)
  await page.getByText(String(texts.minutes), { exact: true }).click()
  const target = page.getByRole('combobox', { name: 'Target' })
  const title = await target.locator('option:checked').textContent()
  await page.getByRole('button', { name: 'Request access' }).click()
  await page.getByText('Waiting for approval', { exact: true }).first().waitFor()
  stage.casePath = new URL(page.url()).pathname
  return `${title}, ${texts.minutes} minutes`
}

async function approve({ visits, cast, photographer }: Stage): Promise<string> {
  const { page } = visits.manager
  await page.goto('/')
  await logIn(visits.manager, cast.logins.manager)
  const request = page.getByRole('link', { name: /asks for access to/ }).first()
  const asked = await request.textContent()
  await request.click()
  const card = page.locator('article.card[data-state="requested"]')
  await card.getByText(texts.reason).waitFor()
  await card.getByText(`${texts.minutes} minutes`).waitFor()
  await photographer.shoot(page, 'case-request')
  await goTo(visits.manager, 'Sessions')
  await photographer.shoot(page, 'sessions')
  await card.getByRole('textbox', { name: 'Note' }).fill(texts.note)
  await card.getByRole('button', { name: 'Approve' }).click()
  await page.getByText('Approved', { exact: true }).first().waitFor()
  return `${asked}, ${texts.minutes} minutes, reason read`
}

async function openSession({ visits, cast, photographer }: Stage): Promise<string> {
  const { page } = visits.technician
  await page.getByRole('button', { name: 'Open session' }).click()
  const machine = page.frameLocator('iframe')
  await machine.getByRole('button', { name: SWITCH }).waitFor()
  const frame = page.frames().find((each) => each.parentFrame() === page.mainFrame())
  const origin = new URL(frame?.url() ?? cast.url).origin
  assert.notEqual(origin, cast.url, 'the frame shares the origin of the console')
  const title = await machine.getByRole('heading', { level: 1 }).textContent()
  await photographer.shoot(page, 'session')
  return `"${title}", ${await machine.locator('#status').textContent()} (its own origin)`
}

async function mend({ visits, photographer }: Stage): Promise<string> {
  const { page } = visits.technician
  const machine = page.frameLocator('iframe')
  await machine.getByRole('button', { name: SWITCH }).click()
  await machine.getByText(`${SWITCH}: done`).waitFor()
  const reset = machine.getByRole('button', { name: RESET })
  const tripped = await reset.isEnabled()
  if (tripped) {
    await reset.click()
    await machine.getByText(`${RESET}: done`).waitFor()
  }
  const cooler = machine.locator('.tile').filter({ hasText: 'Cooler in service' })
  await cooler.getByText('spare').waitFor()
  await photographer.shoot(page, 'session-mended')
  return `cooler in service: spare${tripped ? ', fault reset' : ''}`
}
