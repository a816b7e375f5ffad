/** The part of the HTTP API about configurations sent to gateways: drafts, checks, versions, their way to the gateway. */
import { type Static, Type } from 'typebox'
import { at, nullable, oneOf, text } from './api-schema.ts'
import { configStates } from './states.ts'

/** The devices of a gateway as YAML: some ten thousand tags; a larger one is two gateways. */
export const MAX_CONFIG_CHARS = 1_000_000
/** How long a gateway waits for the confirmation before it takes the former configuration back. */
export const CONFIRM_WITHIN_S = { least: 2, usual: 120, most: 3600 } as const

/** One thing wrong with a configuration, beside its line. */
export const ConfigProblemView = Type.Object({
  line: Type.Integer({ minimum: 1 }),
  /** `devices[0].groups[1].tags[3].unit`; empty: the whole. */
  path: Type.String(),
  say: Type.String(),
})
export type ConfigProblemView = Static<typeof ConfigProblemView>

const Counted = Type.Object({ device: Type.String(), tags: Type.Integer() })

/** What a configuration changes against another one. */
export const ConfigDiff = Type.Object({
  added: Type.Array(Counted),
  removed: Type.Array(Counted),
  changed: Type.Array(
    Type.Object({
      device: Type.String(),
      /** Options of the device and of its groups, with their values as text; empty: not there. */
      settings: Type.Array(
        Type.Object({ name: Type.String(), from: Type.String(), to: Type.String() }),
      ),
      tagsAdded: Type.Array(Type.String()),
      tagsRemoved: Type.Array(Type.String()),
      /** With the names of what is different. */
      tagsChanged: Type.Array(Type.Object({ tag: Type.String(), what: Type.Array(Type.String()) })),
    }),
  ),
  /** Devices that keep their connections. */
  untouched: Type.Array(Type.String()),
})
export type ConfigDiff = Static<typeof ConfigDiff>

/** Why a configuration is not, or no longer, in force. */
export const configReasons = [
  'not-allowed',
  'invalid',
  'base-differs',
  'busy',
  'damaged',
  'not-confirmed',
  'restarted',
  'cancelled',
  'site-changed',
  'failed',
  'lost',
] as const
export type ConfigReason = (typeof configReasons)[number]

/** What a gateway runs with now, as it told us itself. */
export const PresentConfigView = Type.Object({
  /** SHA-256 of its devices, hex: equal for equal content, whatever the layout. */
  hash: Type.String(),
  from: oneOf(['site', 'cloud'] as const),
  /** The version it has from the cloud; null: the site's own file. */
  version: nullable(Type.Integer()),
  yaml: Type.String({ description: 'passwords are left out' }),
  /** The site's file lets the cloud change the devices. */
  allowed: Type.Boolean(),
  readAt: at,
})
export type PresentConfigView = Static<typeof PresentConfigView>

export const ConfigVersionSummary = Type.Object({
  version: Type.Integer({ minimum: 1 }),
  state: oneOf(configStates),
  /** Why it was sent, in the words of the person. */
  reason: Type.String(),
  /** A login, or `site`: what was found there before the first change. */
  createdBy: Type.String(),
  createdAt: at,
  /** Of its last change of state. */
  at,
  sentBy: nullable(Type.String()),
  sentAt: nullable(at),
  /** While it waits for the confirmation: when it goes back by itself. */
  confirmBefore: nullable(at),
  why: nullable(oneOf(configReasons)),
  /** The gateway's own words, if there are any. */
  say: nullable(Type.String()),
  problems: Type.Array(ConfigProblemView),
  diff: nullable(ConfigDiff),
})
export type ConfigVersionSummary = Static<typeof ConfigVersionSummary>

/** GET /api/gateways/:site/:gateway/configuration */
export const GatewayConfigView = Type.Object({
  site: Type.String(),
  gateway: Type.String(),
  /** Its tunnel is up: it can be asked and sent to. */
  reachable: Type.Boolean(),
  present: nullable(PresentConfigView),
  draft: nullable(
    Type.Intersect([
      Type.Object({ yaml: Type.String(), base: Type.String() }),
      ConfigVersionSummary,
    ]),
  ),
  /** Newest first, without the draft; at most 100. */
  versions: Type.Array(ConfigVersionSummary),
})
export type GatewayConfigView = Static<typeof GatewayConfigView>

/** GET /api/gateways/:site/:gateway/configuration/versions/:version */
export const ConfigVersionView = Type.Intersect([
  Type.Object({ yaml: Type.String() }),
  ConfigVersionSummary,
])
export type ConfigVersionView = Static<typeof ConfigVersionView>

/** POST …/draft and POST …/check */
export const ConfigText = Type.Object({ yaml: text(MAX_CONFIG_CHARS, 1) })
export type ConfigText = Static<typeof ConfigText>

/** The answer of POST …/check */
export const ConfigCheckView = Type.Object({
  problems: Type.Array(ConfigProblemView),
  /** Null while there are problems. */
  diff: nullable(ConfigDiff),
})
export type ConfigCheckView = Static<typeof ConfigCheckView>

/** POST …/send: the draft goes to the gateway. */
export const SendConfigRequest = Type.Object({
  reason: text(500, 1),
  confirmWithinS: Type.Optional(
    Type.Integer({ minimum: CONFIRM_WITHIN_S.least, maximum: CONFIRM_WITHIN_S.most }),
  ),
})
export type SendConfigRequest = Static<typeof SendConfigRequest>

/** POST …/cancel: what is under way goes back; a draft is thrown away. */
export const CancelConfigRequest = Type.Object({ reason: text(500, 1) })
export type CancelConfigRequest = Static<typeof CancelConfigRequest>

/** POST /api/gateways/:site/:gateway/revoke: all its certificates up to now, whoever holds them; answered by `{}`. */
export const RevokeGatewayRequest = Type.Object({ reason: text(500, 1) })
export type RevokeGatewayRequest = Static<typeof RevokeGatewayRequest>

/** POST …/restore: the text of a former version becomes the draft. */
export const RestoreConfigRequest = Type.Object({ version: Type.Integer({ minimum: 1 }) })
export type RestoreConfigRequest = Static<typeof RestoreConfigRequest>
