/** The page in a real browser: it refreshes by itself, keeps what is typed, and its forms are its own. */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { createLog } from '../../protocol/kit/log.ts'
import { openLocalPage } from './page.ts'
import { setQuickPassword } from './password.fixture.ts'
import { createPlantFixture } from './plant.fixture.ts'

const CHROMIUM = '/usr/bin/chromium'

test.skipIf(!existsSync(CHROMIUM))(
  'Chromium (apt-get install chromium): live values without a reload, sign-in, a yes; nothing wider than a phone',
  async () => {
    await using stack = new AsyncDisposableStack()
    const dir = await mkdtemp(join(tmpdir(), 'mimamori-browser-'))
    stack.defer(() => rm(dir, { recursive: true, force: true }))
    const passwordFile = join(dir, 'password')
    await setQuickPassword(passwordFile, '471199')
    const plant = createPlantFixture()
    const kept: unknown[] = []
    const { port } = stack.use(
      await openLocalPage({
        ...{ host: '127.0.0.1', port: 0, names: [], timeZone: 'Asia/Tokyo' },
        ...{ passwordFile, plant, audit: { append: async (entry) => void kept.push(entry) } },
        ...{ metrics: new Registry(), log: createLog('page') },
      }),
    )
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
    stack.defer(() => browser.close())
    const page = await browser.newPage({ viewport: { width: 390, height: 844 }, locale: 'en' })
    page.setDefaultTimeout(45_000)
    const complaints: string[] = []
    page.on('console', (message) => complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(error.message))
    const base = `http://127.0.0.1:${port}`
    for (const path of ['/', '/tags', '/access', '/certificates', '/events', '/sign-in']) {
      await page.goto(base + path)
      const wider = 'document.documentElement.scrollWidth - document.documentElement.clientWidth'
      expect(await page.evaluate(wider), path).toBe(0)
    }
    await page.goto(`${base}/tags`)
    await page.fill('[name=find]', 'Press')
    const pressure = plant.now.devices[0]?.tags[0]
    if (pressure) pressure.value = '222.2'
    await page.waitForSelector('text=222.2')
    expect(await page.inputValue('[name=find]')).toBe('Press')

    await page.goto(`${base}/access`)
    await page.click('button.yes')
    await page.fill('[name=name]', 'Sato')
    await page.fill('[name=password]', '471199')
    await page.click('main button')
    await page.waitForURL('**/access')
    await page.click('button.yes')
    await page.waitForURL('**said=done')
    expect(plant.acts).toEqual([{ kind: 'allow-session', object: 'ses_2', by: 'Sato' }])
    expect(kept).toHaveLength(2)
    expect(complaints).toEqual([])
  },
  120_000,
)
