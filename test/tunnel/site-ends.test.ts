/** What the site ends the cloud knows at once: nobody has to click before the console says that the visit is over. */
import { afterEach, expect, test } from 'vitest'
import type { GatewayNews } from '../../protocol/tunnel/news.ts'
import { openSessionRig, type SessionRigOptions, technician } from './session-rig.ts'
import { until } from './tunnel-rig.ts'

const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const dispose of cleanup.splice(0).reverse()) await dispose()
})

async function rig(options: SessionRigOptions = {}) {
  const opened = await openSessionRig(options)
  cleanup.push(() => opened[Symbol.asyncDispose]())
  const { sessions } = opened
  return {
    ...opened,
    dialer: opened.tunnel.dialer,
    ended: async (id: string) => {
      await until(async () => (await sessions.get(id))?.state === 'ended')
      // The last word about it is the audit entry.
      await until(async () => (await opened.lastAudit()).action === 'session.end')
      return await sessions.get(id)
    },
  }
}

test('a session that somebody ends on the page at the plant is over in the cloud, with their name on record', async () => {
  const { enter, dialer, ended, lastAudit, sessions } = await rig()
  const { session } = await enter()
  dialer.endSession(session.id, '佐藤')
  expect(await ended(session.id)).toMatchObject({ endReason: 'revoked' })
  expect(await lastAudit()).toMatchObject({
    actor: 'sessions',
    object: session.id,
    detail: { reason: 'revoked', by: '佐藤', note: 'ended at the gateway by 佐藤' },
  })
  const { events, intact } = await sessions.recording(session.id)
  expect(intact).toBe(true)
  expect(events.at(-1)?.text).toBe('revoked: ended at the gateway by 佐藤')
})

test('the kill switch ends every session that is there, and says who cut and why', async () => {
  const { enter, dialer, ended, lastAudit } = await rig()
  const { session } = await enter()
  dialer.kill('somebody stands in the press', 'Sato')
  await ended(session.id)
  expect((await lastAudit()).detail).toMatchObject({
    by: 'Sato',
    note: 'remote access cut at the gateway by Sato: somebody stands in the press',
  })
})

test('what the cloud itself ends is not told back to it', async () => {
  const { enter, ended, sessions, auditLines } = await rig()
  const { session } = await enter()
  await sessions.end(technician, session.id, 'closed-by-user')
  expect(await ended(session.id)).toMatchObject({ endReason: 'closed-by-user' })
  expect((await auditLines()).filter((line) => line.includes('session.end'))).toHaveLength(1)
})

test('a gateway ends no session of another gateway, none twice, and its garbage is passed over', async () => {
  const { enter, sessions, tunnel, store, ended, auditLines } = await rig()
  const { session } = await enter()
  const tell = (news: unknown) => tunnel.news.tell(news as GatewayNews)
  const theirs = { kind: 'session-ended', session: session.id, why: 'killed' } as const
  // As if it ran at another gateway.
  const move = async (gateway: string) =>
    await store.db.updateTable('sessions').set({ gateway }).execute()
  await move('gw2')
  tell(theirs)
  tell({ ...theirs, session: 'ses_unknown' })
  tell({ ...theirs, session: 7 })
  tell({ kind: 'poetry' })
  // One after the other: when this one is done the ones before it are.
  const mine = await enter()
  await until(async () => {
    await store.db
      .updateTable('sessions')
      .set({ gateway: 'gw1' })
      .where('id', '=', mine.session.id)
      .execute()
    tell({ ...theirs, session: mine.session.id })
    return (await sessions.get(mine.session.id))?.state === 'ended'
  })
  expect((await sessions.get(session.id))?.state).toBe('active')
  await move('gw1')
  tell(theirs)
  tell(theirs)
  await ended(session.id)
  // A third, so that the second has been looked at.
  const last = await enter()
  tell({ ...theirs, session: last.session.id })
  const ends = async () =>
    (await auditLines()).filter((line) => line.startsWith('sessions session.end'))
  await until(async () => (await ends()).length >= 3)
  expect(await ends()).toEqual(Array(3).fill('sessions session.end done'))
})

test('a line that is longer than any news ends the listening, not the tunnel', async () => {
  const { enter, tunnel, dialer, sessions } = await rig()
  const { session } = await enter()
  tunnel.news.tell({ kind: 'renewal', request: 'x'.repeat(20_000) })
  await until(() => !tunnel.news.tell({ kind: 'renewal', request: '' }))
  dialer.endSession(session.id, 'Sato')
  expect(tunnel.changes.map(({ online }) => online)).toEqual([true])
  expect((await sessions.get(session.id))?.state).toBe('active')
})

test('a visit is over in the cloud when the key switch at the machine goes off', async () => {
  const keySwitch = 'plant/gw1/plc/RemoteKey'
  const { enter, tunnel, ended } = await rig({ policy: { keySwitch } })
  const turn = (value: boolean) =>
    tunnel.tags.set(keySwitch, { tag: keySwitch, at: 1, value, quality: 192 })
  turn(true)
  const { session } = await enter()
  const stream = await tunnel.open('press-hmi', { session: session.id })
  turn(false)
  expect(await ended(session.id)).toMatchObject({ endReason: 'interlock' })
  stream.destroy()
})
