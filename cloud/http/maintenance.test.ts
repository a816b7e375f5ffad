/** Planned maintenance over the API: entered, seen on everything it touches, held reports, ended by hand. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { derivedTagId, quality } from '../../protocol/model.ts'
import { openTestCloud, type TestCloud } from './test/test-cloud.ts'

let cloud: TestCloud
beforeAll(async () => {
  cloud = await openTestCloud({ hookToken: 'secret' })
})
afterAll(() => cloud?.[Symbol.asyncDispose]())

const say = (as: string, path: string, body: object) => cloud.call(path, { as, body })
const wish = (
  from: number,
  to: number,
  of = { site: 'plant', asset: 'press' as string | null },
) => {
  const now = Date.now()
  return { ...of, from: now + from, to: now + to, text: 'change the seals' }
}
const fire = (status: string) => ({
  alerts: [
    {
      ...{ status, fingerprint: 'f1', startsAt: '2026-11-23T00:00:00Z' },
      ...{ labels: { asset: 'press', alertname: 'Hot' }, annotations: { summary: 'too hot' } },
    },
  ],
})
const hook = (body: object) =>
  cloud.call('/api/hooks/grafana', { body, headers: { authorization: 'Bearer secret' } })

it('what is wrong with it is said with its place, and nothing is entered', async () => {
  const late = await say('engineer', '/api/maintenance', wish(60_000, 0))
  expect(late).toMatchObject({ status: 400, body: { code: 'request.invalid' } })
  expect(late.body.title + late.body.detail).toContain('is not after /from')
  const none = await say('engineer', '/api/maintenance', { ...wish(0, 1000), text: 'x' })
  expect(none.body.title + none.body.detail).toContain('/text')
  const unknown = await say(
    'engineer',
    '/api/maintenance',
    wish(0, 60_000, { site: 'plant', asset: 'x' }),
  )
  const foreign = await say(
    'engineer',
    '/api/maintenance',
    wish(0, 60_000, { site: 'shop', asset: 'till' }),
  )
  expect([unknown.status, foreign.status]).toEqual([404, 404])
  expect(foreign.text).toBe(unknown.text)
  expect((await cloud.call('/api/maintenance', { as: 'engineer' })).body).toMatchObject({
    ...{ running: [], planned: [], past: [] },
  })
})

it('of a machine is seen on the machine, its gateway and its alarm; its end opens the case of what still is wrong', async () => {
  const entered = await say('site-manager', '/api/maintenance', wish(-1_000, 600_000))
  expect(entered.body).toMatchObject({ state: 'running', enteredBy: 'site-manager' })
  const { id } = entered.body
  const { maintenance } = (await cloud.call('/api/assets/press', { as: 'technician' })).body
  expect(maintenance).toMatchObject({ id, text: 'change the seals', by: 'site-manager' })
  const { sites } = (await cloud.call('/api/fleet', { as: 'everywhere' })).body
  expect(sites.map(({ gateways }: { gateways: object[] }) => gateways[0])).toMatchObject([
    { id: 'gw', inMaintenance: true },
    { id: 'gw' },
  ])
  expect(sites[1].gateways[0].inMaintenance).toBeUndefined()
  expect(sites[1].assets[0].maintenance).toBeUndefined()

  const tag = derivedTagId('plant', 'press', 'Ratio')
  const at = Date.now() - 6_000
  for (const later of [0, 6_000])
    await cloud.services.alarms.accept([{ tag, at: at + later, value: 3, quality: quality.good }])
  const [alarm] = (await cloud.call('/api/alarms', { as: 'technician' })).body.alarms
  expect(alarm).toMatchObject({ state: 'active-unacked', outOfService: { id }, caseId: null })
  expect((await hook(fire('firing'))).body).toEqual({ cases: [], ignored: [], held: ['f1'] })
  expect((await cloud.call('/api/cases', { as: 'technician' })).body.cases).toEqual([])

  const ended = await say('site-manager', `/api/maintenance/${id}/end`, {})
  expect(ended.body).toMatchObject({ state: 'over', endedBy: 'site-manager' })
  const [one] = (await cloud.call('/api/cases', { as: 'technician' })).body.cases
  expect(one).toMatchObject({ asset: 'press', state: 'reported' })
  await cloud.services.maintenance.tick(Date.now())
  const { events } = (await cloud.call(`/api/cases/${one.id}`, { as: 'technician' })).body
  expect(events.map(({ kind }: { kind: string }) => kind)).toEqual(['alarm', 'hook'])
  const { entries } = (await cloud.call('/api/audit', { as: 'site-manager' })).body
  const acts = entries.map(({ actor, action }: Record<string, string>) => `${actor} ${action}`)
  expect(acts).toEqual(
    expect.arrayContaining(['site-manager maintenance.enter', 'site-manager maintenance.end']),
  )
})

it('what Grafana takes back before its end is never told', async () => {
  const again = (status: string) => {
    const [alert] = fire(status).alerts
    return { alerts: [{ ...alert, startsAt: '2026-11-23T01:00:00Z' }] }
  }
  const { body } = await say('engineer', '/api/maintenance', wish(-1_000, 600_000))
  expect((await hook(again('firing'))).body.held).toEqual(['f1'])
  expect((await hook(again('resolved'))).body.ignored).toMatchObject([{ fingerprint: 'f1' }])
  await say('engineer', `/api/maintenance/${body.id}/end`, {})
  await cloud.services.maintenance.tick(Date.now())
  const [one] = (await cloud.call('/api/cases', { as: 'technician' })).body.cases
  const { events } = (await cloud.call(`/api/cases/${one.id}`, { as: 'technician' })).body
  expect(events.filter(({ kind }: { kind: string }) => kind === 'hook')).toHaveLength(1)
})

it('is extended while it runs and cancelled before it begins, by those who may', async () => {
  const { body: running } = await say('engineer', '/api/maintenance', wish(-1_000, 60_000))
  const to = Date.now() + 3_600_000
  const extended = await say('engineer', `/api/maintenance/${running.id}/extend`, { to })
  expect(extended.body).toMatchObject({ state: 'running', to })
  const denied = await say('technician', `/api/maintenance/${running.id}/end`, {})
  expect(denied).toMatchObject({ status: 403, body: { code: 'access.denied' } })
  const { body: planned } = await say('engineer', '/api/maintenance', wish(60_000, 120_000))
  const cancel = `/api/maintenance/${planned.id}/cancel`
  expect((await say('engineer', cancel, { reason: 'no part' })).body.state).toBe('cancelled')
  const twice = await say('engineer', cancel, { reason: 'no part' })
  expect(twice).toMatchObject({ status: 409, body: { code: 'maintenance.conflict' } })
  const list = (await cloud.call('/api/maintenance?asset=press', { as: 'technician' })).body
  expect(list.running).toMatchObject([{ id: running.id }])
  expect(list.past[0]).toMatchObject({ id: planned.id, cancelledBy: 'engineer' })
  await say('engineer', `/api/maintenance/${running.id}/end`, {})
})
