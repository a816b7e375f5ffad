/** The dates of a certificate: from when to until, and when it was signed. */

/** Clocks of gateways without a battery run late: a new certificate is valid a little before now. */
export const BACKDATE_MS = 3_600_000
/** Of the life of a short-lived one: or two thirds of it would be over before it begins. */
const BACKDATED_PART = 0.05

/** Unix ms. */
export interface Dates {
  from: number
  until: number
}

/** Of one signed now that is to live so long from now. */
export function createDates(now: number, lifeMs: number): Dates {
  return { from: now - Math.min(BACKDATE_MS, lifeMs * BACKDATED_PART), until: now + lifeMs }
}

/** As node:crypto prints them. */
export function datesOf({ validFrom, validTo }: { validFrom: string; validTo: string }): Dates {
  return { from: Date.parse(validFrom), until: Date.parse(validTo) }
}

/** When it was signed. A certificate has whole seconds: at most one too early, never too late. */
export function issuedAtOf({ from, until }: Dates): number {
  return from + Math.min(BACKDATE_MS, ((until - from) * BACKDATED_PART) / (1 + BACKDATED_PART))
}
