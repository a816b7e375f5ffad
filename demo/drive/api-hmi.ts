/** The machine's web HMI through the session's own origin, without a browser: ticket, cookie, then its JSON. */
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { text } from 'node:stream/consumers'

/** What the simulated HMIs answer to GET state and to a command. */
export interface HmiState {
  title: string
  status: { level: string; text: string }
  tiles: { label: string; value: string }[]
  buttons: { action: string; label: string; isEnabled: boolean }[]
}

export interface HmiPage {
  state(): Promise<HmiState>
  command(action: string): Promise<HmiState>
}

/** Trades the ticket in the address for the cookie and loads the page. */
export async function openHmi(ticketUrl: string): Promise<HmiPage> {
  const entrance = new URL(ticketUrl)
  let cookie = ''
  async function call(method: 'GET' | 'POST', url: URL): Promise<IncomingMessage> {
    const { host, port, origin, pathname, search } = url
    // *.localhost is the loopback by definition, but few resolvers outside of browsers know it.
    const sent = request({
      host: '127.0.0.1',
      port,
      method,
      path: pathname + search,
      headers: { host, origin, cookie },
    })
    sent.end()
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    return response
  }
  async function read(method: 'GET' | 'POST', path: string): Promise<string> {
    const response = await call(method, new URL(path, entrance.origin))
    const body = await text(response)
    if (response.statusCode !== 200) throw new Error(`${method} ${path}: ${response.statusCode}`)
    return body
  }
  const entered = await call('GET', entrance)
  entered.resume()
  cookie = (entered.headers['set-cookie'] ?? []).map((line) => line.split(';')[0]).join('; ')
  if (cookie === '') throw new Error(`the ticket was not taken: ${entered.statusCode}`)
  await read('GET', '/')
  return {
    state: async () => JSON.parse(await read('GET', '/state')) as HmiState,
    command: async (action) => JSON.parse(await read('POST', `/command/${action}`)) as HmiState,
  }
}
