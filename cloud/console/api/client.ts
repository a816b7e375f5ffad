/** The typed questions and commands of the cloud's API, without those about models. */
import type {
  AcknowledgeRequest,
  AlarmList,
  AssetDetail,
  AuditList,
  CaseDetail,
  CaseList,
  CaseTransitionRequest,
  CloseRequest,
  DecisionRequest,
  DismissRequest,
  EndRequest,
  Fleet,
  LoginRequest,
  Me,
  OpenCaseRequest,
  OpenedSession,
  RangeResponse,
  RecordingView,
  SessionList,
  SessionRequest,
  SessionView,
  ShelveRequest,
} from '../../../protocol/api.ts'
import { get, part, post } from './http.ts'

export interface RangeQuestion {
  tags: readonly string[]
  from: number
  to: number
  points: number
}

/** GET /api/range; times are Unix milliseconds. */
export function getRange({ tags, from, to, points }: RangeQuestion): Promise<RangeResponse> {
  const query = new URLSearchParams(tags.map((tag) => ['tag', tag]))
  query.set('from', String(Math.round(from)))
  query.set('to', String(Math.round(to)))
  query.set('points', String(points))
  return get(`/api/range?${query}`)
}

export type Scope = 'open' | 'all'

export const getMe = () => get<Me>('/api/me')
export const getFleet = () => get<Fleet>('/api/fleet')
export const getAsset = (id: string) => get<AssetDetail>(`/api/assets/${part(id)}`)
export const getAlarms = (state: Scope) => get<AlarmList>(`/api/alarms?state=${state}`)
export const getCases = (state: Scope) => get<CaseList>(`/api/cases?state=${state}`)
export const getCase = (id: string) => get<CaseDetail>(`/api/cases/${part(id)}`)
export const getSessions = (state: Scope) => get<SessionList>(`/api/sessions?state=${state}`)
export const getRecording = (id: string) =>
  get<RecordingView>(`/api/sessions/${part(id)}/recording`)
export const getAudit = (limit: number) => get<AuditList>(`/api/audit?limit=${limit}`)

export const login = (body: LoginRequest) => post<Me>('/api/login', body)
export const logout = () => post<unknown>('/api/logout')

export const acknowledgeAlarm = (id: string, body: AcknowledgeRequest) =>
  post<unknown>(`/api/alarms/${part(id)}/acknowledge`, body)
export const shelveAlarm = (id: string, body: ShelveRequest) =>
  post<unknown>(`/api/alarms/${part(id)}/shelve`, body)
export const unshelveAlarm = (id: string) => post<unknown>(`/api/alarms/${part(id)}/unshelve`)

export const openCase = (body: OpenCaseRequest) => post<{ id: string }>('/api/cases', body)
export const transitionCase = (id: string, body: CaseTransitionRequest) =>
  post<unknown>(`/api/cases/${part(id)}/transition`, body)
export const closeCase = (id: string, body: CloseRequest) =>
  post<unknown>(`/api/cases/${part(id)}/close`, body)
export const dismissCase = (id: string, body: DismissRequest) =>
  post<unknown>(`/api/cases/${part(id)}/dismiss`, body)

export const requestSession = (body: SessionRequest) => post<SessionView>('/api/sessions', body)
export const decideSession = (id: string, decision: 'approve' | 'refuse', body: DecisionRequest) =>
  post<unknown>(`/api/sessions/${part(id)}/${decision}`, body)
export const openSession = (id: string) => post<OpenedSession>(`/api/sessions/${part(id)}/open`)
export const holdSession = (id: string, action: 'pause' | 'resume') =>
  post<unknown>(`/api/sessions/${part(id)}/${action}`)
export const endSession = (id: string, body: EndRequest) =>
  post<unknown>(`/api/sessions/${part(id)}/end`, body)
