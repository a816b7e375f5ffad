/** What a gateway tells the cloud unasked, over the tunnel it dialled: lines of JSON on a stream that the cloud keeps open; and the answer to a wish for a certificate. */
import { type Static, Type } from 'typebox'

/** `GET /news`: answered 200, then one JSON object a line for as long as the connection lives. */
export const NEWS_PATH = '/news'
/** `POST /renewal`: the cloud's answer to the wish for a certificate. */
export const RENEWAL_PATH = '/renewal'
/** One line: a certificate request is below 1 KB. A longer one ends the stream. */
export const MAX_NEWS_LINE = 8 * 1024
/** The cloud's answer, and the gateway's to that. */
export const MAX_RENEWAL_BYTES = 16 * 1024
/** The gateway has the new certificate on its disk by then. */
export const RENEWAL_TIMEOUT_MS = 30_000
/** A connection with a certificate that has ended lives no longer: time for one renewal. */
export const RENEWAL_LINE_MS = 60_000

const closed = { additionalProperties: false } as const
const words = Type.String({ maxLength: 200 })

/** A session is over by the will of the site: people there, their switch, their key, their hours. */
export const SessionEndedNews = Type.Object(
  {
    kind: Type.Literal('session-ended'),
    session: Type.String({ pattern: '^ses_[0-9A-Za-z_]{1,60}$' }),
    /** A code of refusal.ts. */
    why: Type.String({ maxLength: 40 }),
    /** The name that person gave; none: nobody did it by hand. */
    by: Type.Optional(words),
    /** In that person's words. */
    say: Type.Optional(words),
  },
  closed,
)
export type SessionEndedNews = Static<typeof SessionEndedNews>

/** The gateway wishes for a new certificate. */
export const RenewalNews = Type.Object(
  {
    kind: Type.Literal('renewal'),
    request: Type.String({ maxLength: 4096, description: 'PKCS #10, PEM' }),
  },
  closed,
)
export type RenewalNews = Static<typeof RenewalNews>

/** What is no member of this is of a newer gateway, or garbage: passed over. */
export const GatewayNews = Type.Union([SessionEndedNews, RenewalNews])
export type GatewayNews = Static<typeof GatewayNews>

/** Body of POST /renewal. */
export const RenewalOffer = Type.Union([
  Type.Object(
    { certificate: Type.String({ maxLength: MAX_RENEWAL_BYTES, description: 'PEM' }) },
    closed,
  ),
  Type.Object({ refused: Type.String({ maxLength: 500, description: 'why, in words' }) }, closed),
])
export type RenewalOffer = Static<typeof RenewalOffer>

/** `taken`: it is on the gateway's disk; else why not. */
export const RenewalAnswer = Type.Object({ taken: Type.Boolean(), say: Type.String() })
export type RenewalAnswer = Static<typeof RenewalAnswer>
