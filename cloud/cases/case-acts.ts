/** What is done to cases, one act a function: report, move, verify, close. */
import type { AlarmView, CaseReport, CloseRequest } from '../../protocol/api.ts'
import { isOpen, moveOf, type SessionEvent } from './case.ts'
import type { Parts, Person } from './case-parts.ts'
import {
  type CaseRow,
  findCase,
  findOpenCase,
  moveCase,
  moveCaseIfLegal,
  type NewCase,
  noteEvent,
  readCase,
  removeStep,
  stampStep,
} from './case-rows.ts'
import { closeCase, dismissCase } from './closing.ts'
import { type Hook, isTrouble, reportCase, reportHook, siteOf } from './reporting.ts'

async function report(parts: Parts, wanted: NewCase, actor: string): Promise<string> {
  const { id, isNew } = await reportCase(parts.store, wanted)
  if (isNew) {
    parts.watch.begin(wanted.asset, wanted.at, false)
    await parts.note(actor, { id, site: wanted.site }, 'case.open', wanted.source)
  }
  return id
}

export async function fromAlarm(parts: Parts, alarm: AlarmView): Promise<string | undefined> {
  if (!isTrouble(alarm)) return undefined
  const open = await findOpenCase(parts.store.db, alarm.asset)
  if (open && (await isAttached(parts, alarm, open.id))) return open.id
  const { site, asset, message: title, raisedAt: at } = alarm
  const source = { kind: 'alarm', id: alarm.id } as const
  const id = await report(parts, { site, asset, title, at, source, person: null }, 'alarms')
  await parts.facts.attachAlarm(alarm.id, id)
  await parts.tell(id, open ? 'attached' : 'opened')
  return id
}

/** Two may tell of it in the same moment, each as it was before: it is one line of the case. */
async function isAttached(
  { facts }: Parts,
  { id, caseId }: AlarmView,
  of: string,
): Promise<boolean> {
  return caseId === of || (await facts.alarmsOf(of)).some((known) => known.id === id)
}

export async function fromHook(parts: Parts, hook: Hook): Promise<string> {
  const at = parts.now()
  const { id, isNew, isRepeated } = await reportHook(parts.store, hook, at)
  if (isRepeated) return id
  if (isNew) {
    parts.watch.begin(hook.asset, at, false)
    const { site } = await readCase(parts.store.db, id)
    await parts.note('hook', { id, site }, 'case.open', hook)
  }
  await parts.tell(id, isNew ? 'opened' : 'attached')
  return id
}

export async function fromPerson(
  parts: Parts,
  actor: Person,
  { asset, title }: { asset: string; title: string },
): Promise<string> {
  const site = await siteOf(parts.store, asset)
  const source = { kind: 'person', id: actor.id } as const
  const at = parts.now()
  const id = await report(parts, { site, asset, title, at, source, person: actor.id }, actor.login)
  await parts.tell(id, 'opened')
  return id
}

export async function noteSession(parts: Parts, event: SessionEvent): Promise<void> {
  const { session, at } = event
  const { store, facts } = parts
  const isEnd = event.kind === 'ended' && session.startedAt !== null
  const recording = isEnd ? await facts.recordingOf(session.id) : undefined
  const move = moveOf(event, recording)
  const row = await findCase(store.db, session.caseId)
  // A session may outlive its case; the closed case's report is frozen.
  if (!row || !isOpen(row.state)) return
  await store.db.transaction().execute(async (trx) => {
    for (const step of move.steps) await stampStep(trx, row.id, step)
    await moveCaseIfLegal(trx, row, actionFor(row, move.action))
    const person =
      event.kind === 'approved' || event.kind === 'refused' ? session.approver : session.person
    const said = { at, person: person?.id ?? null, kind: 'session', text: move.text }
    await noteEvent(trx, { id: row.id, ...said })
  })
  await parts.tell(row.id, 'moved')
}

/** Once the recovery is shown, a session that merely looks does not take the case back to diagnosing. */
function actionFor(row: CaseRow, action: ReturnType<typeof moveOf>['action']) {
  return row.verified_at !== null && action === 'diagnose' ? undefined : action
}

export async function noteRecovery(
  { store, tell }: Parts,
  asset: string,
  { change, at }: { change: 'held' | 'relapsed'; at: number },
): Promise<void> {
  const row = await findOpenCase(store.db, asset)
  if (!row) return
  const isHeld = change === 'held'
  await store.db.transaction().execute(async (trx) => {
    if (isHeld) await stampStep(trx, row.id, { step: 'verified', at, person: null })
    // A verification that did not last is none: the next one is stamped anew.
    else await removeStep(trx, row.id, 'verified')
    const verified_at = isHeld ? at : null
    await trx.updateTable('cases').set({ verified_at }).where('id', '=', row.id).execute()
    await moveCaseIfLegal(trx, row, isHeld ? 'verify' : 'recur')
    const text = isHeld ? 'the recovery has held' : 'the trouble is back'
    await noteEvent(trx, { id: row.id, at, person: null, kind: 'telemetry', text })
  })
  await tell(row.id, isHeld ? 'verified' : 'relapsed')
}

/** What a model said of the case while it was open: evidence, and no move. */
export async function noteFinding(
  { store, tell }: Parts,
  id: string,
  { at, text }: { at: number; text: string },
): Promise<void> {
  const row = await findCase(store.db, id)
  if (!row || !isOpen(row.state)) return
  await noteEvent(store.db, { id, at, person: null, kind: 'finding', text })
  await tell(id, 'noted')
}

interface Transition {
  id: string
  action: 'diagnose' | 'fix' | 'verify'
  note?: string
}

export async function transition(parts: Parts, actor: Person, wanted: Transition): Promise<void> {
  const { id, action, note } = wanted
  const row = await readCase(parts.store.db, id)
  const at = parts.now()
  const person = actor.id
  await parts.store.db.transaction().execute(async (trx) => {
    await moveCase(trx, row, action)
    if (action === 'fix') await stampStep(trx, id, { step: 'diagnosed', at, person })
    if (action === 'verify') await stampStep(trx, id, { step: 'fixed', at, person })
    await noteEvent(trx, { id, at, person, kind: action, text: note ?? '' })
  })
  await parts.note(actor.login, row, `case.${action}`, { note })
  await parts.tell(id, 'moved')
}

export async function close(
  parts: Parts,
  actor: Person,
  { id, outcome }: { id: string; outcome: CloseRequest },
): Promise<CaseReport> {
  const { store, facts, watch, now } = parts
  const row = await readCase(store.db, id)
  const closing = { at: now(), person: actor, outcome }
  const frozen = await closeCase(store, facts, { row, closing })
  watch.end(row.asset)
  await parts.note(actor.login, row, 'case.close', outcome)
  await parts.tell(id, 'closed')
  return frozen
}

export async function dismiss(
  parts: Parts,
  actor: Person,
  { id, outcome }: { id: string; outcome: { reason: string; usefulness: string } },
): Promise<void> {
  const row = await readCase(parts.store.db, id)
  await dismissCase(parts.store, row, { at: parts.now(), person: actor.id, outcome })
  parts.watch.end(row.asset)
  await parts.note(actor.login, row, 'case.dismiss', outcome)
  await parts.tell(id, 'dismissed')
}
