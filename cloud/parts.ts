/** What the cloud consists of while it runs; `main.ts` fills it in order. */
import type { Log } from '../protocol/kit/log.ts'
import type { Alarms } from './alarms/alarms.ts'
import type { Audit } from './audit/audit.ts'
import type { Cases } from './cases/cases.ts'
import type { CloudConfig } from './config.ts'
import type { Fleet } from './fleet/fleet.ts'
import type { Flow } from './flow.ts'
import type { GatewayConfigs } from './gateway-config/gateway-config.ts'
import type { Historian } from './historian/historian.ts'
import type { Http } from './http/http.ts'
import type { Identity } from './identity/logins.ts'
import type { Pki } from './identity/pki.ts'
import type { Renewals } from './identity/renewals.ts'
import type { Revocations } from './identity/revocations.ts'
import type { Ingest } from './ingest/ingest.ts'
import type { Maintenance } from './maintenance/maintenance.ts'
import type { BrokerLink } from './open-broker.ts'
import type { Models } from './open-models.ts'
import type { Scoring } from './scoring/scoring.ts'
import type { WatchedModel } from './scoring/watched.ts'
import type { TunnelHub } from './sessions/hub.ts'
import type { Sessions } from './sessions/sessions.ts'
import type { HmiProxy } from './sessions/web/hmi-proxy.ts'
import type { Store } from './store/store.ts'
import type { Wear } from './wear/wear.ts'

/** Everything that is open, filled in order; callbacks reach later parts through it. */
export interface Parts {
  config: CloudConfig
  dataDir: string
  log: Log
  store: Store
  audit: Audit
  pki: Pki
  historian: Historian
  identity: Identity
  revocations: Revocations
  maintenance: Maintenance
  models: Models
  /** The versions that watch live data just now. */
  scored: readonly WatchedModel[]
  scoring: Scoring
  fleet: Fleet
  alarms: Alarms
  cases: Cases
  hub: TunnelHub & { renewals: Renewals }
  gatewayConfigs: GatewayConfigs
  sessions: Sessions
  hmi: HmiProxy
  flow: Flow
  wear: Wear
  broker: BrokerLink
  ingest: Ingest
  http: Http
}
