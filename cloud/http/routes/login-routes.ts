/** Logging in and out, and who I am. */
import { LoginRequest, type Me } from '../../../protocol/api.ts'
import { LOGIN_LIFE_MS } from '../../identity/logins.ts'
import { type Actor, allowedActions } from '../../identity/policy.ts'
import type { Cookie } from '../cookie.ts'
import type { Route } from '../route.ts'

/** A person types slower; a machine that guesses is slowed here and by the throttle behind it. */
const LOGINS_PER_MINUTE = 30

export function loginRoutes(cookie: Cookie): Route[] {
  return [
    {
      method: 'POST',
      url: '/api/login',
      access: 'public',
      body: LoginRequest,
      perMinute: LOGINS_PER_MINUTE,
      async handle({ services, request, reply, body }) {
        const { login, password } = body as LoginRequest
        const { token, actor } = await services.identity.login(login, password, request.ip)
        cookie.set(reply, token, LOGIN_LIFE_MS)
        return toMe(actor)
      },
    },
    {
      method: 'POST',
      url: '/api/logout',
      access: 'login',
      async handle({ services, request, reply }) {
        const token = cookie.read(request)
        if (token) await services.identity.logout(token)
        cookie.clear(reply)
        return {}
      },
    },
    {
      method: 'GET',
      url: '/api/me',
      access: 'login',
      handle: async ({ actor }) => toMe(actor),
    },
  ]
}

function toMe({ id, login, name, role, sites }: Actor): Me {
  return { id, login, name, role, sites: [...sites], allowed: [...allowedActions(role)] }
}
