/** What the site's own people are asked before a session, and what they said; their answers live in memory only. */
import type { GrantClaims } from '../../protocol/grant.ts'
import { GRANT_SKEW_MS } from '../../protocol/grant.ts'
import type { RefusalCode } from '../../protocol/tunnel/refusal.ts'
import type { PolicyTarget } from './policy.ts'

/** Questions at once: more is a cloud gone wild, and nobody would read them. */
const MAX_WAITING = 20
/** Refusals remembered, so that the same session is not asked about again and again. */
const MAX_DENIED = 1_000

/** A question that waits for a person. */
export interface ConsentQuestion {
  claims: GrantClaims
  target: PolicyTarget
  askedAt: number
  /** When no answer becomes a no, Unix ms. */
  until: number
}

/** A yes. */
export interface Consent {
  claims: GrantClaims
  /** As that person gave it. */
  by: string
  at: number
  /** The session's window as the site counts it, Unix ms. */
  until: number
}

export type ConsentAnswer =
  | { allowed: true; by: string }
  | { allowed: false; code: RefusalCode; by?: string }

export interface ConsentDesk extends Disposable {
  /** Resolves with the answer; when the signal aborts nobody asks any more. */
  ask(claims: GrantClaims, target: PolicyTarget, signal: AbortSignal): Promise<ConsentAnswer>
  /** False: there is no such question (any more). */
  answer(session: string, decision: { allow: boolean; by: string }): boolean
  /** True when a yes covers exactly this person, target, rights and window, and it is not over. */
  covers(claims: GrantClaims, now: number): boolean
  /** Open questions, oldest first. */
  questions(): ConsentQuestion[]
  /** Takes the yes back and answers open questions with `code`; without a session: all of them. */
  withdraw(code: RefusalCode, session?: string): void
  /** Takes the yes of these sessions back. */
  forget(sessions: Iterable<string>): void
}

export interface ConsentDeskOptions {
  waitMs: number
  now(): number
}

interface Waiting extends ConsentQuestion {
  settle(answer: ConsentAnswer): void
}

/** Disposing it answers no to everything that waits. */
export function createConsentDesk({ waitMs, now }: ConsentDeskOptions): ConsentDesk {
  const waiting = new Map<string, Waiting>()
  const given = new Map<string, Consent>()
  const denied = new Set<string>()
  const withdraw: ConsentDesk['withdraw'] = (code, session) => {
    for (const [id, question] of [...waiting]) {
      if (session === undefined || session === id) question.settle({ allowed: false, code })
    }
    if (session === undefined) given.clear()
    else given.delete(session)
  }
  const covers: ConsentDesk['covers'] = (claims, at) => {
    const consent = given.get(claims.session)
    return consent !== undefined && isCovered(claims, consent, at)
  }
  return {
    async ask(claims, target, signal) {
      const { session } = claims
      if (denied.has(session)) return { allowed: false, code: 'consent-denied' }
      if (covers(claims, now())) return { allowed: true, by: given.get(session)?.by ?? '' }
      // Two questions about one session at once: one of them is not the cloud's.
      const isBusy = waiting.has(session) || waiting.size >= MAX_WAITING
      if (isBusy || signal.aborted) return { allowed: false, code: 'busy' }
      const { promise, resolve } = Promise.withResolvers<ConsentAnswer>()
      const late = setTimeout(() => resolve({ allowed: false, code: 'consent-timeout' }), waitMs)
      const askedAt = now()
      const until = askedAt + waitMs
      waiting.set(session, { claims, target, askedAt, until, settle: resolve })
      const leave = () => resolve({ allowed: false, code: 'session-ended' })
      signal.addEventListener('abort', leave, { once: true })
      try {
        return await promise
      } finally {
        clearTimeout(late)
        signal.removeEventListener('abort', leave)
        waiting.delete(session)
      }
    },
    answer(session, { allow, by }) {
      const question = waiting.get(session)
      if (!question) return false
      waiting.delete(session)
      if (allow) given.set(session, consentOf(question, by, now()))
      else remember(denied, session)
      question.settle(
        allow ? { allowed: true, by } : { allowed: false, code: 'consent-denied', by },
      )
      return true
    },
    covers,
    questions: () => [...waiting.values()].map(({ settle: _, ...question }) => question),
    withdraw,
    forget(sessions) {
      for (const session of sessions) given.delete(session)
    },
    [Symbol.dispose]: () => withdraw('session-ended'),
  }
}

function consentOf({ claims }: ConsentQuestion, by: string, at: number): Consent {
  return { claims, by, at, until: at + (claims.until - claims.from) }
}

function isCovered(claims: GrantClaims, consent: Consent, now: number): boolean {
  const asked = consent.claims
  return (
    now < consent.until &&
    claims.person.id === asked.person.id &&
    claims.target === asked.target &&
    claims.rights.every((right) => asked.rights.includes(right)) &&
    claims.until - claims.from <= asked.until - asked.from &&
    claims.until <= consent.until + GRANT_SKEW_MS
  )
}

function remember(denied: Set<string>, session: string): void {
  denied.add(session)
  const [oldest] = denied
  if (denied.size > MAX_DENIED && oldest !== undefined) denied.delete(oldest)
}
