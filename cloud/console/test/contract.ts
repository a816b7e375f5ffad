/** TEST fixture: answers and questions checked against the schemas of protocol/, and who asks. */
import type { FastifyRequest } from 'fastify'
import type { Static, TSchema } from 'typebox'
import { Value } from 'typebox/value'
import type { Action, Me } from '../../../protocol/api.ts'
import { people } from './people.ts'

export class Refused extends Error {
  readonly status: number
  constructor(status: number, detail: string) {
    super(detail)
    this.status = status
  }
}

/** Answers only what the schema allows: a fixture that drifts from the contract must fail loudly. */
export function checked(schema: TSchema, answer: unknown): unknown {
  if (Value.Check(schema, answer)) return answer
  throw new Error(
    `not by the contract: ${JSON.stringify(Value.Errors(schema, answer).slice(0, 3))}`,
  )
}

export function body<Schema extends TSchema>(
  schema: Schema,
  request: FastifyRequest,
): Static<Schema> {
  const content = request.body
  if (!Value.Check(schema, content)) throw new Refused(422, 'The request is not by the contract.')
  return content as Static<Schema>
}

/** Who asks; with an action: who may. */
export function person(request: FastifyRequest, action?: Action): Me {
  const found = people.find(({ login }) => login === request.cookies.login)
  if (!found) throw new Refused(401, 'Log in first.')
  if (action && !found.allowed.includes(action))
    throw new Refused(403, `${found.role} may not ${action}`)
  return found
}
