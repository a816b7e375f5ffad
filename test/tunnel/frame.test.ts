/** The web HMI in a frame of the console, in a real Chromium: does the cookie hold, does the frame work, does nothing leak out. */
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import { chromium } from 'playwright-core'
import { expect, test } from 'vitest'
import { openHmiProxy } from '../../cloud/sessions/web/hmi-proxy.ts'
import { createLog } from '../../protocol/kit/log.ts'
import { manager, openSessionRig, technician } from './session-rig.ts'

const CHROMIUM = '/usr/bin/chromium'
const hasChromium = existsSync(CHROMIUM)

const page = `<!doctype html><title>Press</title><h1>Press</h1>
<form method="post" action="/reset"><input type="hidden" name="fault" value="cooler"><button>Reset</button></form>
<script>
  document.cookie = 'seen=1'
  fetch('/api').then((r) => r.text()).then((t) => { document.querySelector('h1').textContent = t })
  navigator.serviceWorker?.register('/sw.js').then(() => { document.title = 'worker' }, () => { document.title = 'no worker' })
</script>`

test.skipIf(!hasChromium)(
  `Chromium (apt-get install chromium) shows and drives the HMI in a frame on an origin of its own`,
  async () => {
    await using rig = await openSessionRig({
      machine(request, response) {
        const isPage = request.method === 'GET' && request.url === '/'
        if (request.method === 'POST')
          response.writeHead(303, { location: 'http://192.0.2.1/done' }).end()
        else if (request.url === '/sw.js')
          response.setHeader('content-type', 'text/javascript').end('')
        else
          response
            .setHeader('content-type', 'text/html')
            .end(isPage ? page : `answer to ${request.url}`)
      },
    })
    const shell = createServer((request, response) => {
      const frame = new URL(request.url ?? '/', 'http://shell').searchParams.get('frame')
      response.setHeader('content-type', 'text/html')
      response.end(
        `<!doctype html><title>Console</title><iframe name="hmi" src="${frame?.replaceAll('"', '')}"></iframe>`,
      )
    })
    shell.listen(0, '127.0.0.1')
    await once(shell, 'listening')
    const { port } = shell.address() as { port: number }
    await using proxy = await openHmiProxy({
      host: '127.0.0.1',
      port: 0,
      access: rig.sessions.viewers,
      consoleOrigins: [`http://127.0.0.1:${port}`],
      log: createLog('frame'),
    })
    const { id } = await rig.request()
    await rig.sessions.approve(manager, id)
    const { url } = await rig.sessions.open(technician, id, proxy)
    const browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: ['--no-sandbox'],
      headless: true,
    })
    try {
      const tab = await browser.newPage()
      await tab.goto(`http://127.0.0.1:${port}/?frame=${encodeURIComponent(url)}`)
      const frame = tab.frameLocator('iframe')
      await frame.getByText('answer to /api').waitFor()
      await expect.poll(async () => await tab.frame('hmi')?.title()).toBe('no worker')
      // HttpOnly: the machine's script sees its own cookies only, and ours reach nobody.
      expect(await tab.frame('hmi')?.evaluate(() => document.cookie)).not.toContain('__Host-hmi')
      await frame.getByRole('button').click()
      await frame.getByText('answer to /done').waitFor()
      const post = rig.asked.find(({ line }) => line === 'POST /reset')
      expect(post).toMatchObject({ body: 'fault=cooler', headers: { origin: 'http://press-hmi' } })
      expect(rig.asked.every(({ headers }) => !headers.cookie?.includes('__Host-hmi'))).toBe(true)
      expect(rig.asked.some(({ line }) => line.includes('sw.js'))).toBe(false)
      // The same address, typed in a tab of its own, has no cookie: it is partitioned to the console.
      const alone = await (await browser.newPage()).goto(new URL('/', url).href)
      expect(alone?.status()).toBe(403)
      // A page of another origin than the console's may not frame it, not even with a fresh ticket.
      const again = await rig.sessions.open(technician, id, proxy)
      const foreign = await browser.newPage()
      await foreign.goto(`http://localhost:${port}/?frame=${encodeURIComponent(again.url)}`)
      await expect.poll(() => foreign.frames()[1]?.url()).toContain('chrome-error')
      const recording = await rig.sessions.recording(id)
      expect(recording.exchanges.map(({ method, path }) => `${method} ${path}`)).toContain(
        'POST /reset',
      )
    } finally {
      await browser.close()
      shell.closeAllConnections()
      shell.close()
    }
  },
)
