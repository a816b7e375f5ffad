/** The machines' web side and each machine as a process: status codes, flags, ports, a clean end. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { injectFault } from './inject.ts'
import { openChiller } from './machines/chiller.ts'
import { openPress } from './machines/press.ts'

let folder: string
const children: ChildProcess[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'simulators-'))
})
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const post = (url: string, body?: string, type = 'application/json') =>
  fetch(url, { method: 'POST', body, headers: body ? { 'content-type': type } : {} })

describe('the web side', () => {
  it('answers with honest status codes', async () => {
    await using chiller = await openChiller({ name: 'c' })
    const { hmi } = chiller.endpoints
    const status = async (answer: Promise<Response>) => (await answer).status
    expect(await status(fetch(hmi))).toBe(200)
    expect(await status(fetch(`${hmi}nothing`))).toBe(404)
    expect(await status(post(`${hmi}command/explode`))).toBe(404)
    expect(await status(fetch(`${hmi}command/stop`))).toBe(405)
    expect(await status(post(`${hmi}state`))).toBe(405)
    expect(await status(post(`${hmi}simulator/fault`, '{}', 'text/plain'))).toBe(415)
    expect(await status(post(`${hmi}simulator/fault`, `"${'x'.repeat(5000)}"`))).toBe(413)
    const wrong = await post(`${hmi}simulator/fault`, '{"fault":"nope"}')
    expect([wrong.status, await wrong.json()]).toEqual([
      400,
      expect.objectContaining({ faults: expect.arrayContaining(['compressor-trip', 'none']) }),
    ])
    await expect(injectFault({ url: hmi, fault: 'nope' })).rejects.toThrow(/compressor-trip/)
  })

  it('takes no fault under a foreign host name', async () => {
    await using chiller = await openChiller({ name: 'c' })
    const ask = request(new URL('simulator/fault', chiller.endpoints.hmi), {
      method: 'POST',
      headers: { host: 'plant.example', 'content-type': 'application/json' },
    })
    ask.end('{"fault":"compressor-trip"}')
    const [answer] = await once(ask, 'response')
    answer.resume()
    expect(answer.statusCode).toBe(403)
    expect(chiller.state().hasTripped).toBe(false)
  })
})

describe('as a process', () => {
  const main = resolve(import.meta.dirname, 'main.ts')
  const start = (...args: string[]) => {
    const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    children.push(child)
    return child
  }

  it('says when it is ready and stops cleanly on SIGTERM', async () => {
    const child = start('chiller', '--name', 'c1', '--http-port', '0')
    const [line] = await once(createInterface({ input: child.stdout }), 'line')
    const ready = JSON.parse(line)
    expect(ready).toMatchObject({ ready: true, name: 'c1' })
    expect((await fetch(ready.endpoints.hmi)).status).toBe(200)
    child.kill('SIGTERM')
    expect((await once(child, 'exit'))[0]).toBe(0)
  })

  it('ends with 2 and the reasons on wrong flags, with the flag to change on a taken port', async () => {
    const read = async (child: ChildProcess) => {
      let text = ''
      child.stderr?.on('data', (chunk) => {
        text += chunk
      })
      return [(await once(child, 'close'))[0], text]
    }
    expect(await read(start('printer', '--speed', '3'))).toEqual([
      2,
      expect.stringContaining('a printer has no such flag'),
    ])
    await using taken = await openChiller({ name: 'c' })
    const port = new URL(taken.endpoints.modbus).port
    expect(await read(start('chiller', '--modbus-port', port))).toEqual([
      1,
      expect.stringContaining(
        `Port ${port} is taken by another program; choose another one with --modbus-port`,
      ),
    ])
    await using press = await openPress({ name: 'p', dir: join(folder, 'taken') })
    const busy = new URL(press.endpoints.opcua).port
    const dir = join(folder, 'taken-2')
    expect(await read(start('press', '--dir', dir, '--opcua-port', busy))).toEqual([
      1,
      expect.stringContaining('--opcua-port'),
    ])
  })
})
