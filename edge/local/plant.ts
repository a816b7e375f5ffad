/** What the local page asks of the gateway: what it shows, and what people at the machine may do. */

export interface GatewayStatus {
  site: string
  gateway: string
  at: number
  cloud: {
    connected: boolean
    since: number
    hostOnline: boolean
    /** The broker we are at, or try next. */
    server?: string
    /** Another gateway seems to use our identity: since when, and how often it put us out of late. */
    contest?: { since: number; takeovers: number } | undefined
  }
  tunnel: { connected: boolean; since: number }
  /** Ours, which the cloud knows us by: its end, and tries to renew it that came to nothing. */
  certificate?: { until: number; failures: number; problem: string | undefined } | undefined
  clock: ClockView
  /** Which devices it reads: by the file here, or as the cloud sent them. */
  configuration?: ConfigurationView
  outbox: OutboxView
  remoteAccess: {
    cut: boolean
    reason: string | undefined
    streams: number
    targets: string[]
  }
  devices: DeviceView[]
  /** The latest decisions about remote access, newest first. */
  decisions: { at: number; allowed: boolean; text: string }[]
}

export interface ConfigurationView {
  /** Sent by the cloud; undefined: the file at the site. */
  version?: number
  /** Goes back by itself at this time unless it is confirmed; Unix ms. */
  trial?: { version: number; until: number }
}

export interface OutboxView {
  batches: number
  samples: number
  bytes: number
  oldestAt: number | undefined
  /** Since the start, from disk and from memory. */
  dropped: number
  /** In memory, not on disk yet. */
  waiting: number
  /** Why the disk takes nothing; undefined: it does. */
  refusal?: string
  /** Since the start: sent at once, and later as history. */
  sentLive: number
  sentLate: number
  /** Gaps told since the start, newest first; `count` is of all of them. */
  gaps: { count: number; latest: GapView[] }
}

export interface ClockView {
  /** False: nobody knows the time yet, and good readings wait in memory. */
  isSet: boolean
  /** Cloud minus machine; undefined before the cloud's first word. */
  offsetMs: number | undefined
  /** The two are too far apart: readings carry the cloud's time. */
  isCorrected: boolean
}

export interface GapView {
  from: number
  to: number
  reason: 'gateway-down' | 'outbox-full' | 'disk-full' | 'corrupt'
  lost: number | undefined
}

export interface DeviceView {
  id: string
  driver: string
  online: boolean
  since: number
  sentence: string | undefined
  tags: TagView[]
}

export interface TagView {
  name: string
  value: string
  unit: string
  quality: number
  at: number | undefined
}

/** A session that waits for an answer. */
export interface QuestionView {
  session: string
  person: string
  title: string
  rights: readonly string[]
  reason: string
  minutes: number
  askedAt: number
  until: number
}

/** A session that is here now. */
export interface SessionView {
  session: string
  person: string
  title: string
  rights: readonly string[]
  reason: string
  since: number
  until: number
  streams: number
}

export interface CertificateView {
  device: string
  /** Lower-case hex. */
  sha256: string
  /** SHA-1, as OPC UA servers show it. */
  thumbprint: string
  subject: string
  issuer: string
  validFrom: number
  validTo: number
  /** First shown, or decided on. */
  since: number
  state: 'waiting' | 'accepted' | 'refused'
}

export interface EventView {
  at: number
  kind:
    | 'started'
    | 'device-online'
    | 'device-offline'
    | 'cloud-up'
    | 'cloud-down'
    | 'tunnel-up'
    | 'tunnel-down'
    | 'act'
  what: string
  why?: string
  who?: string
}

/** What a person did: the words of the audit file. */
export const actKinds = [
  'cut',
  'restore',
  'allow-session',
  'refuse-session',
  'end-session',
  'trust-certificate',
  'refuse-certificate',
] as const
export type ActKind = (typeof actKinds)[number]

/** Named by the object it is about: a session, `device/sha256`, or a reason. */
export interface Act {
  kind: ActKind
  object: string
  by: string
}

export interface Plant {
  readonly site: string
  readonly gateway: string
  status(): GatewayStatus
  targets(): { title: string; consent: string }[]
  questions(): QuestionView[]
  sessions(): SessionView[]
  certificates(): Promise<CertificateView[]>
  events(): EventView[]
  /** False: what it is about is not there (any more). */
  perform(act: Act): Promise<boolean>
}
