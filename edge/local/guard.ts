/** What every request of the local page must pass: the right Host, the right origin; and the headers every answer carries. */
import { isIP } from 'node:net'

export interface RequestHead {
  method: string
  headers: Readonly<Record<string, string | string[] | undefined>>
}

/** No inline script or style, nobody's but ours, in nobody's frame. */
export const securityHeaders = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  // Not no-referrer: with it a browser says `Origin: null` of our own forms.
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
} as const

/**
 * DNS rebinding: a name of an attacker may come to mean this machine, and his page would then be of our origin.
 * An address cannot be rebound, so addresses pass; names only when they are ours.
 */
export function isOurHost(host: string | undefined, names: readonly string[]): boolean {
  if (host === undefined || !URL.canParse(`http://${host}`)) return false
  const { hostname } = new URL(`http://${host}`)
  const bare = hostname.replace(/^\[|\]$/g, '')
  return isIP(bare) !== 0 || bare === 'localhost' || names.some((it) => it.toLowerCase() === bare)
}

/** True for what a browser sends; a program that sends no such headers cannot be made to by a foreign page. */
export function isBrowser({ headers }: RequestHead): boolean {
  return ['origin', 'sec-fetch-site', 'cookie'].some((name) => headers[name] !== undefined)
}

/** A form of another page must not reach ours: browsers say where a POST comes from. */
export function isOwnOrigin({ headers }: RequestHead): boolean {
  const { origin, host } = headers
  const site = headers['sec-fetch-site']
  if (site !== undefined && site !== 'same-origin') return false
  if (origin === undefined) return true
  return URL.canParse(String(origin)) && new URL(String(origin)).host === host
}

/** The value of one cookie. */
export function readCookie(header: unknown, name: string): string | undefined {
  if (typeof header !== 'string') return undefined
  const pairs = header.split(';').map((pair) => pair.trim().split('='))
  return pairs.find(([key]) => key === name)?.[1]
}

/** True when only this machine can connect. */
export function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host)
}
