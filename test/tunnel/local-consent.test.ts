/** Consent at the gateway: a session waits for the site's own people, and nobody else can say yes for them. */
import { afterEach, expect, test } from 'vitest'
import type { GrantClaims } from '../../protocol/grant.ts'
import { manager, openSessionRig, type SessionRigOptions, technician } from './session-rig.ts'
import { claims, GATEWAY, SITE, until } from './tunnel-rig.ts'

const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const dispose of cleanup.splice(0).reverse()) await dispose()
})

/** A session rig whose target asks at the gateway. */
async function rig({ policy, ...options }: SessionRigOptions = {}) {
  const opened = await openSessionRig({ ...options, policy: { consent: 'local', ...policy } })
  cleanup.push(() => opened[Symbol.asyncDispose]())
  const { dialer, hub, pki } = opened.tunnel
  const stateOf = async (id: string) => (await opened.sessions.get(id))?.state
  const asked = async (id: string) =>
    await until(() => dialer.questions().some(({ claims: it }) => it.session === id))
  return {
    ...opened,
    dialer,
    asked,
    settled: async (id: string) => await until(async () => (await stateOf(id)) !== 'requested'),
    /** As a cloud that no longer asks anybody would. */
    async ask(changes: Partial<GrantClaims>, session = changes.session ?? 'ses_1') {
      const grant = await pki.grantSigner().sign(claims(changes))
      const question = { site: SITE, gateway: GATEWAY, session, grant }
      return await hub.askConsent(question, new AbortController().signal)
    },
  }
}

const refusal = (code: string) => ({ code: 'tunnel.refused', detail: { refusal: code } })

test('a request waits at the gateway, the yes given there opens it, and the cloud shows who said it', async () => {
  const { request, dialer, asked, settled, sessions, auditLines, changes } = await rig()
  const { id } = await request()
  await asked(id)
  // The console offers no approval: this is not for anybody there.
  expect(await sessions.get(id)).toMatchObject({ state: 'requested', waitsFor: 'site' })
  const [question] = dialer.questions()
  expect(question).toMatchObject({
    claims: { session: id, person: { name: 'Tech' }, reason: 'the cooler fails' },
    target: { id: 'press-hmi' },
  })
  expect(dialer.answer(id, { allow: true, by: '佐藤' })).toBe(true)
  expect(dialer.answer(id, { allow: false, by: 'late' })).toBe(false)
  await settled(id)
  expect(await sessions.get(id)).not.toHaveProperty('waitsFor')
  expect(await sessions.get(id)).toMatchObject({
    state: 'approved',
    approver: null,
    decisionNote: 'yes at the gateway: 佐藤',
  })
  const { session } = await sessions.open(technician, id, { publicBase: 'http://hmi.localhost:1' })
  expect(session.state).toBe('active')
  expect(dialer.sessions()).toMatchObject([{ session: id, person: 'Tech', title: 'Press HMI' }])
  expect(changes).toEqual(['- > requested', 'requested > approved', 'approved > active'])
  expect(await auditLines()).toEqual([
    'tech session.request done',
    'sessions session.approve done',
    'tech session.open done',
  ])
  // The people at the site end it: the next stream finds it ended.
  dialer.endSession(id)
  expect(dialer.sessions()).toEqual([])
})

test('a no at the gateway refuses the session, and the same session is not asked about again', async () => {
  const { request, dialer, asked, settled, sessions, ask } = await rig()
  const { id } = await request()
  await asked(id)
  dialer.answer(id, { allow: false, by: 'Sato' })
  await settled(id)
  expect(await sessions.get(id)).toMatchObject({
    state: 'refused',
    decisionNote: 'The gateway refused: The people at the site said no.',
  })
  await expect(ask({ session: id })).rejects.toMatchObject(refusal('consent-denied'))
})

test('no answer in time is a no', async () => {
  const { request, settled, sessions, tunnel } = await rig({ consentWaitMs: 100 })
  const { id } = await request()
  await settled(id)
  expect(await sessions.get(id)).toMatchObject({ state: 'refused', until: null })
  expect(tunnel.decisions.map(({ reason }) => reason)).toEqual(['consent-timeout'])
})

