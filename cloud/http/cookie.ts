/** The cookie that carries a login: unreadable for scripts, never sent from other sites, bound to this very host. */
import type { FastifyReply, FastifyRequest } from 'fastify'

export interface Cookie {
  read(request: FastifyRequest): string | undefined
  set(reply: FastifyReply, token: string, lifeMs: number): void
  clear(reply: FastifyReply): void
}

/** `secure: false` is for plain HTTP beyond localhost only: browsers refuse `__Host-` and `Secure` there. */
export function createCookie(secure: boolean): Cookie {
  const name = secure ? '__Host-mimamori' : 'mimamori'
  const options = { httpOnly: true, secure, sameSite: 'strict', path: '/' } as const
  return {
    read: (request) => request.cookies[name],
    set: (reply, token, lifeMs) =>
      void reply.setCookie(name, token, { ...options, maxAge: Math.floor(lifeMs / 1_000) }),
    clear: (reply) => void reply.clearCookie(name, options),
  }
}
