/** What the API needs from the rest of the cloud. */
import type { Registry } from 'prom-client'
import type {
  OpenedSession,
  RecordingView,
  SessionRequest,
  SessionView,
} from '../../protocol/api.ts'
import type { LifeView } from '../../protocol/api-models.ts'
import type { Alarms } from '../alarms/alarms.ts'
import type { Audit } from '../audit/audit.ts'
import type { Cases } from '../cases/cases.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { GatewayConfigs } from '../gateway-config/gateway-config.ts'
import type { Historian } from '../historian/historian.ts'
import type { Identity } from '../identity/logins.ts'
import type { Actor } from '../identity/policy.ts'
import type { Revocations } from '../identity/revocations.ts'
import type { Maintenance } from '../maintenance/maintenance.ts'
import type { Wear } from '../wear/wear.ts'
import type { ModelServices } from './model-services.ts'

/** The session broker, as the API uses it; each call throws its own Fault when the state does not allow it. */
export interface SessionService {
  request(actor: Actor, wanted: SessionRequest & { site: string }): Promise<SessionView>
  approve(actor: Actor, id: string, note?: string): Promise<SessionView>
  refuse(actor: Actor, id: string, note?: string): Promise<SessionView>
  /** `publicBase`: the console's own address as the browser sees it. */
  open(actor: Actor, id: string, where: { publicBase: string }): Promise<OpenedSession>
  pause(actor: Actor, id: string): Promise<SessionView>
  resume(actor: Actor, id: string): Promise<SessionView>
  end(
    actor: Actor,
    id: string,
    reason: 'closed-by-user' | 'revoked',
    note?: string,
  ): Promise<SessionView>
  get(id: string): Promise<SessionView | undefined>
  /** `*` among the sites stands for all of them. */
  list(query: { state: 'open' | 'all'; sites: readonly string[] }): Promise<SessionView[]>
  /** Throws Fault 'object.missing'. */
  recording(id: string): Promise<RecordingView>
  /** HAR 1.2. */
  har(id: string): Promise<object>
}

export interface HealthReport {
  /** By part: `ok`, or what is wrong in words. */
  parts: Readonly<Record<string, string>>
}

export interface Services {
  identity: Identity
  audit: Audit
  fleet: Fleet
  alarms: Alarms
  cases: Cases
  sessions: SessionService
  gatewayConfigs: GatewayConfigs
  revocations: Pick<Revocations, 'revoke'>
  maintenance: Maintenance
  models: ModelServices
  historian: Pick<Historian, 'range'>
  /** What is left of the asset and its parts. */
  lifeOf(asset: string): Promise<LifeView['items']>
  /** Throws Fault 'request.invalid' when no such part was taken out. */
  judgePart: Wear['judge']
  /** Asks store, historian and broker just now. */
  health(): Promise<HealthReport>
  metrics: Registry
}
