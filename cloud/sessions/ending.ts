/** Ending sessions: by a person, by time, by a lost gateway, by a fault. */
import type { SessionView } from '../../protocol/api.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import type { SessionEndReason } from '../../protocol/states.ts'
import type { SessionEndedNews } from '../../protocol/tunnel/news.ts'
import { isRefusalCode, type RefusalCode, refusals } from '../../protocol/tunnel/refusal.ts'
import { auditOf, type Broker, type Doer, denyStep, findSession, tellChange } from './broker.ts'
import { isOpen, reasonOf, timeUp } from './session.ts'

export interface Ending {
  id: string
  reason: SessionEndReason
  note?: string
  /** Who did it at the site, by the name given there: no login. */
  by?: string
}

/** Streams fall first, papers follow. */
export async function endSession(
  broker: Broker,
  actor: Doer,
  { id, reason, note, by }: Ending,
): Promise<SessionView> {
  const row = await findSession(broker, actor, id)
  const step = { actor, row, action: 'end' as const }
  const values = { ended_at: broker.now(), end_reason: reason }
  if (!(await broker.rows.move(row, 'end', values))) {
    const fault = new Fault('session.not-allowed', { action: 'end', state: row.state })
    return await denyStep(broker, step, fault)
  }
  broker.questions.withdraw(id)
  const recordingSha256 = await broker.running.finish(row, { reason, note })
  if (recordingSha256) await broker.rows.setRecording(id, recordingSha256)
  const detail = { reason, note, by, recordingSha256 }
  await broker.audit.append({ ...auditOf(step), outcome: 'done', detail })
  return await tellChange(broker, id, row.state)
}

/** For endings that nobody waits for: one that is too late is no trouble. */
export async function endQuietly(broker: Broker, ending: Ending): Promise<void> {
  try {
    await endSession(broker, 'system', ending)
  } catch (error) {
    broker.log.warn({ error, session: ending.id, reason: ending.reason }, 'not ended')
  }
}

/** Ends what runs through the gateway whose tunnel is gone. */
export async function endOfGateway(broker: Broker, site: string, gateway: string): Promise<void> {
  for (const row of await broker.rows.openOnes()) {
    const isThere = row.site === site && row.gateway === gateway && row.started_at !== null
    if (isThere) await endQuietly(broker, { id: row.id, reason: 'gateway-lost' })
  }
}

/** Ends what time has ended. */
export async function endByTime(broker: Broker, at: number): Promise<void> {
  for (const row of await broker.rows.openOnes()) {
    const activeAt = broker.running.activeAt(row.id)
    const timed = { state: row.state, requestedAt: row.requested_at, until: row.until_at, activeAt }
    const reason = timeUp(timed, at)
    if (reason) await endQuietly(broker, { id: row.id, reason })
  }
}

/** The site has ended it, and its gateway says so; one of another gateway it may not even name. */
export async function endAtSite(
  broker: Broker,
  { site, gateway }: { site: string; gateway: string },
  news: SessionEndedNews,
): Promise<void> {
  const row = await broker.rows.find(news.session)
  const isTheirs = row?.site === site && row.gateway === gateway
  if (!isTheirs) {
    broker.log.warn({ site, gateway, session: news.session }, 'not a session of this gateway')
    return
  }
  if (!isOpen(row.state)) return
  const code: RefusalCode = isRefusalCode(news.why) ? news.why : 'session-ended'
  const { by } = news
  const ending = { id: row.id, reason: reasonOf(code), note: sayWhy(code, news), by }
  await endQuietly(broker, ending)
}

function sayWhy(code: RefusalCode, { by, say }: SessionEndedNews): string {
  const who = by ? ` by ${by}` : ''
  const why = say ? `: ${say}` : ''
  if (code === 'session-ended') return `ended at the gateway${who}${why}`
  if (code === 'killed') return `remote access cut at the gateway${who}${why}`
  return refusals[code].say
}
