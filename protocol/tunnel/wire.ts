/** The tunnel's wire in constants: names, windows, limits and deadlines that both ends must share. */

/** TLS ALPN name; a next, incompatible version gets a new one, so that two versions never talk past each other. */
export const TUNNEL_ALPN = 'mimamori-tunnel/1'

/** Request header of CONNECT: the signed grant (protocol/grant.ts). */
export const GRANT_HEADER = 'mimamori-grant'
/** Response header of a refusal: see refusal.ts. */
export const REASON_HEADER = 'mimamori-reason'
/** Path prefix of the two control requests: `DELETE /sessions/<id>` ends a session for good. */
export const SESSIONS_PATH = '/sessions/'
/** Ending of the other one: `POST /sessions/<id>/consent` asks the people at the site; answered when they have. */
export const CONSENT_PATH = '/consent'
/** Response header of their yes: the name they gave, percent-encoded. */
export const CONSENT_BY_HEADER = 'mimamori-consent-by'
/** So long they have for the answer; then it is no. Long enough to walk to the machine and look. */
export const CONSENT_WAIT_MS = 10 * 60_000

/**
 * Bytes one stream may have on the way unread. The default (64 KiB) holds a 36 ms link at a fifth of its
 * rate; a bigger one only makes a keystroke wait longer behind a bulk transfer (window / link rate).
 */
export const STREAM_WINDOW_BYTES = 1024 * 1024
/** The same for all streams of a connection together: eight full streams; a stalled reader holds one of eight. */
export const SESSION_WINDOW_BYTES = 8 * 1024 * 1024
/** Memory one HTTP/2 session may hold (node's unit: megabytes): its window, and as much again on the way out. */
export const SESSION_MEMORY_MB = 32
/** Open streams of one session: a browser opens six per origin, a page some WebSockets beside them. */
export const STREAMS_PER_SESSION = 32
/** Open streams of one gateway: eight busy sessions; the gateway announces it as SETTINGS_MAX_CONCURRENT_STREAMS. */
export const STREAMS_PER_GATEWAY = 256
/** Bytes of all headers of one request (a grant is below 2 KiB); more is a broken or hostile peer. */
export const HEADER_LIST_BYTES = 16 * 1024

/** Both ends ping: a half-open TCP connection (a cable pulled) is otherwise noticed after hours only. */
export const PING_EVERY_MS = 15_000
/** No answer for so long: the connection is dead and is destroyed. */
export const PING_TIMEOUT_MS = 10_000
/** TLS and the exchange of SETTINGS must be done within. */
export const HANDSHAKE_TIMEOUT_MS = 15_000
/** The gateway must reach the target within: longer than two lost SYNs (1 s + 2 s), shorter than a person's patience. */
export const CONNECT_TIMEOUT_MS = 8_000
/** The cloud waits for the gateway's answer to CONNECT: the target's deadline and a slow link on top. */
export const OPEN_TIMEOUT_MS = 15_000
/** First and longest wait before dialling again; jittered by half, so that a site's return is no stampede. */
export const REDIAL = { minMs: 500, maxMs: 30_000 } as const

/** HTTP/2 SETTINGS of both ends; the connection's own window has no setting: call setLocalWindowSize too. */
export const TUNNEL_SETTINGS = {
  initialWindowSize: STREAM_WINDOW_BYTES,
  maxConcurrentStreams: STREAMS_PER_GATEWAY,
  maxHeaderListSize: HEADER_LIST_BYTES,
  enablePush: false,
} as const
