/** A machine in planned maintenance, in the whole cloud: its rule is violated, the cloud is restarted, the work ends, and only then is somebody called. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { loadCloudConfig } from '../cloud/config.ts'
import { type Cloud, openCloud } from '../cloud/main.ts'
import { writeCloudConfig } from '../demo/cloud-config.ts'
import { plant, portNames } from '../demo/places.ts'
import { findFreePorts } from '../demo/ports.ts'
import { derivedTagId, quality } from '../protocol/model.ts'

// Read when the cloud opens; other tests do the same in `harness.ts`.
process.env.MIMAMORI_LOG ??= 'silent'

const password = 'correct horse battery staple'
const tag = derivedTagId(plant.site, 'press-1', 'Ratio')
let dir: string
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mimamori-maintenance-'))
  const [port = 0, ...found] = await findFreePorts(portNames.length + 1)
  const ports = Object.fromEntries(portNames.map((name, i) => [name, found[i]]))
  await writeCloudConfig({ dataDir: dir, ports: ports as never, port })
})
afterEach(() => rm(dir, { recursive: true, force: true }))

const start = async () => await openCloud(await loadCloudConfig(join(dir, 'cloud.yaml')))

/** As scores would: above the limit for longer than the delay of the rule, at once, before the next row that nobody can score. */
async function violate({ parts }: Cloud): Promise<void> {
  const at = Date.now() + 1_000
  const score = { tag, value: 3, quality: quality.good }
  await parts.alarms.accept([0, 15_000].map((later) => ({ ...score, at: at + later })))
}

/** One call of the API as the engineer. */
async function createCaller({ url }: Cloud) {
  const send = (path: string, body: unknown, cookie = '') =>
    fetch(`${url}/api${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { origin: url, 'content-type': 'application/json', cookie },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  const answer = await send('/login', { login: 'ina', password })
  const cookie = answer.headers.getSetCookie()[0]?.split(';')[0]
  return async (path: string, body?: unknown) => await (await send(path, body, cookie)).json()
}

it('an alarm stays out of service over a restart, and opens its case when the work is ended', async () => {
  let window: string
  {
    await using cloud = await start()
    const person = { login: 'ina', name: 'Ina', role: 'engineer', sites: [plant.site] } as const
    await cloud.parts.identity.createPerson({ ...person, sites: [plant.site], password })
    const call = await createCaller(cloud)
    const [from, to] = [Date.now() - 1_000, Date.now() + 3_600_000]
    const wish = { site: plant.site, asset: 'press-1', from, to, text: 'change the seals' }
    const entered = await call('/maintenance', wish)
    expect(entered).toMatchObject({ state: 'running', enteredBy: 'Ina' })
    window = entered.id
    await violate(cloud)
    const { alarms } = await call('/alarms')
    expect(alarms).toMatchObject([
      { asset: 'press-1', state: 'active-unacked', outOfService: { id: window }, caseId: null },
    ])
    expect(await call('/cases')).toEqual({ cases: [] })
  }
  await using cloud = await start()
  const call = await createCaller(cloud)
  expect(await call('/cases')).toEqual({ cases: [] })
  expect((await call('/alarms')).alarms).toMatchObject([{ outOfService: { id: window } }])
  expect(await call(`/maintenance/${window}/end`, {})).toMatchObject({ state: 'over' })
  const { cases } = await call('/cases')
  expect(cases).toMatchObject([{ asset: 'press-1', state: 'reported' }])
  const [alarm] = (await call('/alarms')).alarms
  expect(alarm.caseId).toBe(cases[0].id)
  expect(alarm.outOfService).toBeUndefined()
}, 90_000)
