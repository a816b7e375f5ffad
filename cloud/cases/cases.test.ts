/** Cases on a real store, from the report to the frozen report. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { AlarmView, RecordedExchange, RecordingView, SessionView } from '../../protocol/api.ts'
import { quality } from '../../protocol/model.ts'
import type { SessionState } from '../../protocol/states.ts'
import { openAudit } from '../audit/audit.ts'
import { openStore } from '../store/store.ts'
import { sessionEventOf } from './case.ts'
import { type Cases, openCases } from './cases.ts'

const NOW = 1_700_000_000_000
const tina = { id: 'per_tina', login: 'tina', name: 'Tina Technician' }
const outcome = { cause: 'worn cooler', action: 'spare cooler on', usefulness: 'useful' } as const

const alarm: AlarmView = {
  ...{ id: 'alm_1', rule: 'press:ratio', asset: 'press', assetName: 'Press', site: 'plant' },
  ...{ state: 'active-unacked', shelving: 'Unshelved', shelvedUntil: null, severity: 700 },
  ...{ message: 'Oil too warm', raisedAt: NOW, clearedAt: null, ackedAt: null, ackedBy: null },
  ...{ peak: 3, contributions: [], caseId: null },
}
const session: SessionView = {
  ...{ id: 'ses_1', caseId: '', site: 'plant', gateway: 'gw', target: 'hmi', targetTitle: 'HMI' },
  ...{ kind: 'web', state: 'requested', person: { id: tina.id, name: tina.name }, reason: 'look' },
  ...{
    rights: ['view', 'control'],
    minutes: 10,
    requestedAt: NOW,
    approver: null,
    decidedAt: null,
  },
  ...{
    decisionNote: null,
    startedAt: null,
    until: null,
    endedAt: null,
    endReason: null,
    recorded: true,
  },
}
const exchange = (method: string, at: number): RecordedExchange => ({
  ...{ at, method, path: '/cooler', status: 200, durationMs: 1, requestBytes: 1, responseBytes: 1 },
  ...{ requestBody: 'on=1', responseBody: null },
})

async function open() {
  const store = await openStore({ file: ':memory:' })
  const row = { id: 'press', site: 'plant', name: 'Press', kind: 'press', model: null }
  await store.db.insertInto('assets').values(row).execute()
  const tag = 'plant/gw/plc/temp'
  await store.db.insertInto('asset_tags').values({ asset: 'press', tag, position: 0 }).execute()
  const person = {
    ...tina,
    role: 'technician',
    password_hash: '',
    sites: '[]',
    disabled: 0,
  } as const
  await store.db.insertInto('persons').values(person).execute()
  const clock = { now: NOW }
  const attached: string[] = []
  const world = {
    sessions: [] as SessionView[],
    exchanges: [] as RecordedExchange[],
    events: [] as string[],
  }
  const recording = (): RecordingView => {
    return { session, sha256: 'abc', intact: true, exchanges: world.exchanges, events: [] }
  }
  const cases = await openCases({
    ...{ store, audit: await openAudit(store), now: () => clock.now },
    onChange: (event) => void world.events.push(event.kind),
    facts: {
      alarmsOf: async () => [alarm],
      attachAlarm: async (id, caseId) => void attached.push(`${id}>${caseId}`),
      sessionsOf: async () => world.sessions,
      recordingOf: async () => recording(),
      // The middle of the asked span: the test sees which span was asked.
      summaryOf: async (_, from, to) => (from + to) / 2,
      normalOf: () => 42,
      recoveryHoldMs: () => 20_000,
    },
  })
  return { store, cases, clock, attached, world }
}

let t: Awaited<ReturnType<typeof open>>
let cases: Cases
beforeEach(async () => {
  t = await open()
  cases = t.cases
  return () => t.store[Symbol.asyncDispose]()
})

async function ratio(value: number, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second += 1) {
    t.clock.now += 1_000
    const sample = {
      tag: 'plant/cloud/press/Model/Ratio',
      at: t.clock.now,
      value,
      quality: quality.good,
    } as const
    await cases.acceptRatio('press', sample)
  }
}

async function move(
  id: string,
  state: SessionState,
  previous?: SessionState,
  more: Partial<SessionView> = {},
) {
  t.clock.now += 1_000
  Object.assign(session, { caseId: id, state }, more)
  t.world.sessions = [{ ...session }]
  await cases.noteSession(sessionEventOf({ session: { ...session }, previous }, t.clock.now))
}

const stateOf = async (id: string) => (await cases.get(id))?.state
const stepsOf = async (id: string) => (await cases.get(id))?.steps.map((step) => step.step)

describe('cases', () => {
  it('go the whole way: alarm, access, change, recovery, report', async () => {
    const id = (await cases.fromAlarm(alarm))!
    await ratio(3, 5)
    await move(id, 'requested')
    expect(await stateOf(id)).toBe('diagnosing')
    await move(id, 'approved', 'requested', { approver: { id: 'per_max', name: 'Max' } })
    await move(id, 'active', 'approved', { startedAt: t.clock.now })
    expect(await stateOf(id)).toBe('fixing')
    t.world.exchanges = [exchange('GET', t.clock.now), exchange('POST', t.clock.now + 1)]
    await move(id, 'ended', 'active', { endReason: 'closed-by-user' })
    expect(await stateOf(id)).toBe('verifying')
    await expect(cases.close(tina, id, outcome)).rejects.toMatchObject({
      code: 'case.not-verified',
    })
    await ratio(0.4, 10)
    expect((await cases.get(id))?.recovery).toMatchObject({ holdMs: 20_000, heldMs: 9_000 })
    await ratio(0.4, 15)
    const verifiedAt = (await cases.get(id))!.verifiedAt!
    const report = await cases.close(tina, id, outcome)
    expect(report).toMatchObject({
      closedBy: 'Tina Technician',
      unverifiedReason: null,
      cause: 'worn cooler',
      sessions: [
        {
          exchanges: 2,
          recordingSha256: 'abc',
          changes: [{ method: 'POST', path: '/cooler', body: 'on=1' }],
        },
      ],
      tags: [
        {
          ...{ tag: 'plant/gw/plc/temp', name: 'temp', normal: 42 },
          before: session.startedAt! - 30_000,
          after: verifiedAt - 15_000,
        },
      ],
    })
    expect(report.steps.map((step) => step.step)).toEqual([
      ...['reported', 'authenticated', 'connected', 'consented', 'diagnosed', 'fixed', 'verified'],
      'documented',
    ])
    expect(await cases.report(id)).toEqual(report)
    expect(await stateOf(id)).toBe('closed')
    expect(t.world.events).toEqual([
      ...['opened', 'moved', 'moved', 'moved', 'moved', 'verified', 'closed'],
    ])
  })

  it('are one per asset while open: a second alarm attaches', async () => {
    const id = await cases.fromAlarm(alarm)
    expect(await cases.fromAlarm({ ...alarm, id: 'alm_2' })).toBe(id)
    expect(await cases.fromAlarm({ ...alarm, caseId: id! })).toBe(id)
    expect(t.attached).toEqual([`alm_1>${id}`, `alm_2>${id}`])
    expect(await cases.list({ state: 'open', sites: ['plant'] })).toHaveLength(1)
    expect(await cases.list({ state: 'open', sites: ['shop'] })).toEqual([])
  })

  it('are not opened by an alarm that is shelved or over', async () => {
    expect(await cases.fromAlarm({ ...alarm, shelving: 'TimedShelved' })).toBeUndefined()
    expect(await cases.fromAlarm({ ...alarm, state: 'cleared-unacked' })).toBeUndefined()
    expect(await cases.list({ state: 'all' })).toEqual([])
  })

  it('are opened by a hook once for each firing, also after they were closed', async () => {
    const hook = { fingerprint: 'f@1', asset: 'press', title: 'Too warm' }
    const [id, again] = await Promise.all([cases.fromHook(hook), cases.fromHook(hook)])
    expect(again).toBe(id)
    await cases.close(tina, id, { ...outcome, unverifiedReason: 'nobody there' })
    expect(await cases.fromHook(hook)).toBe(id)
    expect(await cases.fromHook({ ...hook, fingerprint: 'f@2' })).not.toBe(id)
    await expect(cases.fromHook({ ...hook, asset: 'ghost' })).rejects.toMatchObject({
      code: 'object.missing',
    })
  })

  it('that recover by themselves are verified and can be closed', async () => {
    const id = (await cases.fromAlarm(alarm))!
    await ratio(0.5, 25)
    expect(await stateOf(id)).toBe('verifying')
    expect(await stepsOf(id)).toEqual(['reported', 'verified'])
    await cases.close(tina, id, outcome)
  })

  it('fall back when the trouble returns after the verification', async () => {
    const id = (await cases.fromAlarm(alarm))!
    await ratio(0.5, 25)
    await ratio(3, 10)
    expect(await cases.get(id)).toMatchObject({ state: 'diagnosing', verifiedAt: null })
    expect(await stepsOf(id)).toEqual(['reported'])
    await expect(cases.close(tina, id, outcome)).rejects.toMatchObject({
      code: 'case.not-verified',
    })
    await ratio(0.5, 25)
    expect((await cases.get(id))?.verifiedAt).toBeGreaterThan(NOW + 35_000)
  })

  it('close unverified with a reason, which the report keeps', async () => {
    const id = (await cases.fromAlarm(alarm))!
    const report = await cases.close(tina, id, { ...outcome, unverifiedReason: 'sensor broken' })
    expect(report).toMatchObject({ unverifiedReason: 'sensor broken', verifiedAt: null })
    await expect(cases.close(tina, id, outcome)).rejects.toMatchObject({ code: 'case.conflict' })
  })

  it('go back to diagnosing after a session that changed nothing', async () => {
    const id = (await cases.fromAlarm(alarm))!
    await move(id, 'active', 'approved', { startedAt: t.clock.now })
    t.world.exchanges = [exchange('GET', t.clock.now)]
    await move(id, 'ended', 'active', { endReason: 'expired' })
    expect(await stateOf(id)).toBe('diagnosing')
    expect(await stepsOf(id)).toEqual(['reported', 'connected'])
  })

  it('are not moved by a session that was never opened', async () => {
    const id = (await cases.fromAlarm(alarm))!
    await move(id, 'requested')
    await move(id, 'refused', 'requested', { startedAt: null, decisionNote: 'not now' })
    expect(await stateOf(id)).toBe('diagnosing')
    expect((await cases.get(id))?.events.at(-1)?.text).toContain('not now')
  })

  it('are moved by hand along legal transitions only', async () => {
    const id = await cases.fromPerson(tina, { asset: 'press', title: 'It squeaks' })
    await cases.transition(tina, id, { action: 'diagnose' })
    await cases.transition(tina, id, { action: 'fix', note: 'belt' })
    await cases.transition(tina, id, { action: 'verify' })
    await expect(cases.transition(tina, id, { action: 'diagnose' })).rejects.toMatchObject({
      code: 'case.conflict',
    })
    expect(await stepsOf(id)).toEqual(['reported', 'diagnosed', 'fixed'])
    expect((await cases.get(id))?.steps[0]?.person).toBe('Tina Technician')
  })

  it('are dismissed with a reason, before anybody fixed anything', async () => {
    const id = (await cases.fromAlarm(alarm))!
    await cases.dismiss(tina, id, { reason: 'a test', usefulness: 'noisy-data' })
    expect(await stateOf(id)).toBe('dismissed')
    const next = (await cases.fromAlarm(alarm))!
    expect(next).not.toBe(id)
    await cases.transition(tina, next, { action: 'fix' })
    await expect(
      cases.dismiss(tina, next, { reason: 'x', usefulness: 'useful' }),
    ).rejects.toMatchObject({
      code: 'case.conflict',
    })
  })

  it('go on being watched after a restart', async () => {
    const id = (await cases.fromAlarm(alarm))!
    const { store } = t
    const again = await openCases({
      ...{ store, audit: await openAudit(store), onChange: () => undefined },
      facts: {
        ...{
          alarmsOf: async () => [],
          attachAlarm: async () => undefined,
          sessionsOf: async () => [],
        },
        ...{
          recordingOf: async () => undefined,
          summaryOf: async () => null,
          normalOf: () => null,
        },
        recoveryHoldMs: () => 1_000,
      },
    })
    for (const at of [NOW + 1_000, NOW + 3_000]) {
      await again.acceptRatio('press', {
        tag: 'plant/cloud/press/Model/Ratio',
        at,
        value: 0,
        quality: quality.good,
      })
    }
    expect((await again.get(id))?.verifiedAt).toBe(NOW + 3_000)
  })
})
