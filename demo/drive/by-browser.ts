/** Plays the story in a real browser: three profiles, the pages and buttons that people use. */
import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Locator } from 'playwright-core'
import type { Cast, PartName } from './cast.ts'
import { until } from './narrator.ts'
import { createReading } from './reading.ts'
import { createPhotographer, type Photographer } from './screens.ts'
import { type Player, PRESS, patience, type Watching } from './story.ts'
import { createVisiting } from './visiting.ts'
import { goTo, logIn, openChromium, openVisit, type Visit } from './visits.ts'

/** The three at their screens, and the case they talk about. */
export interface Stage {
  cast: Cast
  visits: Record<PartName, Visit>
  photographer: Photographer
  /** Path of the case's page, once it is known. */
  casePath: string
}

export interface BrowserOptions {
  chromium: string
  /** Where pictures of every page go; none are made without. */
  screens: string | undefined
}

export async function openBrowserPlayer(cast: Cast, options: BrowserOptions): Promise<Player> {
  await using stack = new AsyncDisposableStack()
  const browser = await openChromium(options.chromium)
  stack.defer(() => browser.close())
  const visit = (): Promise<Visit> => openVisit(browser, cast.url)
  const visits = { engineer: await visit(), technician: await visit(), manager: await visit() }
  const photographer = createPhotographer(options.screens)
  const stage: Stage = { cast, visits, photographer, casePath: '' }
  const owned = stack.move()
  return {
    ...createWatching(stage),
    ...createVisiting(stage),
    ...createReading(stage),
    keepEvidence: (dir) => keepEvidence(stage, dir),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** A picture of what each person sees, and what their pages complained about. */
async function keepEvidence({ visits }: Stage, dir: string): Promise<string[]> {
  await mkdir(dir, { recursive: true })
  const kept: string[] = []
  for (const [name, { page, errors }] of Object.entries(visits)) {
    const path = join(dir, `failed-${name}.png`)
    await page.screenshot({ path, fullPage: true })
    kept.push(path, ...errors.map((error) => `${name}'s page: ${error}`))
  }
  return kept
}

function readNumber(text: string): number | undefined {
  const found = /([\d.,]+) × the alarm limit/.exec(text)?.[1]
  return found === undefined ? undefined : Number(found.replaceAll(',', ''))
}

interface Wish {
  wish: string
  patienceMs: number
  is(ratio: number, text: string): boolean
}

/** Looks at the press's card on the fleet page until it shows what is wished. */
async function seePress({ visits }: Stage, { wish, patienceMs, is }: Wish): Promise<string> {
  const { page } = visits.engineer
  await goTo(visits.engineer, 'Fleet')
  const card = page.locator('article.card').filter({ hasText: PRESS })
  return await until<string>(wish, patienceMs, async () => {
    const text = (await card.textContent()) ?? ''
    const ratio = readNumber(text)
    if (ratio !== undefined && is(ratio, text)) return { found: `ratio ${ratio}` }
    return { notYet: `the card says "${text}"` }
  })
}

/** Names of devices whose row does not say that all is well. */
async function readPoorDevices(rows: Locator[]): Promise<string[]> {
  const texts = await Promise.all(rows.map((row) => row.locator('th, td').allTextContents()))
  return texts
    .filter(([, state, , good, stale, bad]) => {
      return state !== 'Online' || Number(good) === 0 || stale !== '0' || bad !== '0'
    })
    .map(([name, state, , good, stale, bad]) => `${name} ${state} ${good}/${stale}/${bad}`)
}

function createWatching(stage: Stage): Watching {
  const { visits, cast, photographer } = stage
  const { engineer } = visits
  const { page } = engineer
  return {
    async seeAllGood() {
      await page.goto('/')
      await page.getByRole('textbox', { name: 'Login', exact: true }).waitFor()
      await photographer.shoot(page, 'login')
      await logIn(engineer, cast.logins.engineer)
      const table = page.locator('.gateway tbody tr')
      return await until<string>('good data of every device', patience.devicesGoodMs, async () => {
        const rows = await table.all()
        const poor = await readPoorDevices(rows)
        if (rows.length === 5 && poor.length === 0) {
          const names = await page.locator('.gateway tbody th').allTextContents()
          return { found: names.join(', ') }
        }
        return { notYet: `${rows.length} device(s), not good: ${poor.join(', ') || 'none'}` }
      })
    },
    async seeNormal() {
      const seen = await seePress(stage, {
        wish: 'a normal score',
        patienceMs: patience.normalMs,
        is: (ratio, text) => ratio < 1 && text.includes('Normal'),
      })
      await photographer.shoot(page, 'fleet-normal')
      return seen
    },
    seeScoreRise: () =>
      seePress(stage, {
        wish: 'the fault',
        patienceMs: patience.faultMs,
        is: (ratio) => ratio > 1,
      }),
    seeCase: () => seeCase(stage),
    acknowledge: () => acknowledge(stage),
    async seeRatioFall() {
      const seen = await seePress(stage, {
        wish: 'recovery',
        patienceMs: patience.recoveryMs,
        is: (ratio) => ratio < 1,
      })
      await page.getByRole('link', { name: PRESS, exact: true }).click()
      await page.getByRole('heading', { level: 1, name: PRESS }).waitFor()
      await photographer.shoot(page, 'asset-mended')
      return seen
    },
    async seeAlarmClear() {
      await goTo(engineer, 'Alarms')
      await page.getByText('All', { exact: true }).click()
      const alarm = page.locator('article.alarm-card').filter({ hasText: PRESS }).first()
      await alarm
        .getByText('Back to normal', { exact: true })
        .waitFor({ timeout: patience.recoveryMs })
      return (await alarm.getByText(/^Cleared/).textContent()) ?? ''
    },
  }
}

async function seeCase({ visits, photographer }: Stage): Promise<string> {
  const { page } = visits.engineer
  const card = page.locator('article.card').filter({ hasText: PRESS })
  await card.getByRole('link', { name: 'Go to the open case' }).waitFor()
  await photographer.shoot(page, 'fleet-alarm')
  await card.getByRole('link', { name: PRESS }).click()
  await page.getByRole('heading', { level: 1, name: PRESS }).waitFor()
  await photographer.shoot(page, 'asset')
  await page.getByRole('link', { name: 'Go to the open case' }).click()
  await page.getByText('Steps of this case').or(page.locator('.contributions')).first().waitFor()
  const names = await page.locator('.contribution-name').allTextContents()
  assert.ok(names.length > 0, 'the case names no tag')
  const title = await page.getByRole('heading', { level: 1 }).textContent()
  for (const name of names) assert.ok(title?.includes(name), `${name} is not in "${title}"`)
  await photographer.shoot(page, 'case-reported')
  return `"${title}"`
}

async function acknowledge({ visits, photographer }: Stage): Promise<string> {
  const { page } = visits.engineer
  await goTo(visits.engineer, 'Alarms')
  const alarm = page.locator('article.alarm-card').filter({ hasText: PRESS }).first()
  await photographer.shoot(page, 'alarms')
  await alarm.getByRole('button', { name: 'Acknowledge' }).click()
  await alarm.getByText('Active, acknowledged', { exact: true }).waitFor()
  return (await alarm.getByText(/^Acknowledged by/).textContent()) ?? ''
}
