/** The HMI in a real browser, inside a frame on another origin, at the widths of a phone and of a desk. */
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openPress, type Press } from './press.ts'

const CHROMIUM = '/usr/bin/chromium'
const title = existsSync(CHROMIUM)
  ? 'the HMI page'
  : 'the HMI page (needs: apt-get install chromium)'

describe.skipIf(!existsSync(CHROMIUM))(title, () => {
  let folder: string
  let press: Press
  let proxy: Server
  let browser: Browser

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'hmi-'))
    press = await openPress({ name: 'no. 1', dir: folder })
    proxy = openProxy(press.endpoints.hmi)
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
    browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
  })
  afterAll(async () => {
    await browser.close()
    proxy.closeAllConnections()
    proxy.close()
    await press[Symbol.asyncDispose]()
    await rm(folder, { recursive: true, force: true })
  })

  it.each([390, 1200])('works in a frame behind a proxy at %i px', async (width) => {
    press.inject('cooler-failed')
    const page = await browser.newPage({ viewport: { width, height: 900 } })
    const problems: string[] = []
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error' && !/409/.test(message.text())) problems.push(message.text())
    })
    const { port } = proxy.address() as AddressInfo
    await page.setContent(
      `<body style="margin:0"><iframe src="http://localhost:${port}/deep/path/" style="border:0;width:100%;height:890px"></iframe>`,
    )
    const frame = page.frameLocator('iframe')
    await frame.getByText('Cooler fault').waitFor()
    await frame.getByRole('button', { name: 'Reset fault' }).click()
    await frame.getByText('switch to the spare cooler first').waitFor()
    if (press.state().inService === 'main') {
      await frame.getByRole('button', { name: 'Switch to spare cooler' }).click()
      await frame.getByText('Switch to spare cooler: done').waitFor()
    }
    await frame.getByRole('button', { name: 'Reset fault' }).click()
    await frame.getByText('Reset fault: done').waitFor()
    const main = frame.locator('main')
    expect(await main.evaluate((it) => it.ownerDocument.body.scrollWidth)).toBeLessThanOrEqual(
      width,
    )
    const button = await frame.getByRole('button').first().boundingBox()
    expect(button?.height).toBeGreaterThanOrEqual(48)
    expect(problems).toEqual([])
    if (process.env.HMI_SCREENSHOTS) {
      await page.screenshot({ path: join(process.env.HMI_SCREENSHOTS, `hmi-${width}.png`) })
    }
    await page.close()
    press.inject('none')
    await fetch(`${press.endpoints.hmi}command/switch-to-main`, { method: 'POST' })
  })
})

/** Serves the HMI under a path of another origin, as a session does. */
function openProxy(target: string): Server {
  return createServer((incoming, outgoing) => {
    const path = (incoming.url ?? '/').replace(/^\/deep\/path/, '')
    const onward = request(new URL(path, target), { method: incoming.method }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    incoming.pipe(onward)
  })
}
