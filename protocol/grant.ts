/** The grant: who may open one stream to which target until when, approved by whom; signed by the cloud, decided by the gateway. */
import { type Static, Type } from 'typebox'

/** What a session may do at its target. */
export const sessionRights = ['view', 'control', 'files'] as const
export type SessionRight = (typeof sessionRights)[number]

/** JWS `typ`, so that no other token of ours can be taken for a grant. */
export const GRANT_TYPE = 'mimamori-grant+jwt'
/** How long after signing a stream may still be opened with it: a stolen grant is soon worthless. */
export const GRANT_OPEN_WINDOW_MS = 30_000
/** Clock difference between cloud and gateway that is forgiven. */
export const GRANT_SKEW_MS = 60_000

/** Claims of a grant; times are Unix milliseconds except JWT's own `iat`/`exp` (seconds). */
export const GrantClaims = Type.Object(
  {
    jti: Type.String({ pattern: '^gnt_', description: 'Single use: the gateway burns it.' }),
    iat: Type.Integer({ description: 'Signed at, Unix seconds.' }),
    exp: Type.Integer({ description: 'The stream must be opened before, Unix seconds.' }),
    session: Type.String({ pattern: '^ses_' }),
    person: Type.Object(
      { id: Type.String(), name: Type.String() },
      { additionalProperties: false },
    ),
    site: Type.String(),
    gateway: Type.String(),
    target: Type.String(),
    rights: Type.Array(Type.Enum([...sessionRights])),
    from: Type.Integer({ description: 'Session window opens, Unix ms.' }),
    until: Type.Integer({
      description: 'Session window closes: the gateway cuts the stream, Unix ms.',
    }),
    approver: Type.Optional(
      Type.Object({ id: Type.String(), name: Type.String() }, { additionalProperties: false }),
    ),
    reason: Type.String({ description: 'What the technician wrote in the request.' }),
  },
  { additionalProperties: false },
)
export type GrantClaims = Static<typeof GrantClaims>
