/** Turns whatever a request threw into RFC 9457 problem details with a code of our table. */
import { STATUS_CODES } from 'node:http'
import type { Problem } from '../../protocol/api.ts'
import { Fault, type FaultCode, faults } from '../../protocol/kit/fault.ts'

export const PROBLEM_TYPE = 'application/problem+json'

export function formatProblem(fault: Fault): Problem {
  const { status } = faults[fault.code]
  return {
    type: `urn:mimamori:fault:${fault.code}`,
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: fault.message,
    code: fault.code,
  }
}

/** Fastify's own refusals by their code. */
const ofFastify: Readonly<Record<string, FaultCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'request.too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'request.not-json',
}

/** A Fault as it is; Fastify's refusals translated; anything else is our failure. */
export function toFault(error: unknown, bodyLimit: number): Fault {
  if (error instanceof Fault) return error
  const { code, statusCode, message } = error as Partial<Error> & {
    code?: string
    statusCode?: number
  }
  const known = code === undefined ? undefined : ofFastify[code]
  if (known) return new Fault(known, { limitBytes: bodyLimit }, { cause: error })
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new Fault('request.invalid', { problem: message }, { cause: error })
  }
  return new Fault('internal', { what: 'the request could not be answered' }, { cause: error })
}
