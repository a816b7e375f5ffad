/** The cases: opened by alarms, hooks and persons, moved by sessions and telemetry, closed with a report. */
import type {
  AlarmView,
  CaseDetail,
  CaseReport,
  CaseSummary,
  CloseRequest,
} from '../../protocol/api.ts'
import type { Sample } from '../../protocol/model.ts'
import type { Audit } from '../audit/audit.ts'
import type { Store } from '../store/store.ts'
import { isOpen, moveOf, type SessionEvent } from './case.ts'
import { type CaseFacts, readCaseDetail } from './case-detail.ts'
import {
  type CaseQuery,
  type CaseRow,
  findCase,
  findOpenCase,
  listCases,
  moveCase,
  moveCaseIfLegal,
  type NewCase,
  noteEvent,
  readCase,
  removeStep,
  stampStep,
} from './case-rows.ts'
import { type CaseWatch, openCaseWatch } from './case-watch.ts'
import { closeCase, dismissCase } from './closing.ts'
import { type Hook, isTrouble, reportCase, reportHook, siteOf } from './reporting.ts'

/** Who acts; the caller has asked the policy already. */
export interface Person {
  id: string
  login: string
  name: string
}

export interface CaseChangeEvent {
  case: CaseSummary
  kind: 'opened' | 'attached' | 'moved' | 'verified' | 'relapsed' | 'closed' | 'dismissed' | 'noted'
}

export interface CasesOptions {
  store: Store
  audit: Audit
  facts: CaseFacts
  /** Unix ms. */
  now?(): number
  onChange(event: CaseChangeEvent): void | Promise<void>
}

export interface Cases {
  /** Opens a case, or attaches to the open one of the asset; undefined: the alarm is shelved or over. */
  fromAlarm(alarm: AlarmView): Promise<string | undefined>
  /** Idempotent by fingerprint. Throws Fault 'object.missing' for an unknown asset. */
  fromHook(hook: Hook): Promise<string>
  fromPerson(actor: Person, wanted: { asset: string; title: string }): Promise<string>
  noteSession(event: SessionEvent): Promise<void>
  /** A new ratio of the asset: it may show the recovery, or a relapse. */
  acceptRatio(asset: string, sample: Sample): Promise<void>
  /** Throws Fault 'case.conflict' when the state does not allow it. */
  transition(
    actor: Person,
    id: string,
    wanted: { action: 'diagnose' | 'fix' | 'verify'; note?: string },
  ): Promise<void>
  /** Throws Fault 'case.not-verified' when the recovery has not held and no reason is given. */
  close(actor: Person, id: string, outcome: CloseRequest): Promise<CaseReport>
  dismiss(actor: Person, id: string, outcome: { reason: string; usefulness: string }): Promise<void>
  list(query: CaseQuery): Promise<CaseSummary[]>
  get(id: string): Promise<CaseDetail | undefined>
  /** The frozen report; undefined: no such case, or it is not closed. */
  report(id: string): Promise<CaseReport | undefined>
}

/** What the parts of the cases share. */
interface Parts extends Required<CasesOptions> {
  watch: CaseWatch
  tell(id: string, kind: CaseChangeEvent['kind']): Promise<void>
  note(
    actor: string,
    row: { id: string; site: string },
    action: string,
    detail?: unknown,
  ): Promise<void>
}

