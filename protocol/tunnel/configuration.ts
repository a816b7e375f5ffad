/** Configuration over the tunnel: what the cloud may ask a gateway about its devices, and how the gateway answers. */
import { type Static, type TSchema, Type } from 'typebox'
import {
  CONFIRM_WITHIN_S,
  ConfigDiff,
  ConfigProblemView,
  configReasons,
  MAX_CONFIG_CHARS,
} from '../api-gateway-config.ts'

/** Path of the control requests: GET reads, the rest below it is POST. Bodies are JSON. */
export const CONFIGURATION_PATH = '/configuration'
/** A body of such a request: the text, as JSON may escape it. */
export const MAX_CONFIGURATION_BYTES = 4 * MAX_CONFIG_CHARS
/** The answer to one of them: a check of ten thousand tags on a small processor takes seconds. */
export const CONFIGURATION_TIMEOUT_MS = 60_000

const oneOf = <T extends string>(values: readonly T[]) => Type.Enum([...values])
const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()])
const hash = Type.String({ pattern: '^[0-9a-f]{64}$', description: 'SHA-256, hex' })
const version = Type.Integer({ minimum: 1 })
const text = Type.String({ minLength: 1, maxLength: MAX_CONFIG_CHARS })
const closed = { additionalProperties: false } as const

/** GET /configuration */
export const ConfigReport = Type.Object({
  allowed: Type.Boolean(),
  hash,
  from: oneOf(['site', 'cloud'] as const),
  version: nullable(version),
  yaml: Type.String(),
  devices: Type.Array(Type.String()),
  /** Received and not confirmed. */
  pending: nullable(
    Type.Object({
      version,
      phase: oneOf(['staged', 'applied'] as const),
      /** Until it goes back by itself, whatever anybody's clock says; null until it is applied. */
      leftMs: nullable(Type.Integer({ minimum: 0 })),
    }),
  ),
  /** How the last one ended. */
  last: nullable(
    Type.Object({
      version,
      outcome: oneOf(['confirmed', 'reverted'] as const),
      why: nullable(oneOf(configReasons)),
      say: Type.String(),
    }),
  ),
})
export type ConfigReport = Static<typeof ConfigReport>

/** POST /configuration/check */
export const ConfigCheckOrder = Type.Object({ yaml: text }, closed)
export type ConfigCheckOrder = Static<typeof ConfigCheckOrder>
export const ConfigCheckAnswer = Type.Object({
  problems: Type.Array(ConfigProblemView),
  diff: nullable(ConfigDiff),
})
export type ConfigCheckAnswer = Static<typeof ConfigCheckAnswer>

/** POST /configuration/offer */
export const ConfigOffer = Type.Object(
  {
    version,
    yaml: text,
    /** Of the bytes of `yaml`. */
    sha256: hash,
    /** The hash of the configuration it was made against; another one there: refused. */
    base: hash,
    confirmWithinS: Type.Integer({
      minimum: CONFIRM_WITHIN_S.least,
      maximum: CONFIRM_WITHIN_S.most,
    }),
  },
  closed,
)
export type ConfigOffer = Static<typeof ConfigOffer>
export const ConfigOfferAnswer = Type.Object({
  outcome: oneOf(['staged', 'unchanged', 'refused'] as const),
  why: nullable(oneOf(configReasons)),
  say: Type.String(),
  problems: Type.Array(ConfigProblemView),
  diff: nullable(ConfigDiff),
})
export type ConfigOfferAnswer = Static<typeof ConfigOfferAnswer>

/** POST /configuration/confirm and /configuration/cancel */
export const ConfigWord = Type.Object({ version }, closed)
export type ConfigWord = Static<typeof ConfigWord>
/** `done: false`: not now, and why; the cloud asks again until the time is over. */
export const ConfigWordAnswer = Type.Object({ done: Type.Boolean(), say: Type.String() })
export type ConfigWordAnswer = Static<typeof ConfigWordAnswer>
