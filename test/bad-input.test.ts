/** What a person gets wrong is answered in words: files, ports, passwords, late and unknown wishes. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Harness, openHarness, waitFor } from './harness.ts'

const MIMAMORI = resolve(import.meta.dirname, '..', 'mimamori.ts')
const TELLTALE = resolve(import.meta.dirname, 'telltale.ts')

const stack = new AsyncDisposableStack()
afterAll(() => stack.disposeAsync())
let dir: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mimamori-bad-'))
  stack.defer(() => rm(dir, { recursive: true, force: true }))
})

describe('a wrong configuration file', () => {
  it('of a gateway: every problem with file, line, path and a suggestion; exit 2; no socket', async () => {
    await writeFile(join(dir, 'gateway.yaml'), wrongGateway)
    const { code, lines } = await run('edge', 'run', '--config', join(dir, 'gateway.yaml'))
    expect(code).toBe(2)
    expect(lines).toContain(
      'gateway.yaml:10 devices[0].driver: unknown driver "modbuss", did you mean "modbus"?',
    )
    expect(lines).toContain(
      'gateway.yaml:20 devices[1].groups[0].tags[0].unti: unknown key, did you mean "unit"?',
    )
    expect(lines.some((line) => line.startsWith('gateway.yaml:6 cloud.tunnelPort: '))).toBe(true)
    expect(lines[0]).toBe('The configuration has 3 problem(s).')
    expect(lines.filter((line) => line.startsWith('TELLTALE'))).toEqual([])
  })

  it('of a cloud: the same', async () => {
    await writeFile(join(dir, 'wrong-cloud.yaml'), cloudFile({ prot: 8080 }))
    const { code, lines } = await run('cloud', 'run', '--config', join(dir, 'wrong-cloud.yaml'))
    expect(code).toBe(2)
    expect(lines).toContain('wrong-cloud.yaml:2 http.prot: unknown key, did you mean "port"?')
    expect(lines.filter((line) => line.startsWith('TELLTALE'))).toEqual([])
  })

  it('that is not there is named', async () => {
    const { code, lines } = await run('edge', 'check', '--config', 'nowhere.yaml')
    expect(code).toBe(2)
    expect(lines).toEqual([
      'The configuration file nowhere.yaml cannot be read: it does not exist (ENOENT).',
    ])
  })
})

describe('a taken port', () => {
  let port: number
  beforeAll(async () => {
    const squatter = createServer().listen(0, '127.0.0.1')
    stack.defer(() => void squatter.close())
    await once(squatter, 'listening')
    port = (squatter.address() as AddressInfo).port
  })

  it('of the demo: which one, and the flag to change it; nothing is left behind', async () => {
    const data = join(dir, 'demo')
    const { code, lines } = await run('demo', '--data', data, '--port', String(port))
    expect(code).toBe(1)
    expect(lines).toContain(
      `Port ${port} is taken by another program; choose another one with --port N.`,
    )
    expect(existsSync(data)).toBe(false)
  })

  it('of the cloud: which one, and the key of its file; and its sockets are noticed', async () => {
    await writeFile(join(dir, 'cloud.yaml'), cloudFile({ port }))
    const { code, lines } = await run('cloud', 'run', '--config', join(dir, 'cloud.yaml'))
    expect(code).toBe(1)
    expect(lines).toContain(
      `Port ${port} is taken by another program; choose another one with http.port in the configuration.`,
    )
    // The counterpart of "no socket" above: this telltale does bark.
    expect(lines).toContain('TELLTALE listen')
  })
})

describe('a wrong wish', () => {
  let plant: Harness
  beforeAll(async () => {
    plant = stack.use(await openHarness({ machines: ['chiller'] }))
  })

  it('a wrong password is refused without saying which of the two was wrong, and audited', async () => {
    const tries = await Promise.all(
      ['technician', 'nobody-of-that-name'].map((login) =>
        fetch(new URL('/api/login', plant.cloud.url), {
          method: 'POST',
          headers: { 'content-type': 'application/json', origin: plant.cloud.url },
          body: JSON.stringify({ login, password: 'a wrong guess' }),
        }),
      ),
    )
    const bodies = await Promise.all(tries.map((answer) => answer.json()))
    expect(tries.map(({ status }) => status)).toEqual([401, 401])
    expect(bodies[0]).toEqual(bodies[1])
    expect(bodies[0]).toMatchObject({ code: 'login.refused' })
    expect(JSON.stringify(bodies[0])).toContain('The login or the password is wrong.')
    expect(await audited('login', 'technician')).toMatchObject({ outcome: 'denied' })
    expect(await audited('login', 'nobody-of-that-name')).toMatchObject({ outcome: 'denied' })
  })

  it('an unknown target is refused by its name, and audited', async () => {
    const { status, body } = await ask('vault')
    expect({ status, body }).toMatchObject({
      status: 404,
      body: { code: 'session.unknown-target' },
    })
    expect(body.detail).toContain('vault')
    expect(await audited('session.request', 'gw-plant/vault')).toMatchObject({ outcome: 'denied' })
  })

  it('an approval that has run out opens nothing, says so, and is audited', async () => {
    const asked = async () => {
      const reply = await ask('chiller-hmi')
      return reply.status === 200 ? reply.body : undefined
    }
    const { id } = await waitFor(asked, 'the cloud to know the target')
    await plant.call(`/api/sessions/${id}/approve`, { as: 'manager', body: {} })
    await plant.cloud.parts.store.db
      .updateTable('sessions')
      .set({ until_at: Date.now() - 1 })
      .where('id', '=', id)
      .execute()
    const { status, body } = await plant.call(`/api/sessions/${id}/open`, {
      ...{ as: 'technician', body: {} },
    })
    expect(status).toBe(409)
    // Either the request or the clock of the sessions comes first; both say it in words.
    expect(['session.window-over', 'session.not-allowed']).toContain(body.code)
    expect(await audited('session.open', id)).toMatchObject({ outcome: 'denied' })
  })

  async function ask(target: string) {
    const work = { asset: 'chiller-1', title: 'The water is too warm' }
    const { body } = await plant.call('/api/cases', { as: 'engineer', body: work })
    const wish = { caseId: body.id, gateway: 'gw-plant', target, reason: 'to look at it' }
    const whole = { ...wish, minutes: 5, rights: ['view'] }
    return await plant.call('/api/sessions', { as: 'technician', body: whole })
  }

  async function audited(action: string, object: string) {
    const entries = await plant.cloud.parts.audit.list({ limit: 100 })
    return entries.find((entry) => entry.action === action && entry.object === object)
  }
})

/** Runs the command line with the telltale; stdout and stderr together, line by line. */
async function run(...args: string[]): Promise<{ code: number; lines: string[] }> {
  const options = { cwd: dir, timeout: 60_000, env: { ...process.env, MIMAMORI_LOG: 'silent' } }
  return await new Promise((done) => {
    execFile(
      process.execPath,
      ['--import', TELLTALE, MIMAMORI, ...args],
      options,
      (error, stdout, stderr) => {
        const code = error === null ? 0 : Number(error.code)
        done({ code, lines: `${stdout}${stderr}`.trim().split('\n') })
      },
    )
  })
}

const wrongGateway = `site: kita-plant
gateway: gw-plant
dataDir: data
cloud:
  mqttUrl: mqtts://127.0.0.1:8883
  tunnelPort: 99999
  tunnelHost: 127.0.0.1
  credentials: credentials
devices:
  - { id: chiller, driver: modbuss, host: 127.0.0.1 }
  - id: press
    driver: opcua
    endpoint: opc.tcp://127.0.0.1:4840
    groups:
      - name: sensors
        intervalMs: 1000
        tags:
          - name: PS1
            type: Double
            unti: bar
            nodeId: nsu=urn:press;s=PS1
`

function cloudFile(http: Record<string, number>): string {
  return `dataDir: cloud
http: ${JSON.stringify(http).replaceAll('"', '').replaceAll(':', ': ')}
hmi: { port: 0 }
tunnel: { port: 0 }
broker: { kind: embedded, host: 127.0.0.1, port: 0 }
historian: { kind: duckdb }
fleet: { tenants: [], sites: [], gateways: [], assets: [] }
`
}
