/** The legal state transitions of alarms, cases, sessions and planned work, as data; the same tables stand in SQL behind foreign keys. */

/** ISA-18.2 alarm states; OPC UA Part 9: `active-*` is ActiveState, `*-acked` is AckedState. `normal` ends an occurrence. */
export const alarmStates = ['normal', 'active-unacked', 'active-acked', 'cleared-unacked'] as const
export type AlarmState = (typeof alarmStates)[number]

export type AlarmAction = 'activate' | 'clear' | 'acknowledge'

export const alarmTransitions = [
  { from: 'normal', action: 'activate', to: 'active-unacked' },
  { from: 'active-unacked', action: 'acknowledge', to: 'active-acked' },
  { from: 'active-unacked', action: 'clear', to: 'cleared-unacked' },
  { from: 'active-acked', action: 'clear', to: 'normal' },
  { from: 'cleared-unacked', action: 'acknowledge', to: 'normal' },
  { from: 'cleared-unacked', action: 'activate', to: 'active-unacked' },
] as const satisfies readonly Transition<AlarmState, AlarmAction>[]

/** OPC UA Part 9 ShelvedStateMachine. */
export const shelvingStates = ['Unshelved', 'TimedShelved', 'OneShotShelved'] as const
export type ShelvingState = (typeof shelvingStates)[number]

export const caseStates = [
  'reported',
  'diagnosing',
  'fixing',
  'verifying',
  'closed',
  'dismissed',
] as const
export type CaseState = (typeof caseStates)[number]

export type CaseAction = 'diagnose' | 'fix' | 'verify' | 'recur' | 'close' | 'dismiss'

export const caseTransitions = [
  { from: 'reported', action: 'diagnose', to: 'diagnosing' },
  { from: 'reported', action: 'fix', to: 'fixing' },
  { from: 'reported', action: 'verify', to: 'verifying' },
  { from: 'reported', action: 'dismiss', to: 'dismissed' },
  { from: 'diagnosing', action: 'fix', to: 'fixing' },
  { from: 'diagnosing', action: 'verify', to: 'verifying' },
  { from: 'diagnosing', action: 'dismiss', to: 'dismissed' },
  { from: 'fixing', action: 'diagnose', to: 'diagnosing' },
  { from: 'fixing', action: 'verify', to: 'verifying' },
  { from: 'verifying', action: 'recur', to: 'diagnosing' },
  { from: 'verifying', action: 'fix', to: 'fixing' },
  { from: 'verifying', action: 'close', to: 'closed' },
] as const satisfies readonly Transition<CaseState, CaseAction>[]

/** The eight steps of a support job, time-stamped on its case. */
export const caseSteps = [
  'reported',
  'authenticated',
  'connected',
  'consented',
  'diagnosed',
  'fixed',
  'verified',
  'documented',
] as const
export type CaseStep = (typeof caseSteps)[number]

export const sessionStates = [
  'requested',
  'approved',
  'active',
  'paused',
  'ended',
  'refused',
] as const
export type SessionState = (typeof sessionStates)[number]

export type SessionAction = 'approve' | 'refuse' | 'open' | 'pause' | 'resume' | 'end'

export const sessionTransitions = [
  { from: 'requested', action: 'approve', to: 'approved' },
  { from: 'requested', action: 'refuse', to: 'refused' },
  { from: 'requested', action: 'end', to: 'ended' },
  { from: 'approved', action: 'open', to: 'active' },
  { from: 'approved', action: 'end', to: 'ended' },
  { from: 'active', action: 'pause', to: 'paused' },
  { from: 'active', action: 'end', to: 'ended' },
  { from: 'paused', action: 'resume', to: 'active' },
  { from: 'paused', action: 'end', to: 'ended' },
] as const satisfies readonly Transition<SessionState, SessionAction>[]

/** Why a session ended: a closed list (the audit and the recording carry it). */
export const sessionEndReasons = [
  'closed-by-user',
  'expired',
  'revoked',
  'gateway-lost',
  'target-refused',
  'idle',
  'interlock',
  'recorder-failed',
  'fault',
] as const
export type SessionEndReason = (typeof sessionEndReasons)[number]

/** A configuration on its way to a gateway; `unchanged`, `refused`, `reverted` and `confirmed` end it. */
export const configStates = [
  'draft',
  'sent',
  'staged',
  'applied',
  'confirmed',
  'unchanged',
  'refused',
  'reverted',
] as const
export type ConfigState = (typeof configStates)[number]

export type ConfigAction = 'send' | 'refuse' | 'same' | 'stage' | 'apply' | 'confirm' | 'revert'

export const configTransitions = [
  { from: 'draft', action: 'send', to: 'sent' },
  { from: 'sent', action: 'refuse', to: 'refused' },
  { from: 'sent', action: 'same', to: 'unchanged' },
  { from: 'sent', action: 'stage', to: 'staged' },
  { from: 'sent', action: 'revert', to: 'reverted' },
  { from: 'staged', action: 'apply', to: 'applied' },
  { from: 'staged', action: 'revert', to: 'reverted' },
  { from: 'applied', action: 'confirm', to: 'confirmed' },
  { from: 'applied', action: 'revert', to: 'reverted' },
] as const satisfies readonly Transition<ConfigState, ConfigAction>[]

/** Planned work on a machine or a site; `over` and `cancelled` end it. */
export const maintenanceStates = ['planned', 'running', 'over', 'cancelled'] as const
export type MaintenanceState = (typeof maintenanceStates)[number]

export type MaintenanceAction = 'begin' | 'end' | 'cancel'

export const maintenanceTransitions = [
  { from: 'planned', action: 'begin', to: 'running' },
  { from: 'planned', action: 'cancel', to: 'cancelled' },
  { from: 'running', action: 'end', to: 'over' },
  // Only of what was entered when it was over: what did take alarms out of service stays on record.
  { from: 'over', action: 'cancel', to: 'cancelled' },
] as const satisfies readonly Transition<MaintenanceState, MaintenanceAction>[]

export interface Transition<State extends string, Action extends string> {
  from: State
  action: Action
  to: State
}

/** The state after the action, or undefined when it is not allowed in this state. */
export function nextState<State extends string, Action extends string>(
  table: readonly Transition<State, Action>[],
  from: State,
  action: Action,
): State | undefined {
  return table.find((row) => row.from === from && row.action === action)?.to
}

/** Which actions are legal in this state. */
export function actionsIn<State extends string, Action extends string>(
  table: readonly Transition<State, Action>[],
  from: State,
): Action[] {
  return table.filter((row) => row.from === from).map((row) => row.action)
}
