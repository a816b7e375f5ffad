/** One logged-in person over HTTP: the cookie, the origin, and problems as errors. */
import type { Problem } from '../../protocol/api.ts'
import type { DemoLogin } from '../screen.ts'

export interface Api {
  get<T>(path: string): Promise<T>
  post<T>(path: string, body: object): Promise<T>
  logOut(): Promise<void>
}

/** Rejects with the server's words when it says no. */
export async function openApi(url: string, { login, password }: DemoLogin): Promise<Api> {
  let cookie = ''
  async function call(path: string, init: RequestInit): Promise<Response> {
    const headers = { cookie, origin: url, 'content-type': 'application/json' }
    const response = await fetch(new URL(path, url), { ...init, headers })
    if (response.ok) return response
    const { title, detail } = (await response.json()) as Problem
    throw new Error(`${init.method} ${path}: ${response.status} ${detail ?? title}`)
  }
  const send = (path: string, body: object): Promise<Response> =>
    call(path, { method: 'POST', body: JSON.stringify(body) })
  const entered = await send('/api/login', { login, password })
  cookie = entered.headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ')
  return {
    get: async <T>(path: string) => (await (await call(path, { method: 'GET' })).json()) as T,
    post: async <T>(path: string, body: object) => (await (await send(path, body)).json()) as T,
    async logOut() {
      await send('/api/logout', {})
    },
  }
}
