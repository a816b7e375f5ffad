/** The whole story over the API with PostgreSQL underneath: what SQLite forgives, it does not. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { derivedTagId, quality } from '../../protocol/model.ts'
import {
  findPostgres,
  openThrowawayPostgres,
  type ThrowawayPostgres,
} from '../store/test/throwaway-postgres.ts'
import { openTestCloud, type TestCloud } from './test/test-cloud.ts'

const bin = await findPostgres()

describe.skipIf(!bin)('a cloud on PostgreSQL (apt-get install postgresql)', () => {
  let postgres: ThrowawayPostgres
  let cloud: TestCloud
  beforeAll(async () => {
    postgres = await openThrowawayPostgres(bin!)
    cloud = await openTestCloud({ storeUrl: await postgres.createDatabase('story') })
  })
  afterAll(async () => {
    await cloud?.[Symbol.asyncDispose]()
    await postgres?.[Symbol.asyncDispose]()
  })

  it('goes from the alarm over access to the closed case, and the audit is intact', async () => {
    const { alarm, case: id } = await cloud.trouble('press')
    const say = (as: string, path: string, body: object) => cloud.call(path, { as, body })
    expect(
      (await say('engineer', `/api/alarms/${alarm}/acknowledge`, { comment: 'seen' })).body,
    ).toMatchObject({
      state: 'active-acked',
      ackedBy: 'engineer',
    })
    expect(
      (await say('engineer', `/api/alarms/${alarm}/shelve`, { minutes: 5, reason: 'x' })).body
        .shelving,
    ).toBe('TimedShelved')
    expect((await say('engineer', `/api/alarms/${alarm}/unshelve`, {})).body.shelving).toBe(
      'Unshelved',
    )
    const wish = {
      caseId: id,
      gateway: 'gw',
      target: 'hmi',
      reason: 'to look',
      minutes: 5,
      rights: ['view'],
    }
    const session = (await say('technician', '/api/sessions', wish)).body
    expect(session.state).toBe('requested')
    const approved = await say('site-manager', `/api/sessions/${session.id}/approve`, {
      note: 'go on',
    })
    expect(approved.body).toMatchObject({ state: 'approved', approver: { name: 'site-manager' } })
    expect((await say('technician', `/api/sessions/${session.id}/end`, {})).body.state).toBe(
      'ended',
    )
    const outcome = { cause: 'worn', action: 'new', usefulness: 'useful' }
    expect((await say('technician', `/api/cases/${id}/close`, outcome)).body.code).toBe(
      'case.not-verified',
    )
    for (const later of [1_000, 12_000, 25_000]) {
      const tag = derivedTagId('plant', 'press', 'Ratio')
      const at = Date.now() + later
      await cloud.services.cases.acceptRatio('press', {
        tag,
        at,
        value: 0.3,
        quality: quality.good,
      })
    }
    const closed = (await say('technician', `/api/cases/${id}/close`, outcome)).body
    expect(closed).toMatchObject({
      state: 'closed',
      report: { closedBy: 'technician', unverifiedReason: null },
    })
    expect((await cloud.call('/api/fleet', { as: 'everywhere' })).body.sites).toHaveLength(2)
    expect((await cloud.call('/api/assets/press', { as: 'engineer' })).body.openCase).toBeNull()
    expect((await cloud.call('/api/audit', { as: 'everywhere' })).body.intact).toBe(true)
    const again = await cloud.services.identity
      .createPerson({
        ...{ login: 'engineer', name: 'x', role: 'admin', sites: ['*'], password: 'x' },
      })
      .catch((error: unknown) => error)
    expect(again).toMatchObject({ code: 'identity.login-taken' })
  })

  it('chains audit entries of two processes on one database', async () => {
    const { openStore } = await import('../store/store.ts')
    const { openAudit } = await import('../audit/audit.ts')
    const url = await postgres.createDatabase('shared')
    await using one = await openStore({ url })
    await using two = await openStore({ url })
    const audits = [await openAudit(one), await openAudit(two)]
    const entry = { actor: 'a', action: 'b', object: 'c', outcome: 'done' } as const
    await Promise.all(Array.from({ length: 30 }, (_, index) => audits[index % 2]!.append(entry)))
    expect(await audits[0]!.verify()).toEqual({ intact: true })
    expect(await audits[1]!.list({ limit: 100 })).toHaveLength(30)
  })

  it('keeps the versions of a model, its stages, its jobs and what people said of it', async () => {
    const { alarm } = await cloud.trouble('press')
    const id = await cloud.registerModel('press', 'plant')
    const say = (path: string, body?: object) => cloud.call(path, { as: 'engineer', body })
    const reason = 'as agreed'
    const active = await say(`/api/models/${id}/stage`, { stage: 'active', reason })
    expect(active.body).toMatchObject({ version: 1, stage: 'active' })
    const next = await cloud.registerModel('press', 'plant')
    await say(`/api/models/${next}/stage`, { stage: 'active', reason })
    const factor = await say(`/api/models/${next}/threshold`, { factor: 1.5, reason })
    expect(factor.body).toMatchObject({ version: 2, threshold: 3 })
    const retraining = { everyDays: 7, onDrift: true }
    expect((await say('/api/assets/press/retraining', retraining)).body).toEqual(retraining)
    const { models, retraining: kept } = (await say('/api/assets/press/models')).body
    expect(models.map(({ stage }: { stage: string }) => stage)).toEqual(['active', 'retired'])
    expect(kept).toEqual(retraining)
    expect((await say(`/api/alarms/${alarm}/explanation`)).body).toMatchObject({ similar: [] })
    expect((await say('/api/scoreboard')).body.rows).toHaveLength(2)
    const tag = 'plant/gw/plc/temp'
    const samples = [2, 1].map(
      (ago) => ({ tag, at: Date.now() - ago * 1000, value: ago, quality: 192 }) as const,
    )
    await cloud.historian.write(samples)
    expect((await say('/api/assets/press/training-proposal')).body).toMatchObject({ enough: false })
    const periods = [{ from: 0, to: 1000 }]
    const job = (await say('/api/assets/press/train', { periods, periodMs: 1000 })).body
    await cloud.services.models.training.idle()
    expect((await say(`/api/training-jobs/${job.id}`)).body).toMatchObject({ state: 'failed' })
  })
})
