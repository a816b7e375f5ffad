/** The session broker and its recorder over a real tunnel: who may do what, what is written down, how a session ends. */
import { createHash } from 'node:crypto'
import { open, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { isExchange, readRecording } from '../../cloud/sessions/recording.ts'
import { openSessions } from '../../cloud/sessions/sessions.ts'
import {
  manager,
  openSessionRig,
  type SessionRigOptions,
  stranger,
  technician,
} from './session-rig.ts'
import { GATEWAY, SITE, until } from './tunnel-rig.ts'

const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const dispose of cleanup.splice(0).reverse()) await dispose()
})
async function rig(options: SessionRigOptions = {}) {
  const opened = await openSessionRig(options)
  cleanup.push(() => opened[Symbol.asyncDispose]())
  return opened
}

test('from the request to the end: states, audit, recording and its hash', async () => {
  const { enter, ask, sessions, changes, auditLines, recordingsDir, asked } = await rig()
  const { session, host, cookie } = await enter()
  expect(session).toMatchObject({
    state: 'active',
    approver: { name: 'Boss' },
    person: { name: 'Tech' },
    targetTitle: 'Press HMI',
  })
  expect(await ask({ host, cookie })).toMatchObject({ status: 200, body: 'hello from GET /' })
  const form = 'mode=spare&password=geheim'
  const posted = await ask({
    host,
    cookie,
    method: 'POST',
    path: '/cooler?token=geheim&x=1',
    body: form,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  })
  expect(posted.status).toBe(200)
  expect(asked.map(({ line }) => line)).toEqual(['GET /', 'POST /cooler?token=geheim&x=1'])
  expect(asked[1]?.body).toBe(form)
  const ended = await sessions.end(technician, session.id, 'closed-by-user')
  expect(ended).toMatchObject({ state: 'ended', endReason: 'closed-by-user' })
  expect(await ask({ host, cookie })).toMatchObject({ status: 410 })

  const recording = await sessions.recording(session.id)
  expect(recording.intact).toBe(true)
  expect(recording.exchanges).toMatchObject([
    { method: 'GET', path: '/', status: 200, responseBody: 'hello from GET /' },
    {
      method: 'POST',
      path: '/cooler?token=[redacted]&x=1',
      status: 200,
      requestBody: 'mode=spare&password=[redacted]',
      requestBytes: form.length,
    },
  ])
  const file = await readFile(join(recordingsDir, `${session.id}.ndjson`))
  expect(recording.sha256).toBe(createHash('sha256').update(file).digest('hex'))
  expect(file.toString()).not.toMatch(/geheim/)
  expect(file.toString()).not.toContain(cookie.split('=')[1])
  expect(await sessions.har(session.id)).toMatchObject({
    log: { version: '1.2', entries: [{}, { request: { method: 'POST' } }] },
  })
  expect(changes).toEqual([
    '- > requested',
    'requested > approved',
    'approved > active',
    'active > ended (closed-by-user)',
  ])
  expect(await auditLines()).toEqual([
    'tech session.request done',
    'boss session.approve done',
    'tech session.open done',
    'tech session.end done',
  ])
})

test('nobody approves their own request, opens that of another, or decides on another site', async () => {
  const { sessions, request, proxy, auditLines } = await rig()
  const { id } = await request()
  await expect(sessions.approve(technician, id)).rejects.toMatchObject({
    code: 'session.self-approval',
  })
  await expect(sessions.approve(stranger, id)).rejects.toMatchObject({ code: 'object.missing' })
  await expect(sessions.open(technician, id, proxy)).rejects.toMatchObject({
    code: 'session.not-allowed',
  })
  await sessions.approve(manager, id)
  await expect(sessions.open(manager, id, proxy)).rejects.toMatchObject({ code: 'access.denied' })
  await expect(sessions.refuse(manager, id)).rejects.toMatchObject({ code: 'session.not-allowed' })
  expect((await auditLines()).filter((line) => line.endsWith('denied'))).toHaveLength(4)
})

test('a request must name a target and a case of that site', async () => {
  const { request } = await rig()
  await expect(request({ target: 'safe' })).rejects.toMatchObject({
    code: 'session.unknown-target',
  })
  await expect(request({ site: 'shop' })).rejects.toMatchObject({ code: 'session.unknown-target' })
  await expect(request({ caseId: 'cas_9' })).rejects.toMatchObject({ code: 'session.unknown-case' })
})

test("where the site's policy is the consent, no approver is needed", async () => {
  const { request, sessions, proxy } = await rig({ policy: { consent: 'always' } })
  const session = await request()
  expect(session).toMatchObject({ state: 'approved', approver: null })
  expect((await sessions.open(technician, session.id, proxy)).session.state).toBe('active')
})

test('a session that asks for more than the site gives does not open, says why, and may be tried again', async () => {
  const { request, sessions, proxy, auditLines } = await rig({ policy: { rights: ['view'] } })
  const { id } = await request()
  await sessions.approve(manager, id)
  for (const _try of [1, 2]) {
    await expect(sessions.open(technician, id, proxy)).rejects.toMatchObject({
      code: 'tunnel.refused',
      detail: { refusal: 'rights-widened' },
    })
  }
  expect((await sessions.get(id))?.state).toBe('approved')
  expect((await auditLines()).slice(-1)).toEqual(['tech session.open failed'])
})

