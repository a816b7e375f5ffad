/** Serves the built console: its files as they are, its one page for every address that is no file and no API. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import { Fault } from '../../protocol/kit/fault.ts'
import { formatProblem, PROBLEM_TYPE } from './problem.ts'

export async function serveConsole(app: FastifyInstance, dir: string | undefined): Promise<void> {
  const hasConsole = dir !== undefined && existsSync(join(dir, 'index.html'))
  if (hasConsole) {
    await app.register(fastifyStatic, {
      root: dir,
      wildcard: false,
      index: ['index.html'],
      setHeaders(reply, path) {
        // Vite puts a hash into the name of every asset; the page itself must be asked for each time.
        const isHashed = path.includes('/static/')
        const forever = 'public, max-age=31536000, immutable'
        reply.header('cache-control', isHashed ? forever : 'no-cache')
      },
    })
  }
  app.setNotFoundHandler((request, reply) => {
    const isPage = request.method === 'GET' && !/^\/(?:api|static)\//.test(request.url)
    if (hasConsole && isPage) return reply.sendFile('index.html')
    const problem = formatProblem(new Fault('object.missing'))
    return reply.code(problem.status).type(PROBLEM_TYPE).send(problem)
  })
}
