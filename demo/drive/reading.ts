/** The end of the story in the browser: verified, closed, and what the report, the recording and the audit log say. */
import assert from 'node:assert/strict'
import type { Stage } from './by-browser.ts'
import { type Closing, patience, SWITCH_PATH, texts } from './story.ts'
import { goTo } from './visits.ts'

export function createReading(stage: Stage): Closing {
  const { visits, photographer } = stage
  const { page } = visits.technician
  return {
    async seeVerified() {
      await goTo(visits.technician, 'Cases')
      await page
        .getByRole('main')
        .getByRole('link', { name: /^Abnormal/ })
        .first()
        .click()
      assert.equal(new URL(page.url()).pathname, stage.casePath, 'this is another case')
      const mark = page.getByText('Recovery verified at')
      await mark.waitFor({ timeout: patience.recoveryMs })
      await photographer.shoot(page, 'case-verified')
      return (await mark.textContent()) ?? ''
    },
    async closeCase() {
      await page.getByRole('textbox', { name: 'Cause' }).fill(texts.cause)
      await page.getByRole('textbox', { name: 'What was done' }).fill(texts.action)
      await page.getByRole('button', { name: 'Close case' }).click()
      await page.getByRole('heading', { level: 2, name: 'Report' }).waitFor()
      await page.getByText('Closed', { exact: true }).first().waitFor()
      return texts.cause
    },
    readReport: () => readReport(stage),
    readRecording: () => readRecording(stage),
    readAudit: () => readAudit(stage),
  }
}

const HASH = /[0-9a-f]{64}$/
/** The hash in the report, to be found again on the recording's page. */
const hashes = new WeakMap<Stage, string>()

async function readReport(stage: Stage): Promise<string> {
  const { visits, photographer } = stage
  const { page } = visits.technician
  const report = page.getByRole('region', { name: 'Report' })
  const text = (await report.textContent()) ?? ''
  for (const words of [texts.cause, texts.action, 'approved by', 'POST']) {
    assert.ok(text.includes(words), `the report does not say "${words}"`)
  }
  const changes = await report.locator('.report-session code').allTextContents()
  const change = changes.find((words) => SWITCH_PATH.test(words))
  assert.ok(change?.startsWith('POST'), `no recorded POST among ${changes.join(', ')}`)
  const hash = HASH.exec((await report.locator('code.hash').first().textContent()) ?? '')?.[0]
  assert.ok(hash, 'the report names no hash')
  hashes.set(stage, hash)
  const rows = await report
    .getByRole('region', { name: 'Values before and after' })
    .locator('tbody tr')
    .all()
  const values = await Promise.all(rows.map((row) => row.locator('th, td').allTextContents()))
  const measured = values.filter(
    ([, , before, after]) => /\d/.test(`${before}`) && /\d/.test(`${after}`),
  )
  assert.ok(measured.length > 0, 'the report shows no values before and after')
  await photographer.shoot(page, 'case-closed')
  const shown = measured
    .slice(0, 3)
    .map(([name, , before, after]) => `${name} ${before} → ${after}`)
  return `${change}; SHA-256 ${hash.slice(0, 12)}…; ${shown.join(', ')}`
}

async function readRecording(stage: Stage): Promise<string> {
  const { visits, photographer } = stage
  const { page } = visits.technician
  const report = page.getByRole('region', { name: 'Report' })
  await report.getByRole('link', { name: 'Recording' }).click()
  await page.getByText('Intact: the chain of hashes was checked just now').waitFor()
  const hash = hashes.get(stage) ?? 'none'
  await page.getByText(hash).waitFor()
  const exchanges = page.locator('details.exchange')
  const count = await exchanges.count()
  const change = page.locator('details.exchange[data-change]').first()
  await change.locator('summary').click()
  await change.getByText('Answered by the machine').waitFor()
  await photographer.shoot(page, 'recording')
  const path = (await change.locator('code.path').textContent()) ?? ''
  assert.match(path, SWITCH_PATH)
  return `intact, the hash of the report, ${count} exchanges, POST ${path}`
}

async function readAudit({ visits, photographer }: Stage): Promise<string> {
  const { page } = visits.manager
  await goTo(visits.manager, 'Audit')
  await page.getByText('Intact: the chain of hashes was checked just now').waitFor()
  const main = page.getByRole('main')
  await main.getByText('session.approve').first().waitFor()
  await photographer.shoot(page, 'audit')
  return `intact, ${await main.locator('tbody tr').count()} entries shown`
}
