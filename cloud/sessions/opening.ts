/** Opening a session, pausing and resuming it. */
import type { SessionView } from '../../protocol/api.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import {
  type Actor,
  auditOf,
  type Broker,
  denyStep,
  findSession,
  moveSession,
  viewSession,
} from './broker.ts'
import type { SessionRow } from './session-rows.ts'

/** What can be shown in the browser. */
const viewableKinds: readonly string[] = ['web']

/** Opens it, or a further view of it while it is active; the URL works once. */
export async function openSession(
  broker: Broker,
  actor: Actor,
  { id, publicBase }: { id: string; publicBase: string },
): Promise<{ session: SessionView; url: string }> {
  const row = await findSession(broker, actor, id)
  const step = { actor, row, action: 'open' as const }
  const fault = await whyNot(broker, actor, row)
  if (fault) return await denyStep(broker, step, fault)
  if (row.state === 'active') {
    await broker.audit.append({ ...auditOf(step), outcome: 'done', detail: { again: true } })
    return { session: await viewSession(broker, id), url: broker.running.view(id, publicBase) }
  }
  await start(broker, step)
  try {
    const session = await moveSession(broker, { ...step, values: { started_at: broker.now() } })
    return { session, url: broker.running.view(id, publicBase) }
  } catch (error) {
    // Somebody ended it in this moment: nothing of it may stay open.
    await broker.running.finish(row, { reason: 'fault' })
    throw error
  }
}

async function start(broker: Broker, step: { actor: Actor; row: SessionRow; action: 'open' }) {
  try {
    await broker.running.start(step.row)
  } catch (error) {
    const detail = error instanceof Fault ? { code: error.code, reason: error.message } : {}
    await broker.audit.append({ ...auditOf(step), outcome: 'failed', detail })
    throw error
  }
}

async function whyNot(broker: Broker, actor: Actor, row: SessionRow): Promise<Fault | undefined> {
  if (row.person !== actor.id) {
    const name = await broker.rows.personName(row.person)
    return new Fault('access.denied', { reason: `only ${name}, who asked for it, may open it` })
  }
  if (row.state !== 'approved' && row.state !== 'active') {
    return new Fault('session.not-allowed', { action: 'open', state: row.state })
  }
  if (row.until_at !== null && row.until_at <= broker.now()) return new Fault('session.window-over')
  if (!viewableKinds.includes(row.kind)) {
    return new Fault('session.unsupported-kind', { kind: row.kind })
  }
  return undefined
}

/** While paused nothing passes; what is open is closed. */
export async function pauseSession(
  broker: Broker,
  actor: Actor,
  { id, action }: { id: string; action: 'pause' | 'resume' },
): Promise<SessionView> {
  const row = await findSession(broker, actor, id)
  const session = await moveSession(broker, { actor, row, action })
  await broker.running.setPaused(id, action === 'pause')
  return session
}
