/** One HTTP call to the cloud's API: errors are ApiFailure, and every outcome is told to the connection watch. */
import type { Problem } from '../../../protocol/api.ts'
import { reportAnswered, reportUnreachable } from './connection.ts'
import { ApiFailure, isUnreachable } from './failure.ts'

const isProblem = (body: unknown): body is Problem =>
  typeof body === 'object' && body !== null && 'title' in body && 'status' in body

async function call<Answer>(method: 'GET' | 'POST', path: string, body?: unknown): Promise<Answer> {
  const failure = (status: number, problem: Problem | null, cause?: unknown) => {
    const error = new ApiFailure(status, problem, { cause })
    if (isUnreachable(error)) reportUnreachable(Date.now())
    else reportAnswered()
    return error
  }
  let response: Response
  let content: unknown
  try {
    response = await fetch(path, {
      method,
      headers: {
        accept: 'application/json',
        ...(method === 'POST' && { 'content-type': 'application/json' }),
      },
      body: method === 'POST' ? JSON.stringify(body ?? {}) : undefined,
    })
    content = await response
      .text()
      .then((text): unknown => (text === '' ? null : JSON.parse(text)))
      .catch((error) => {
        if (response.ok) throw error
        return null
      })
  } catch (cause) {
    throw failure(0, null, cause)
  }
  if (!response.ok) throw failure(response.status, isProblem(content) ? content : null)
  reportAnswered()
  // The server answers by the schemas of protocol/api.ts; this is the parsed boundary.
  return content as Answer
}

export const get = <Answer>(path: string) => call<Answer>('GET', path)
export const post = <Answer>(path: string, body?: unknown) => call<Answer>('POST', path, body)
/** One part of a path. */
export const part = encodeURIComponent
