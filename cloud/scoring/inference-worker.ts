/** The thread that runs models: `session.run` blocks whoever calls it, so nobody else lives here. */
import { parentPort } from 'node:worker_threads'
import { type Batch, type ModelSession, openSession } from '../../models/session.ts'
import type { Answer, Request } from './inference.ts'

const sessions = new Map<string, ModelSession>()

async function answer(request: Request): Promise<Batch | undefined> {
  const { model } = request
  if (request.op === 'load') {
    if (!sessions.has(model)) sessions.set(model, await openSession(request.bytes, request.shape))
    return undefined
  }
  const session = sessions.get(model)
  if (!session) return undefined
  if (request.op === 'unload') {
    sessions.delete(model)
    await session[Symbol.asyncDispose]()
    return undefined
  }
  return await session.run(request.windows, request.batch)
}

parentPort?.on('message', (request: Request) => {
  const reply = (body: Answer) => parentPort?.postMessage(body)
  answer(request).then(
    (batch) => reply({ id: request.id, batch }),
    (error: unknown) => reply({ id: request.id, problem: String(error) }),
  )
})
