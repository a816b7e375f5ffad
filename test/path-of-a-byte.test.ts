/** The guided tour of remote support: from the wish for access to a machine's socket and back, and every way it ends or is refused. */
import { createHash, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { compactVerify, decodeJwt, decodeProtectedHeader, importJWK } from 'jose'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import type { GatewayStatus } from '../edge/local/plant.ts'
import type { RecordingView, SessionView } from '../protocol/api.ts'
import type { GrantClaims } from '../protocol/grant.ts'
import { type Harness, openHarness, type Reply, waitFor } from './harness.ts'
import { type Browser, openBrowser, openScale, type Scale } from './scale.ts'

const stack = new AsyncDisposableStack()
afterAll(() => stack.disposeAsync())
let plant: Harness
let scale: Scale
let caseId: string

beforeAll(async () => {
  scale = stack.use(await openScale())
  plant = stack.use(
    await openHarness({ machines: ['chiller'], changePolicy: (policy) => scale.allowIn(policy) }),
  )
  // The gateway dialled out; nobody can dial in.
  const { hub } = plant.cloud.parts
  await waitFor(() => hub.isUp('kita-plant', 'gw-plant'), 'the tunnel')
  vi.spyOn(hub, 'openStream')
  const work = { asset: 'chiller-1', title: 'The scale drifts' }
  caseId = (await plant.call('/api/cases', { as: 'engineer', body: work })).body.id
})

describe('the path of a byte', () => {
  let session: SessionView
  let grant: string
  let browser: Browser

  it('1 · the technician asks for a target by its name; the address never left the site', async () => {
    const asked = await waitFor(async () => {
      const reply = await ask('scale-hmi')
      return reply.status === 200 ? reply : undefined
    }, 'the cloud to know the target from the birth of the gateway')
    session = asked.body
    expect(session).toMatchObject({ state: 'requested', targetTitle: 'Weighing scale' })
    const known = await plant.cloud.parts.store.db.selectFrom('targets').selectAll().execute()
    const columns = ['consent', 'gateway', 'id', 'kind', 'site', 'title']
    expect(known.map((row) => Object.keys(row).sort())).toContainEqual(columns)
  })

  it('2 · a second person approves; the technician cannot', async () => {
    const own = await act(session, 'approve', 'technician')
    expect(own.status).toBe(403)
    const { body } = await act(session, 'approve', 'manager')
    session = body
    expect(session).toMatchObject({ state: 'approved', approver: { name: 'Aiko Mori' } })
    expect(session.until).toBe(session.decidedAt! + 10 * 60_000)
  })

  it('3 · opening it, the cloud signs a grant: who, where to, what, until when, by whose leave', async () => {
    const { body } = await act(session, 'open', 'technician')
    session = body.session
    expect(session.state).toBe('active')
    browser = await openBrowser(body.url)
    grant = vi.mocked(plant.cloud.parts.hub.openStream).mock.calls[0]![0].grant
    expect(decodeProtectedHeader(grant)).toMatchObject({ alg: 'EdDSA', typ: 'mimamori-grant+jwt' })
    expect(decodeJwt(grant)).toMatchObject({
      ...{ jti: expect.stringMatching(/^gnt_/), session: session.id, target: 'scale-hmi' },
      ...{ site: 'kita-plant', gateway: 'gw-plant', rights: ['view', 'control'] },
      ...{ person: { name: 'Kenji Sato' }, approver: { name: 'Aiko Mori' }, until: session.until },
    })
  })

  it('4 · the gateway checks the signature with the key it pinned at enrolment', async () => {
    const file = join(plant.dir, 'gw-plant', 'credentials', 'grant-key.json')
    const pinned = JSON.parse(await readFile(file, 'utf8'))
    const { payload } = await compactVerify(grant, await importJWK(pinned, 'EdDSA'))
    expect(payload.length).toBeGreaterThan(0)
  })

  it("5 · its dialer decides against the site's own policy file, and writes the decision down", async () => {
    const { decisions } = await site()
    expect(decisions[0]).toMatchObject({
      allowed: true,
      text: `Kenji Sato (${session.id}) to scale-hmi: allowed`,
    })
  })

  it("6 · a CONNECT in the tunnel becomes a socket at the machine, and the answer comes back on the session's own origin", async () => {
    const page = await browser.get('/')
    expect(page).toMatchObject({ status: 200, body: '<h1>Scale</h1>' })
    expect(browser.host).toMatch(/^[0-9a-f]{32}\.hmi\.localhost:\d+$/)
    expect(page.headers['content-security-policy']).toContain('frame-ancestors')
    expect(await browser.post('/tare')).toMatchObject({ status: 200, body: 'done' })
    expect(scale.asked).toEqual(['GET /', 'POST /tare'])
  })

  it('7 · the recorder wrote each exchange, every line chained to the hash of the line before', async () => {
    const file = join(plant.dir, 'cloud', 'recordings', `${session.id}.ndjson`)
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n')
    const entries = lines.map((line) => JSON.parse(line))
    expect(entries[0]).toMatchObject({ seq: 0, kind: 'session', previous: '0'.repeat(64) })
    for (const [i, line] of lines.slice(0, -1).entries()) {
      expect(entries[i + 1].previous).toBe(createHash('sha256').update(line).digest('hex'))
    }
    const exchanges = entries.filter(({ kind }) => kind === 'exchange')
    expect(exchanges).toMatchObject([{ path: '/' }, { method: 'POST', path: '/tare', status: 200 }])
  })

  it('8 · a grant opens one stream: the same one again is refused', async () => {
    const again = openStream('scale-hmi', grant)
    await expect(again).rejects.toMatchObject({ detail: { refusal: 'grant-replayed' } })
    expect((await site()).decisions[0]).toMatchObject({ allowed: false })
  })

  it('9 · the end of the session closes both ends, and the recording is sealed with its hash', async () => {
    const { first, closed } = await browser.follow('/weights')
    expect(first).toBe('12.5 kg\n')
    expect(scale.sockets.size).toBeGreaterThan(0)
    session = (await act(session, 'end', 'technician')).body
    expect(session).toMatchObject({ state: 'ended', endReason: 'closed-by-user', recorded: true })
    await closed
    await waitFor(() => scale.sockets.size === 0, 'the machine to see its sockets closed')
    expect((await browser.get('/')).status).toBe(410)
    const path = `/api/sessions/${session.id}/recording`
    const { body } = await plant.call(path, { as: 'technician' })
    expect(body as RecordingView).toMatchObject({ intact: true, session: { id: session.id } })
    expect(body.sha256).toMatch(/^[0-9a-f]{64}$/)
  })
})

describe('what does not pass', () => {
  it('a target the site does not list is unknown: the wish is refused in words, and audited', async () => {
    const { status, body } = await ask('safe')
    expect({ status, body }).toMatchObject({
      status: 404,
      body: { code: 'session.unknown-target' },
    })
    expect(body.detail).toMatch(/safe/)
    expect(await lastAudit('session.request')).toMatchObject({
      ...{ object: 'gw-plant/safe', outcome: 'denied' },
    })
  })

  it('a target that only the cloud believes in is refused by the gateway, in words, and audited', async () => {
    const forged = { site: 'kita-plant', gateway: 'gw-plant', id: 'safe', kind: 'web' }
    await plant.cloud.parts.store.db
      .insertInto('targets')
      .values({ ...forged, title: 'Safe', consent: 'always' })
      .execute()
    const { body: wish } = await ask('safe')
    expect(wish.state).toBe('approved')
    const { status, body } = await act(wish, 'open', 'technician')
    expect({ status, body }).toMatchObject({
      status: 403,
      body: { detail: "The gateway refused: The target is not in the site's policy." },
    })
    const entry = await lastAudit('session.open')
    expect(entry).toMatchObject({ object: wish.id, outcome: 'failed' })
    expect(entry.detail).toContain("not in the site's policy")
    expect((await site()).decisions[0]?.text).toContain('to safe: target-unknown')
  })

  it('an expired grant opens nothing, whoever signed it', async () => {
    const before = Date.now() - 120_000
    const old = await sign({ iat: seconds(before), exp: seconds(before) + 30 })
    const late = openStream('scale-hmi', old)
    await expect(late).rejects.toMatchObject({ detail: { refusal: 'grant-expired' } })
  })
})

describe('what closes by itself', () => {
  it("the session's window: the cloud ends it", async () => {
    const { session, browser } = await openSession()
    const { closed } = await browser.follow('/weights')
    // Ten minutes later, without the wait.
    await plant.cloud.parts.store.db
      .updateTable('sessions')
      .set({ until_at: Date.now() })
      .where('id', '=', session.id)
      .execute()
    await closed
    const over = async () => {
      const { body } = await plant.call(`/api/sessions/${session.id}`, { as: 'technician' })
      return body.state === 'ended' ? body : undefined
    }
    expect(await waitFor(over, 'the end')).toMatchObject({ endReason: 'expired' })
  })

  it('the window in the grant: the gateway cuts the stream even if the cloud forgets to', async () => {
    const stream = await openStream('scale-hmi', await sign({ until: Date.now() + 1_000 }))
    const closed = new Promise((resolve) => stream.once('close', resolve))
    expect(stream.destroyed).toBe(false)
    await closed
    await waitFor(() => scale.sockets.size === 0, 'the machine to see its socket closed')
  })

  it("the site's kill switch: it cuts what is open and refuses what comes, whatever the cloud wishes", async () => {
    const { session, browser } = await openSession()
    const { closed } = await browser.follow('/weights')
    await switchAtSite('cut', { reason: 'a person is inside the cell' })
    await closed
    await waitFor(() => scale.sockets.size === 0, 'the machine to see its sockets closed')
    const refused = openStream('scale-hmi', await sign({}))
    await expect(refused).rejects.toMatchObject({
      detail: { refusal: 'killed', reason: 'Remote access is switched off at the site' },
    })
    expect((await site()).remoteAccess).toMatchObject({
      ...{ cut: true, reason: 'a person is inside the cell', streams: 0 },
    })
    expect((await browser.get('/')).status).toBeGreaterThanOrEqual(400)
    await switchAtSite('restore', {})
    const stream = await openStream('scale-hmi', await sign({ session: `${session.id}x` }))
    stream.destroy()
  })
})

function ask(target: string): Promise<Reply> {
  const wish = { caseId, gateway: 'gw-plant', target, reason: 'The zero point is off' }
  const body = { ...wish, minutes: 10, rights: ['view', 'control'] }
  return plant.call('/api/sessions', { as: 'technician', body })
}

function act(
  { id }: Pick<SessionView, 'id'>,
  what: 'approve' | 'open' | 'end',
  as: 'technician' | 'manager',
): Promise<Reply> {
  return plant.call(`/api/sessions/${id}/${what}`, { as, body: {} })
}

async function openSession(): Promise<{ session: SessionView; browser: Browser }> {
  const { body: wish } = await ask('scale-hmi')
  await act(wish, 'approve', 'manager')
  const { body } = await act(wish, 'open', 'technician')
  return { session: body.session, browser: await openBrowser(body.url) }
}

/** What the gateway's own page says, on the plant's network. */
async function site(): Promise<GatewayStatus> {
  return (await (
    await fetch(`http://127.0.0.1:${plant.ports.plantLocal}/status`)
  ).json()) as GatewayStatus
}

async function switchAtSite(what: 'cut' | 'restore', form: Record<string, string>): Promise<void> {
  const url = `http://127.0.0.1:${plant.ports.plantLocal}/remote-access/${what}`
  const answer = await fetch(url, { method: 'POST', body: new URLSearchParams(form) })
  expect(answer.status).toBe(200)
}

async function lastAudit(action: string) {
  const entries = await plant.cloud.parts.audit.list({ limit: 50 })
  return entries.find((entry) => entry.action === action)!
}

const seconds = (at: number): number => Math.floor(at / 1000)

/** A grant with the cloud's real key, as a cloud would make it that no longer asks anybody. */
async function sign(claims: Partial<GrantClaims>): Promise<string> {
  const now = Date.now()
  return await plant.cloud.parts.pki.grantSigner().sign({
    ...{ jti: `gnt_${randomBytes(8).toString('hex')}`, session: 'ses_by_hand' },
    ...{ iat: seconds(now), exp: seconds(now) + 30, from: now - 1000, until: now + 60_000 },
    ...{ site: 'kita-plant', gateway: 'gw-plant', target: 'scale-hmi', rights: ['view'] },
    ...{ person: { id: 'per_1', name: 'One' }, approver: { id: 'per_2', name: 'Two' } },
    reason: 'none',
    ...claims,
  })
}

function openStream(target: string, grant: string) {
  const { hub } = plant.cloud.parts
  return hub.openStream({ site: 'kita-plant', gateway: 'gw-plant', target, grant })
}
