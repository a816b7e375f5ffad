/** Orders about the configuration as they come over the tunnel: checked by their schemas, answered as JSON. */
import type { Static, TSchema } from 'typebox'
import { Check } from 'typebox/value'
import {
  CONFIGURATION_PATH,
  ConfigCheckOrder,
  ConfigOffer,
  ConfigWord,
} from '../../protocol/tunnel/configuration.ts'
import type { RemoteConfig } from './remote-config.ts'

export interface ControlRequest {
  method: string
  path: string
  /** JSON text; empty with GET. */
  body: string
}

/** `status` as in HTTP; without a body there is nothing to say. */
export interface ControlAnswer {
  status: number
  body?: unknown
}

type Handle = (remote: RemoteConfig, body: unknown) => Promise<ControlAnswer>

const orders: Readonly<Record<string, Handle>> = {
  check: order(ConfigCheckOrder, (remote, body) => remote.check(body)),
  offer: order(ConfigOffer, (remote, body) => remote.offer(body)),
  confirm: order(ConfigWord, (remote, body) => remote.confirm(body)),
  cancel: order(ConfigWord, (remote, body) => remote.cancel(body)),
}

/** Undefined: the path is nobody's business here. */
export function answerOrder(
  remote: RemoteConfig,
  { method, path, body }: ControlRequest,
): Promise<ControlAnswer> | undefined {
  if (path === CONFIGURATION_PATH) {
    return Promise.resolve(
      method === 'GET' ? { status: 200, body: remote.report() } : { status: 405 },
    )
  }
  const name = path.startsWith(`${CONFIGURATION_PATH}/`)
    ? path.slice(CONFIGURATION_PATH.length + 1)
    : ''
  const handle = Object.hasOwn(orders, name) ? orders[name] : undefined
  if (!handle) return undefined
  return method === 'POST' ? handle(remote, parseJson(body)) : Promise.resolve({ status: 405 })
}

function order<S extends TSchema>(
  schema: S,
  work: (remote: RemoteConfig, body: Static<S>) => Promise<unknown>,
): Handle {
  return async (remote, body) =>
    Check(schema, body) ? { status: 200, body: await work(remote, body) } : { status: 400 }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
