/** The cases: opened by alarms, hooks and persons, moved by sessions and telemetry, closed with a report. */
import type {
  AlarmView,
  CaseDetail,
  CaseReport,
  CaseSummary,
  CloseRequest,
} from '../../protocol/api.ts'
import type { Sample } from '../../protocol/model.ts'
import { isOpen, type SessionEvent } from './case.ts'
import * as acts from './case-acts.ts'
import { readCaseDetail } from './case-detail.ts'
import { type CasesOptions, createParts, type Person } from './case-parts.ts'
import { type CaseQuery, findCase, listCases } from './case-rows.ts'
import type { Hook } from './reporting.ts'

export interface Cases {
  /** Opens a case, or attaches to the open one of the asset; undefined: the alarm is shelved, out of service or over. */
  fromAlarm(alarm: AlarmView): Promise<string | undefined>
  /** Idempotent by fingerprint. Throws Fault 'object.missing' for an unknown asset. */
  fromHook(hook: Hook): Promise<string>
  fromPerson(actor: Person, wanted: { asset: string; title: string }): Promise<string>
  noteSession(event: SessionEvent): Promise<void>
  /** What a model says of the trouble; of a case that is over nothing is noted. */
  noteFinding(id: string, finding: { at: number; text: string }): Promise<void>
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
    fromAlarm: (alarm) => inTurn(() => acts.fromAlarm(parts, alarm)),
    fromHook: (hook) => inTurn(() => acts.fromHook(parts, hook)),
    fromPerson: (actor, wanted) => inTurn(() => acts.fromPerson(parts, actor, wanted)),
    noteSession: (event) => inTurn(() => acts.noteSession(parts, event)),
    noteFinding: (id, finding) => inTurn(() => acts.noteFinding(parts, id, finding)),
    async acceptRatio(asset, sample) {
      // Outside the queue: most assets have no open case, and samples are many.
      const holdMs = facts.recoveryHoldMs(asset)
      const change = watch.take(asset, sample, { holdMs, holeMs: facts.holeMs?.(asset) })
      if (change) await inTurn(() => acts.noteRecovery(parts, asset, { change, at: sample.at }))
    },
    transition: (actor, id, wanted) =>
      inTurn(() => acts.transition(parts, actor, { id, ...wanted })),
    close: (actor, id, outcome) => inTurn(() => acts.close(parts, actor, { id, outcome })),
    dismiss: (actor, id, outcome) => inTurn(() => acts.dismiss(parts, actor, { id, outcome })),
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