export async function openCases(options: CasesOptions): Promise<Cases> {
  const parts = await createParts(options)
  const { store, facts, watch } = parts
  // One change at a time: what a sample shows must not overtake the session that caused it.
  let tail: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = tail.then(work)
    tail = done.catch(() => undefined)
    return done
  }
  return {
    fromAlarm: (alarm) => inTurn(() => fromAlarm(parts, alarm)),
    fromHook: (hook) => inTurn(() => fromHook(parts, hook)),
    fromPerson: (actor, wanted) => inTurn(() => fromPerson(parts, actor, wanted)),
    noteSession: (event) => inTurn(() => noteSession(parts, event)),
    async acceptRatio(asset, sample) {
      // Outside the queue: most assets have no open case, and samples are many.
      const change = watch.take(asset, sample, facts.recoveryHoldMs(asset))
      if (change) await inTurn(() => noteRecovery(parts, asset, { change, at: sample.at }))
    },
    transition: (actor, id, wanted) => inTurn(() => transition(parts, actor, { id, ...wanted })),
    close: (actor, id, outcome) => inTurn(() => close(parts, actor, { id, outcome })),
    dismiss: (actor, id, outcome) => inTurn(() => dismiss(parts, actor, { id, outcome })),
    list: (query) => listCases(store, query),
    async get(id) {
      const row = await findCase(store.db, id)
      const recovery = row && isOpen(row.state) ? watch.memoryOf(row.asset) : undefined
      return row && (await readCaseDetail(store, facts, { id, recovery }))
    },
    async report(id) {
      const row = await findCase(store.db, id)
      return row?.report ? (JSON.parse(row.report) as CaseReport) : undefined
    },
  }
}

async function createParts(options: CasesOptions): Promise<Parts> {
  const { store, audit, onChange, now = Date.now } = options
  return {
    ...options,
    now,
    watch: await openCaseWatch(store),
    async tell(id, kind) {
      const [changed] = await listCases(store, { state: 'all', id })
      if (changed) await onChange({ case: changed, kind })
    },
    note: (actor, { id, site }, action, detail) =>
      audit.append({ actor, action, object: id, site, outcome: 'done', detail }),
  }
}

async function report(parts: Parts, wanted: NewCase, actor: string): Promise<string> {
  const { id, isNew } = await reportCase(parts.store, wanted)
  if (isNew) {
    parts.watch.begin(wanted.asset, wanted.at, false)
    await parts.note(actor, { id, site: wanted.site }, 'case.open', wanted.source)
  }
  return id
}

async function fromAlarm(parts: Parts, alarm: AlarmView): Promise<string | undefined> {
  if (!isTrouble(alarm)) return undefined
  const open = await findOpenCase(parts.store.db, alarm.asset)
  if (open && open.id === alarm.caseId) return open.id
  const { site, asset, message: title, raisedAt: at } = alarm
  const source = { kind: 'alarm', id: alarm.id } as const
  const id = await report(parts, { site, asset, title, at, source, person: null }, 'alarms')
  await parts.facts.attachAlarm(alarm.id, id)
  await parts.tell(id, open ? 'attached' : 'opened')
  return id
}

async function fromHook(parts: Parts, hook: Hook): Promise<string> {
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

async function fromPerson(
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

async function noteSession(parts: Parts, event: SessionEvent): Promise<void> {
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

async function noteRecovery(
  { store, tell }: Parts,
  asset: string,
  { change, at }: { change: 'held' | 'relapsed'; at: number },
): Promise<void> {
  const row = await findOpenCase(store.db, asset)
  if (!row) return
  const isHeld = change === 'held'
  await store.db.transaction().execute(async (trx) => {
    if (isHeld) await stampStep(trx, row.id, { step: 'verified', at, person: null })
    const verified_at = isHeld ? at : null
    // A verification that did not last is none: the next one is stamped anew.
    else await removeStep(trx, row.id, 'verified')
    await trx.updateTable('cases').set(verified_at ).where('id', '=', row.id).execute()
    await moveCaseIfLegal(trx, row, isHeld ? 'verify' : 'recur')
    const text = isHeld ? 'the recovery has held' : 'the trouble is back'
    await noteEvent(trx, { id: row.id, at, person: null, kind: 'telemetry', text })
  })
  await tell(row.id, isHeld ? 'verified' : 'relapsed')
}

interface Transition {
  id: string
  action: 'diagnose' | 'fix' | 'verify'
  note?: string
}

async function transition(parts: Parts, actor: Person, wanted: Transition): Promise<void> {
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

async function close(
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

async function dismiss(
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
