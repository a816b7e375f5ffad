/** What the proxy changes in headers, both ways: pure, so that it can be read and tested at a glance. */
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http'

/** `__Host-`: only over a secure context, for exactly this host, for all of it (RFC 6265bis 4.1.3.2). */
export const COOKIE_NAME = '__Host-hmi'

/** RFC 9110 7.6.1, and what older peers send. */
const hopByHop = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]
/** Beside those, towards the machine: what names the viewer, and what would make the recording unreadable. */
const notToMachine = [
  'accept-encoding',
  'expect',
  'forwarded',
  'sec-websocket-extensions',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
]
/** Beside those, towards the browser: what reaches beyond this frame or this session. */
const notToBrowser = [
  'alt-svc',
  'clear-site-data',
  'nel',
  'public-key-pins',
  'report-to',
  'reporting-endpoints',
  'service-worker-allowed',
  'strict-transport-security',
  'x-frame-options',
]

export interface ProxyPlace {
  /** The target's id: the cloud never learns the address, so this is the Host. */
  target: string
  /** The origin of the frame, e.g. `http://<label>.hmi.localhost:8081`. */
  origin: string
  /** CSP directive with the console's origins. */
  frameAncestors: string
}

/** The browser's request headers as the machine gets them. */
export function requestHeaders(
  headers: IncomingHttpHeaders,
  place: ProxyPlace,
): OutgoingHttpHeaders {
  const kept: OutgoingHttpHeaders = without(headers, notToMachine)
  const cookies = otherCookies(headers.cookie)
  kept.cookie = cookies || undefined
  kept.host = place.target
  kept['accept-encoding'] = 'identity'
  if (headers.origin !== undefined) kept.origin = `http://${place.target}`
  if (headers.referer !== undefined) {
    kept.referer = headers.referer.startsWith(`${place.origin}/`)
      ? `http://${place.target}${headers.referer.slice(place.origin.length)}`
      : undefined
  }
  // A chunked body stays chunked, whatever the method: without a length it would be read as the next request.
  if (headers['transfer-encoding'] !== undefined) kept['transfer-encoding'] = 'chunked'
  return defined(kept)
}

/** The machine's response headers as the browser gets them. */
export function responseHeaders(
  headers: IncomingHttpHeaders,
  place: ProxyPlace,
): OutgoingHttpHeaders {
  const kept: Record<string, OutgoingHttpHeaders[string]> = without(headers, notToBrowser)
  kept['content-security-policy'] = [...ownPolicies(headers), place.frameAncestors]
  if (headers.location !== undefined) kept.location = rewriteLocation(headers.location)
  if (headers['set-cookie']) kept['set-cookie'] = headers['set-cookie'].flatMap(rewriteCookie)
  kept['referrer-policy'] = 'same-origin'
  return defined(kept)
}

/** The value of our cookie. */
export function ownCookie(header: string | undefined): string | undefined {
  const prefix = `${COOKIE_NAME}=`
  const found = cookiesOf(header).find((cookie) => cookie.startsWith(prefix))
  return found?.slice(prefix.length)
}

/** Redirects stay inside the tunnel: whatever host the machine believes to have, its path is kept, ours is the origin. */
export function rewriteLocation(location: string): string {
  // Browsers take a backslash for a slash: `/\\elsewhere` would leave.
  const plain = location.trim().replaceAll('\\', '/')
  const absolute = /^(?:https?:)?\/\/[^/?#]*(.*)$/i.exec(plain)
  if (absolute) return `/${(absolute[1] ?? '').replace(/^\/+/, '')}`
  // `javascript:` and others lead nowhere we could follow.
  return /^[a-z][a-z0-9+.-]*:/i.test(plain) ? '/' : plain
}

/** Cookies of the machine live in a frame of another site: without these attributes the browser would drop them. */
function rewriteCookie(cookie: string): string[] {
  const [pair = '', ...attributes] = cookie.split(';').map((part) => part.trim())
  if (pair.split('=', 1)[0]?.trim() === COOKIE_NAME) return []
  const kept = attributes.filter((part) => !/^(domain|samesite|secure|partitioned)\b/i.test(part))
  return [[pair, ...kept, 'Secure', 'SameSite=None', 'Partitioned'].join('; ')]
}

/** The machine's own policies stay, but for who may frame it. */
function ownPolicies(headers: IncomingHttpHeaders): string[] {
  const header = headers['content-security-policy']
  if (header === undefined) return []
  return [header].flat().flatMap((policies) =>
    policies
      .split(',')
      .map((policy) =>
        policy
          .split(';')
          .filter(
            (directive) => !/^\s*(frame-ancestors|report-uri|report-to|sandbox)\b/i.test(directive),
          )
          .join(';')
          .trim(),
      )
      .filter((policy) => policy !== ''),
  )
}

function without(headers: IncomingHttpHeaders, more: readonly string[]): OutgoingHttpHeaders {
  const named = (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase())
  const dropped = new Set([...hopByHop, ...more, ...named])
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !dropped.has(name)))
}

function otherCookies(header: string | undefined): string {
  return cookiesOf(header)
    .filter((cookie) => cookie.split('=', 1)[0] !== COOKIE_NAME)
    .join('; ')
}

function cookiesOf(header: string | undefined): string[] {
  return (header ?? '')
    .split(';')
    .map((cookie) => cookie.trim())
    .filter(Boolean)
}

function defined(headers: OutgoingHttpHeaders): OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined))
}
