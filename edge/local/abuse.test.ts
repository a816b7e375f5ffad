/** Who only wants to disturb: the page may go under, the gateway behind it may not. */
import { connect, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { openPage } from './open-page.fixture.ts'

const open: Socket[] = []
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy()
})

/** Says this much and falls silent; resolves when the page hangs up. */
async function dawdle(port: number, text: string): Promise<'closed'> {
  const socket = connect(port, '127.0.0.1')
  open.push(socket)
  socket.on('error', () => undefined)
  socket.write(text)
  socket.resume()
  return await new Promise((resolve) => socket.once('close', () => resolve('closed')))
}

test('hundreds of connections that only stay open do not use up the sockets the machines need', async () => {
  await using page = await openPage()
  const closed = Array.from({ length: 400 }, () => dawdle(page.port, ''))
  let count = 0
  for (const each of closed) void each.then(() => (count += 1))
  await expect.poll(() => count, { timeout: 45_000 }).toBeGreaterThanOrEqual(300)
})

test('a request that never ends is ended', async () => {
  await using page = await openPage({ requestMs: 200 })
  const head = 'POST /sign-in HTTP/1.1\r\nhost: 127.0.0.1\r\n'
  const form =
    'content-type: application/x-www-form-urlencoded\r\ncontent-length: 900\r\n\r\nname=x'
  const all = await Promise.all([dawdle(page.port, head), dawdle(page.port, head + form)])
  expect(all).toEqual(['closed', 'closed'])
}, 45_000)

test('a request that comes in for ever does not hold up the end of the gateway', async () => {
  const page = await openPage()
  const ended = dawdle(
    page.port,
    'POST /sign-in HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 9\r\n\r\nx',
  )
  // The request has arrived when a later one is answered.
  expect(await page.read('en')).toContain('<html')
  await page[Symbol.asyncDispose]()
  expect(await ended).toBe('closed')
})
