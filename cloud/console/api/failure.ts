/** The one error of the console: what the API answered (problem+json), or that it did not answer. */
import type { Problem } from '../../../protocol/api.ts'

export class ApiFailure extends Error {
  /** HTTP status; 0 when there was no answer at all. */
  readonly status: number
  readonly problem: Problem | null

  constructor(status: number, problem: Problem | null, options?: ErrorOptions) {
    super(problem?.detail ?? problem?.title ?? `HTTP ${status}`, options)
    this.name = 'ApiFailure'
    this.status = status
    this.problem = problem
  }
}

/** True when the API itself could not be reached (a proxy's 502/504 without a problem counts too). */
export function isUnreachable(error: unknown): boolean {
  return (
    error instanceof ApiFailure &&
    (error.status === 0 || (error.problem === null && error.status >= 502 && error.status <= 504))
  )
}
