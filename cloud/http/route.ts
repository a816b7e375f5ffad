/** A route as a row: its address, who may call it, whose object it touches, what it answers. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { TSchema } from 'typebox'
import type { Action } from '../../protocol/api.ts'
import { Fault } from '../../protocol/kit/fault.ts'
import type { TagId } from '../../protocol/model.ts'
import { type Actor, EVERY_SITE } from '../identity/policy.ts'
import type { Services } from './services.ts'

/**
 * `public`: anybody; `login`: anybody logged in; `bearer`: the handler checks a token of its own;
 * else the action that the policy is asked for.
 */
export type Access = 'public' | 'login' | 'bearer' | Action

export interface Call {
  services: Services
  /** Of a route that needs a login there always is one; elsewhere nobody. */
  actor: Actor
  request: FastifyRequest
  reply: FastifyReply
  params: Readonly<Record<string, string>>
  /** The first value of each query key. */
  query: Readonly<Record<string, string>>
  /** Already checked against the route's schema. */
  body: unknown
}

export interface Route {
  method: 'GET' | 'POST'
  url: string
  access: Access
  /** The sites of the objects touched; undefined: there is no such object. Left out: the call is about no one site. */
  sitesOf?(call: Call): Promise<readonly string[] | undefined>
  body?: TSchema
  /** Largest body, where it differs from the rest. */
  bodyLimit?: number
  /** Calls per minute and address, where it differs from the rest. */
  perMinute?: number
  handle(call: Call): Promise<unknown>
}

/** The sites to filter a list by; undefined: all. */
export function sitesOf(actor: Actor): readonly string[] | undefined {
  return actor.sites.includes(EVERY_SITE) ? undefined : actor.sites
}

/** `?state=open` is the default of every list. */
export function stateOf({ query }: Call): 'open' | 'all' {
  return query.state === 'all' ? 'all' : 'open'
}

/** The path parameter `:id`. */
export function idOf({ params }: Call): string {
  return params.id ?? ''
}

/** The site of the asset in the address; undefined: there is no such asset. */
export async function siteOfAsset(call: Call): Promise<readonly string[] | undefined> {
  const site = await call.services.fleet.siteOf(idOf(call))
  return site === undefined ? undefined : [site]
}

/** One page shows no more; each is a query to the historian. */
const MAX_TAGS = 20

/** The query's `tag=…&tag=…`; throws Fault 'request.invalid'. */
export function tagsOf({ request }: Call): TagId[] {
  const { tag } = request.query as { tag?: string | string[] }
  const tags = tag === undefined ? [] : [tag].flat()
  if (tags.length === 0 || tags.length > MAX_TAGS) {
    throw new Fault('request.invalid', { problem: `1 to ${MAX_TAGS} tags are needed` })
  }
  return tags as TagId[]
}

/** An instant of the query; undefined where it is left out; throws Fault 'request.invalid'. */
export function instantOf({ query }: Call, key: string): number | undefined {
  const text = query[key]
  if (text === undefined) return undefined
  if (!/^\d{1,15}$/.test(text))
    throw new Fault('request.invalid', { problem: `${key} must be a whole number` })
  return Number(text)
}
