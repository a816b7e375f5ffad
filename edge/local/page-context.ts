/** What the routes of the local page share: its options, who may act, and what a request carries. */
import type { FastifyRequest } from 'fastify'
import type { Registry } from 'prom-client'
import type { Log } from '../../protocol/kit/log.ts'
import type { AuditFile } from './acts.ts'
import { COOKIE, type Doorman } from './doorman.ts'
import { readCookie } from './guard.ts'
import type { Plant } from './plant.ts'

export interface LocalPageOptions {
  host: string
  port: number
  /** Names the page may be called by, beside addresses and localhost. */
  names: readonly string[]
  /** PEM; undefined: plain HTTP. */
  tls?: { cert: string; key: string } | undefined
  /** IANA name, for what people read. */
  timeZone: string
  /** Where `mimamori edge password` writes. */
  passwordFile: string
  plant: Plant
  audit: AuditFile
  /** How long one request may take to come in; default: ten seconds. */
  requestMs?: number
  metrics: Registry
  log: Log
}

export interface PageContext extends LocalPageOptions {
  doorman: Doorman
}

/** The value of our cookie. */
export function cookieOf(request: FastifyRequest): string | undefined {
  return readCookie(request.headers.cookie, COOKIE)
}

/** The fields of a form; what is no text is left out. */
export function fieldsOf(request: FastifyRequest): Record<string, string> {
  const body = (request.body ?? {}) as Record<string, unknown>
  const texts = Object.entries(body).filter(([, value]) => typeof value === 'string')
  return Object.fromEntries(texts) as Record<string, string>
}
