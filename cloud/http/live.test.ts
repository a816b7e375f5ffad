/** Limits of the live events: how many may listen, and that a login that ended ends them. */
import { get, type IncomingMessage } from 'node:http'
import fastify from 'fastify'
import { describe, expect, it } from 'vitest'
import { createLive } from './live.ts'
import { formatProblem, toFault } from './problem.ts'

const actor = { id: 'per_a', login: 'a', name: 'A', role: 'engineer', sites: ['plant'] } as const
const soon = { timeout: 20_000, interval: 20 }

async function open(
  options: { maxClients?: number; heartbeatMs?: number },
  loggedIn = { now: true },
) {
  const live = createLive(options)
  const app = fastify()
  app.setErrorHandler((error, _, reply) => {
    const problem = formatProblem(toFault(error, 0))
    return reply.code(problem.status).send(problem)
  })
  app.get('/', (_, reply) => {
    live.join({ actor, asset: undefined, reply, isStillLoggedIn: async () => loggedIn.now })
  })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as { port: number }
  const join = () =>
    new Promise<IncomingMessage>((resolve, reject) => {
      get({ host: '127.0.0.1', port }, resolve).on('error', reject)
    })
  return {
    live,
    join,
    async [Symbol.asyncDispose]() {
      live[Symbol.dispose]()
      app.server.closeAllConnections()
      await app.close()
    },
  }
}

describe('live events', () => {
  it('are refused to one page too many, and free again when one leaves', async () => {
    await using t = await open({ maxClients: 1 })
    const first = await t.join()
    expect(first.headers['content-type']).toContain('text/event-stream')
    const second = await t.join()
    expect(second.statusCode).toBe(503)
    second.resume()
    first.destroy()
    await expect.poll(() => t.live.clients(), soon).toBe(0)
    const third = await t.join()
    expect(third.statusCode).toBe(200)
    third.destroy()
  })

  it('end when the login has ended', async () => {
    const loggedIn = { now: true }
    await using t = await open({ heartbeatMs: 20 }, loggedIn)
    const page = await t.join()
    let text = ''
    let ended = false
    page.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    page.on('end', () => {
      ended = true
    })
    await expect.poll(() => text, soon).toContain(': still here')
    expect(ended).toBe(false)
    loggedIn.now = false
    await expect.poll(() => ended, soon).toBe(true)
    expect(t.live.clients()).toBe(0)
  })

  it('drop a page that does not read', async () => {
    await using t = await open({})
    const page = await t.join()
    page.on('error', () => undefined)
    page.pause()
    const event = { kind: 'changed', what: 'fleet', id: 'x'.repeat(100_000) } as const
    await expect
      .poll(() => {
        t.live.changed(event, 'plant')
        return t.live.clients()
      }, soon)
      .toBe(0)
  })
})