test('without a recorder there is no session: a full disk refuses the opening', async () => {
  const { request, sessions, proxy, asked } = await rig({ openFile: () => open('/dev/full', 'a') })
  const { id } = await request()
  await sessions.approve(manager, id)
  await expect(sessions.open(technician, id, proxy)).rejects.toMatchObject({
    code: 'recorder.failed',
  })
  expect((await sessions.get(id))?.state).toBe('approved')
  expect(asked).toEqual([])
})

test('a disk that fills up ends the session before the next request reaches the machine', async () => {
  let isFull = false
  const { enter, ask, sessions, asked } = await rig({
    async openFile(file) {
      const [good, full] = [await open(file, 'ax'), await open('/dev/full', 'a')]
      return {
        appendFile: (data) => (isFull ? full : good).appendFile(data),
        datasync: () => good.datasync(),
        close: async () => {
          await full.close()
          await good.close()
        },
      }
    },
  })
  const { session, host, cookie } = await enter()
  await ask({ host, cookie })
  isFull = true
  expect((await ask({ host, cookie, method: 'POST', path: '/reset' })).status).toBe(503)
  await until(async () => (await sessions.get(session.id))?.state === 'ended')
  expect((await sessions.get(session.id))?.endReason).toBe('recorder-failed')
  expect(asked.map(({ line }) => line)).toEqual(['GET /'])
})

test('paused: nothing passes, and it says so; resumed: it goes on', async () => {
  const { enter, ask, sessions } = await rig()
  const { session, host, cookie } = await enter()
  await sessions.pause(technician, session.id)
  expect((await ask({ host, cookie })).status).toBe(423)
  await sessions.resume(technician, session.id)
  expect((await ask({ host, cookie })).status).toBe(200)
})

test('a lost gateway ends the session, finalises the recording, and a stopped cloud does too', async () => {
  const { enter, sessions, tunnel } = await rig()
  const { session } = await enter()
  await tunnel.stopAgent()
  await until(async () => (await sessions.get(session.id))?.endReason === 'gateway-lost')
  await until(async () => (await sessions.recording(session.id)).sha256 !== null)
  expect((await sessions.recording(session.id)).intact).toBe(true)
})

test('after a crash of the cloud a running session has ended with reason fault', async () => {
  const { enter, sessionsOptions, ask, sessions } = await rig()
  const { session, host, cookie } = await enter()
  await ask({ host, cookie })
  const again = await openSessions(sessionsOptions)
  expect(await again.get(session.id)).toMatchObject({ state: 'ended', endReason: 'fault' })
  expect(await again.recording(session.id)).toMatchObject({ exchanges: [{ status: 200 }] })
  await again[Symbol.asyncDispose]()
  expect((await sessions.list({ state: 'open', sites: [SITE] })).length).toBe(0)
})

test('time ends what nobody uses: the window, the idle session, the forgotten request', async () => {
  let skew = 0
  const { enter, request, sessions } = await rig({ now: () => Date.now() + skew })
  const { session } = await enter()
  const forgotten = await request()
  await sessions.tick(Date.now() + 16 * 60_000)
  expect(await sessions.get(session.id)).toMatchObject({ endReason: 'idle' })
  const second = await request()
  await sessions.approve(manager, second.id)
  await sessions.tick(Date.now() + 31 * 60_000)
  expect(await sessions.get(second.id)).toMatchObject({ endReason: 'expired' })
  skew = 25 * 3_600_000
  await sessions.tick(Date.now() + skew)
  expect(await sessions.get(forgotten.id)).toMatchObject({ endReason: 'expired' })
})

test('the kill switch of a gateway that tells nothing ends the session as revoked at the next request', async () => {
  const { enter, ask, sessions, tunnel } = await rig({ isMute: true })
  const { session, host, cookie } = await enter()
  tunnel.dialer.kill('maintenance')
  expect((await ask({ host, cookie, method: 'POST' })).status).toBe(403)
  await until(async () => (await sessions.get(session.id))?.endReason === 'revoked')
})

test('an altered, removed or replaced line shows, and where', async () => {
  const { enter, ask, sessions, recordingsDir } = await rig()
  const { session, host, cookie } = await enter()
  await ask({ host, cookie, path: '/a' })
  await ask({ host, cookie, path: '/b' })
  await sessions.end(technician, session.id, 'closed-by-user')
  const file = join(recordingsDir, `${session.id}.ndjson`)
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n')
  const tampered = join(recordingsDir, 'tampered')
  const write = async (changed: string[]) => await writeFile(tampered, `${changed.join('\n')}\n`)
  await write(lines.map((line) => line.replace('"/a"', '"/z"')))
  expect(await readRecording(tampered)).toMatchObject({ intact: false, brokenAt: 3 })
  await write(lines.filter((_, index) => index !== 2))
  expect(await readRecording(tampered)).toMatchObject({ intact: false, brokenAt: 3 })
  expect((await readRecording(file)).entries.filter(isExchange)).toHaveLength(2)
  // Cut off at the end: the chain holds, but the hash in the database does not.
  await writeFile(file, `${lines.slice(0, -1).join('\n')}\n`)
  expect((await readRecording(file)).intact).toBe(true)
  expect((await sessions.recording(session.id)).intact).toBe(false)
})

test('an ended session stays refused at the gateway, whoever signs', async () => {
  const { enter, sessions, tunnel } = await rig()
  const { session } = await enter()
  await sessions.end(manager, session.id, 'revoked', 'enough')
  await expect(tunnel.open('press-hmi', { session: session.id })).rejects.toMatchObject({
    detail: { refusal: 'session-ended' },
  })
  expect(tunnel.hub.isUp(SITE, GATEWAY)).toBe(true)
})