test('the cloud cannot say yes for the site: no approver, no other session, person, target or longer window', async () => {
  const { request, dialer, asked, settled, sessions, tunnel } = await rig()
  const { id } = await request({ rights: ['view'] })
  await asked(id)
  await expect(sessions.approve(manager, id)).rejects.toMatchObject({ code: 'access.denied' })
  const approver = { id: 'per_boss', name: 'Boss' }
  const open = (changes: Partial<GrantClaims>) => tunnel.open('press-hmi', { approver, ...changes })
  const missing = refusal('consent-missing')
  await expect(open({ session: id })).rejects.toMatchObject(missing)
  dialer.answer(id, { allow: true, by: 'Sato' })
  await settled(id)
  const asAsked = { session: id, rights: ['view' as const], approver: undefined }
  const person = { id: 'per_other', name: 'Tech' }
  const hour = { from: Date.now(), until: Date.now() + 3_600_000 }
  for (const forged of [
    { session: 'ses_other' },
    { person },
    { rights: ['control' as const] },
    hour,
  ]) {
    await expect(open({ ...asAsked, ...forged })).rejects.toMatchObject(missing)
  }
  const stream = await open(asAsked)
  stream.destroy()
})

test('a grant asks once: replayed, for another session, unsigned or by a foreign key it is refused', async () => {
  const { dialer, asked, ask, tunnel } = await rig()
  const once = { session: 'ses_1', jti: 'gnt_once' }
  const first = ask(once)
  await asked('ses_1')
  await expect(ask(once)).rejects.toMatchObject(refusal('grant-replayed'))
  await expect(ask({ session: 'ses_1' })).rejects.toMatchObject(refusal('busy'))
  await expect(ask({ session: 'ses_2' }, 'ses_3')).rejects.toMatchObject(refusal('grant-malformed'))
  const unsigned = { site: SITE, gateway: GATEWAY, session: 'ses_4', grant: 'a.b.c' }
  const signal = new AbortController().signal
  await expect(tunnel.hub.askConsent(unsigned, signal)).rejects.toMatchObject(
    refusal('grant-forged'),
  )
  expect(dialer.questions()).toHaveLength(1)
  dialer.answer('ses_1', { allow: true, by: 'Sato' })
  expect(await first).toBe('Sato')
})

test('the kill switch answers what waits, takes every yes back and lets nobody approve', async () => {
  const { request, dialer, asked, settled, sessions, ask, tunnel } = await rig()
  const { id } = await request()
  await asked(id)
  dialer.kill('somebody stands in the press')
  expect(dialer.answer(id, { allow: true, by: 'Sato' })).toBe(false)
  await settled(id)
  expect(await sessions.get(id)).toMatchObject({ state: 'refused' })
  await expect(ask({ session: 'ses_9' })).rejects.toMatchObject(refusal('killed'))
  dialer.restore()
  const again = await request()
  await asked(again.id)
  dialer.answer(again.id, { allow: true, by: 'Sato' })
  await settled(again.id)
  dialer.kill('again')
  dialer.restore()
  await expect(
    tunnel.open('press-hmi', { session: again.id, approver: undefined }),
  ).rejects.toMatchObject(refusal('consent-missing'))
})

test('a request that ends in the cloud is asked no more, and a lost line takes the question back and asks anew', async () => {
  const { request, dialer, asked, sessions, tunnel } = await rig()
  const first = await request()
  await asked(first.id)
  await sessions.end(technician, first.id, 'closed-by-user')
  await until(() => dialer.questions().length === 0)
  const second = await request()
  await asked(second.id)
  await tunnel.stopAgent()
  await until(() => dialer.questions().length === 0)
  expect((await sessions.get(second.id))?.state).toBe('requested')
  const stop = new AbortController()
  const again = tunnel.dialAgain(stop.signal)
  cleanup.push(async () => {
    stop.abort()
    await again
  })
  await until(() => tunnel.hub.isUp(SITE, GATEWAY))
  await sessions.tick(Date.now())
  await asked(second.id)
})

test('a session that ran is over for the gateway when the line to the cloud breaks', async () => {
  const { request, dialer, asked, settled, sessions, tunnel } = await rig()
  const { id } = await request()
  await asked(id)
  dialer.answer(id, { allow: true, by: 'Sato' })
  await settled(id)
  await sessions.open(technician, id, { publicBase: 'http://hmi.localhost:1' })
  await tunnel.stopAgent()
  await until(async () => (await sessions.get(id))?.state === 'ended')
  expect(await sessions.get(id)).toMatchObject({ endReason: 'gateway-lost' })
  expect(dialer.sessions()).toEqual([])
  const stop = new AbortController()
  const again = tunnel.dialAgain(stop.signal)
  cleanup.push(async () => {
    stop.abort()
    await again
  })
  await until(() => tunnel.hub.isUp(SITE, GATEWAY))
  const reopened = tunnel.open('press-hmi', { session: id, approver: undefined })
  await expect(reopened).rejects.toMatchObject(refusal('consent-missing'))
})
